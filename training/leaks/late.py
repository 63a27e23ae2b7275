"""Who has the field: the test for what is filled in later, which needs an export alone.

An attribute that was known at creation is as frequent among the youngest leads as among older ones, whatever became of
them; one that is filled in later is not. Markets change too, so a second comparison must agree: among leads of the same
age, one that is filled in when sales or the outcome comes is missing where neither has come. A new form field passes
the second test and an eager buyer's attribute the first; a field that fails both was filled in later.

Each *sign* of a field is asked: that it is filled, and each frequent level or range. Ratios are told by the lower end
of their interval (Wilson's, at a level divided by the number of signs of all fields).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from training.leaks.fields import Coded
from training.leaks.finding import Late
from training.leaks.groups import COHORTS, LEAST, Groups, Mask

AGE_Z = 2.33
"""The first comparison alone convicts nobody, so that its interval (99 %, one-sided) is held for one sign."""
TOGETHER = 0.05
"""The chance that any of all signs of all fields misleads the second comparison."""
MOST_SIGNS = 25
RARE = 0.1
"""A level that fewer of the worked-on leads have may come and go with the people who write it."""
COMMON = 0.2
"""A value that so many leads have may be what a field shows before anybody has written it."""
FILLED = "filled"
LATER = 1.2
"""Certainly so many times as frequent among older leads as among the youngest: it comes with time."""
WORKED = 3.0
"""Certainly so many times as frequent where sales or the outcome has come as where neither has."""


@dataclass(frozen=True)
class Share:
    """A share, of how many (a weighted share counts for fewer than its rows)."""

    value: float
    n: float

    def bounds(self, z: float) -> tuple[float, float]:
        """Wilson's interval: E. B. Wilson, JASA 22, 1927."""
        n, p = max(self.n, 1e-9), self.value
        centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max((centre - half) / (1 + z * z / n), 0.0), min((centre + half) / (1 + z * z / n), 1.0)


def signs_of(field: Coded) -> Iterator[tuple[str, Mask]]:
    """(name, which leads have it) of each sign.

    That the field is filled; that it is another than its most frequent value; and each of its frequent levels.
    """
    filled = field.filled
    if not filled.all():
        yield FILLED, filled
    counts = np.bincount(field.codes[filled], minlength=len(field.names))
    often = np.argsort(-counts, kind="stable")[:MOST_SIGNS]
    if len(often) > 2 and counts[often[0]] >= COMMON * len(filled):
        yield f"other than {field.names[often[0]]!r}", filled & (field.codes != often[0])
    for code in often:
        if counts[code] >= LEAST:
            yield repr(field.names[code]), field.codes == code


@dataclass(frozen=True)
class Levels:
    """How many standard errors make a ratio certain: for signs that are ``filled``, and for values."""

    filled: float
    value: float


def levels_for(fields: Iterable[Coded]) -> Levels:
    """Levels at which all signs of all fields together mislead with the chance TOGETHER at the most (Bonferroni).

    Half of it is for whether fields are filled, of which there are few; the other half for their many values.
    """
    names = [sign for field in fields for sign, _ in signs_of(field)]
    filled = names.count(FILLED)
    asked = (max(count, 1) for count in (filled, len(names) - filled))
    return Levels(*(float(norm.ppf(1.0 - TOGETHER / 2 / count)) for count in asked))


def lateness(field: Coded, groups: Groups, levels: Levels) -> Late | None:
    """The latest sign of a field, its second ratio told at ``levels``; None for a field without signs."""
    found = [
        late
        for sign, has in signs_of(field)
        for late in _of_sign(sign, has, groups, levels.filled if sign == FILLED else levels.value)
    ]
    return max(found, key=_clarity, default=None)


def _clarity(late: Late) -> tuple[int, bool, float, float]:
    """How clearly a sign comes late: by both comparisons, the second, none; being filled says more than a value."""
    worked = late.by_group >= WORKED
    both = worked and late.by_age >= LATER
    return worked + both, late.sign == FILLED, min(late.by_group, late.by_age), late.by_group


def _of_sign(sign: str, has: Mask, groups: Groups, z: float) -> Iterator[Late]:
    """The sign in each group where it can be compared; once without any where it cannot."""
    young, grown = _share(has, groups.young), _share(has, ~groups.young)
    by_age = ratio(grown, young, AGE_Z) if min(young.n, grown.n) >= LEAST else 0.0
    told = Late(sign, young.value, int(young.n), grown.value, by_age)
    yield told
    for name, group in (("won", groups.won), ("lost", groups.lost), ("touched", groups.touched)):
        worked, left = same_age(has, group, groups.alone, groups.cohort)
        if min(worked.n, left.n) >= LEAST and has[group].mean() >= RARE:
            yield replace(
                told,
                group=name,
                worked=float(has[group].mean()),
                n_worked=int(group.sum()),
                left=left.value,
                n_left=int(groups.alone.sum()),
                by_group=ratio(worked, left, z),
            )


def _share(has: Mask, among: Mask) -> Share:
    count = int(among.sum())
    return Share(float(has[among].mean()) if count else 0.0, count)


def ratio(often: Share, seldom: Share, z: float) -> float:
    """How many times as frequent the first is at the least."""
    return float(often.bounds(z)[0] / seldom.bounds(z)[1])


def same_age(has: Mask, one: Mask, other: Mask, cohort: npt.NDArray[np.int64]) -> tuple[Share, Share]:
    """The shares of ``has`` in two groups as they would be if both had the same ages (Mantel-Haenszel weights)."""
    n_one, n_other = (np.bincount(cohort[group], minlength=COHORTS).astype(float) for group in (one, other))
    weight = n_one * n_other / np.maximum(n_one + n_other, 1.0)
    if not weight.sum():
        return Share(0.0, 0.0), Share(0.0, 0.0)
    return _weighted(has, one, cohort, n_one, weight), _weighted(has, other, cohort, n_other, weight)


def _weighted(
    has: Mask, group: Mask, cohort: npt.NDArray[np.int64], n: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]
) -> Share:
    hits = np.bincount(cohort[group & has], minlength=COHORTS)
    usable = weight > 0
    share = weight[usable] / weight.sum()
    value = float((share * hits[usable] / n[usable]).sum())
    return Share(min(value, 1.0), float(1.0 / (share**2 / n[usable]).sum()))
