"""How readiness is spread over rows: nine numbers between which a tenth of them lies each."""

from collections.abc import Iterable


def tenths_of(readiness: Iterable[float]) -> tuple[float, ...]:
    """The nine numbers, growing; none for no rows."""
    ordered = sorted(readiness)
    return tuple(float(ordered[len(ordered) * tenth // 10]) for tenth in range(1, 10)) if ordered else ()
