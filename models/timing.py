"""The trees of a booster apart: those that ask for the hazard bin, and those that answer the same in every bin.

Most trees never look at the bin. Their contributions are computed once for a row and not once for each bin.
"""

import re
from functools import cached_property

import numpy as np

from models.booster import Booster
from models.numerics import Floats, Matrix

_SPLITS = re.compile(rb"^split_feature=(.*)$", re.MULTILINE)
_NUMBER = re.compile(rb"^Tree=\d+$", re.MULTILINE)
_SIZES = re.compile(rb"^tree_sizes=.*$", re.MULTILINE)


class TreesApart:
    """Contributions of a booster whose last feature, after ``features`` others, is the number of the bin.

    It is split in two on first use.
    """

    def __init__(self, text: bytes, features: int) -> None:
        self._text = text
        self._features = features

    def contributions(self, with_bins: Matrix, bins: int) -> tuple[Floats | None, Floats | None]:
        """Those of the trees that answer the same in every bin, (n, features + 2), and of the others, (n * bins, ...).

        ``with_bins`` is (n * bins, features + 1): each row once for each bin, the number of the bin behind. None: there
        are no such trees. A row alone has the same bits as among others.
        """
        timeless, timed = self._parts
        any_bin = np.ascontiguousarray(with_bins[::bins])
        return (
            None if timeless is None else timeless.contributions(any_bin),
            None if timed is None else timed.contributions(with_bins),
        )

    @cached_property
    def _parts(self) -> tuple[Booster | None, Booster | None]:
        """The trees that never look at the bin, and those that do."""
        head, _, rest = self._text.partition(b"\n\n")
        blocks = [block + b"\n\n\n" for block in rest.partition(b"end of trees")[0].split(b"\n\n\n") if block]
        timed = [self._asks_for_bin(block) for block in blocks]
        chosen = [[block for block, asks in zip(blocks, timed, strict=True) if asks is want] for want in (False, True)]
        timeless, asking = (_booster(head, part) for part in chosen)
        return timeless, asking

    def _asks_for_bin(self, block: bytes) -> bool:
        found = _SPLITS.search(block)
        return found is not None and str(self._features).encode() in found.group(1).split()


def _booster(head: bytes, blocks: list[bytes]) -> Booster | None:
    """A booster of these trees, numbered anew; None of no trees."""
    if not blocks:
        return None
    numbered = [_NUMBER.sub(b"Tree=%d" % number, block, count=1) for number, block in enumerate(blocks)]
    sizes = b"tree_sizes=" + b" ".join(b"%d" % len(block) for block in numbered)
    return Booster(_SIZES.sub(sizes, head, count=1) + b"\n\n" + b"".join(numbered) + b"end of trees\n")
