"""Lines and points of charts, as numbers of an SVG: presentation is the style sheet's."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Frame:
    """The inside of a chart, in the SVG's units, and the values at its edges."""

    left: float
    right: float
    top: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, value: float) -> float:
        """Where a value of x is, from left to right; beyond the edges, at the edge."""
        return _between(value, self.x, self.left, self.right)

    def up(self, value: float) -> float:
        """Where a value of y is; SVG counts from the top."""
        return _between(value, self.y, self.bottom, self.top)

    def line(self, points: Iterable[Point]) -> str:
        """The ``points`` attribute of a polyline."""
        return " ".join(f"{self.across(x)},{self.up(y)}" for x, y in points)


def _between(value: float, edges: tuple[float, float], first: float, last: float) -> float:
    width = edges[1] - edges[0]
    share = 0.0 if width <= 0.0 else (value - edges[0]) / width
    return round(first + (last - first) * min(max(share, 0.0), 1.0), 2)


def top_of(values: Iterable[float], least: float) -> float:
    """A round number at or above all values, and ``least``."""
    highest = max([*values, least])
    scale = 10.0 ** math.floor(math.log10(highest))
    return next(one * scale for one in _ROUND if one * scale >= highest * (1 - 1e-12))


def ticks(top: float) -> Sequence[float]:
    """Round values from 0 on, evenly apart, up to five beside it, none above ``top``."""
    step = top_of([top / 5.0], 1e-9)
    return [step * place for place in range(int(top / step * (1 + 1e-12)) + 1)]
