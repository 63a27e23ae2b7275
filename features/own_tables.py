"""What the compiled reading of one lead's events looks up: the definitions of a plan as tables over codes.

A text that the plan or the vocabulary names has a code of its own, from 0 on; any other one a later code, null -1.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np

from features.feature import ACTORS
from features.kernel import Arrays
from features.lead import Scalar
from features.lowering import Condition, Present
from features.own_kernel import DAY_VALUES
from features.plan import Plan
from features.reading import NAN, read_text
from features.vocabulary import Vocabulary

_TEXTS = {str, type(None)}


class TextCodes:
    """The codes of one text column. ``counted``: unknown texts are told apart; else they all have one code."""

    def __init__(self, name: str, known: Iterable[str], *, counted: bool) -> None:
        self.name = name
        self.texts = tuple(dict.fromkeys(known))
        self._codes: dict[Scalar, int] = {text: code for code, text in enumerate(self.texts)}
        if name not in ("kind", "lead"):  # these are texts as they are, even empty ones
            self._codes |= {None: -1, "": -1}
        self._counted = counted
        self._new_lately = False

    def codes(self, column: Sequence[Scalar]) -> list[int]:
        """(n,) The code of each raw value, below ``len(texts) + n``."""
        if self._new_lately:
            return self._with_new(column)
        try:
            return list(map(self._codes.__getitem__, column))  # where all are known one look-up of each is enough
        except KeyError:
            return self._with_new(column)

    def _with_new(self, column: Sequence[Scalar]) -> list[int]:
        """The codes where some texts may not be known, or be no texts."""
        known, first = self._codes, len(self.texts)
        code_of: dict[Scalar, int] = dict(zip(column, range(first, first + len(column)), strict=True))
        if not _TEXTS.issuperset(map(type, code_of)):  # what is no text may be equal and yet read otherwise: 1 and true
            return self.codes([raw if type(raw) is str else read_text(raw) for raw in column])
        if not self._counted:
            return list(map(known.get, column, repeat(first)))
        shared = known.keys() & code_of.keys()
        self._new_lately = len(shared) < len(code_of)
        for raw in shared:
            code_of[raw] = known[raw]
        return list(map(code_of.__getitem__, column))


class OwnTables:
    """The tables of one plan: ``texts`` and ``reals`` are the columns that they are about, in their order."""

    def __init__(self, plan: Plan, vocabulary: Vocabulary) -> None:
        bits, on_numbers = _sorted_out(plan.conditions)
        levels = {name: vocabulary.codes(f"events.{name}") for name in plan.levels}
        counted = [name for name in plan.distinct if name != "day"]
        known = {"kind": plan.kinds}
        self.texts = [
            TextCodes(
                name,
                (*known.get(name, ()), *bits.get(name, (0, {}))[1], *levels.get(name, ())),
                counted=name in counted,
            )
            for name in dict.fromkeys(("kind", *bits, *levels, *counted))
        ]
        self.reals = list(dict.fromkeys((*plan.numbers, *(condition.column for _, condition in on_numbers))))
        self.most = max(len(column.texts) for column in self.texts)
        place = {column.name: k for k, column in enumerate(self.texts)}
        class_of = {kind: len(ACTORS) * k for k, kind in enumerate(plan.kinds)}
        other_class = len(ACTORS) * len(plan.kinds)
        width = sum(len(column.texts) + 2 for column in self.texts)
        self.arrays: Arrays = (
            np.array(
                [*(class_of.get(kind, other_class) for kind in self.texts[0].texts), *2 * [other_class]], np.int64
            ),
            np.cumsum([0, *(len(column.texts) + 2 for column in self.texts)], dtype=np.int64),
            np.array(
                [bit for column in self.texts for bit in _bits_of(column, *bits.get(column.name, (0, {})))], np.int64
            ),
            np.array(
                [(bit, self.reals.index(one.column)) for bit, one in on_numbers for _ in _ranges(one)], np.int64
            ).reshape(-1, 2),
            np.array([limits for _, one in on_numbers for limits in _ranges(one)], np.float64).reshape(-1, 2),
            np.array([self.reals.index(name) for name in plan.numbers], np.int64),
            np.array([place[name] for name in plan.levels], np.int64),
            np.array([self._levels_of(codes) for codes in levels.values()], np.float64).reshape(len(levels), width),
            np.array([DAY_VALUES if name == "day" else place[name] for name in plan.distinct], np.int64),
        )

    def _levels_of(self, codes: dict[str, float]) -> list[float]:
        """What the codes of every column are as levels; only those of the level's own column are read."""
        other = float(len(codes))
        return [x for column in self.texts for x in (*(codes.get(text, other) for text in column.texts), other, NAN)]


def _bits_of(column: TextCodes, present: int, of_value: dict[str, int]) -> list[int]:
    return [*(present | of_value.get(text, 0) for text in column.texts), present, 0]


def _ranges(condition: Condition) -> list[tuple[float, float]]:
    """The ranges, from one number on and below another, in one of which a number is for which the condition holds."""
    if isinstance(condition, Present):
        return [(-math.inf, math.inf)]
    if condition.values:
        return [(float(value), math.nextafter(float(value), math.inf)) for value in condition.values]
    low = -math.inf if condition.at_least is None else condition.at_least
    return [(low, math.inf if condition.below is None else condition.below)]


def _sorted_out(
    conditions: Sequence[Condition],
) -> tuple[dict[str, tuple[int, dict[str, int]]], list[tuple[int, Condition]]]:
    """Conditions on texts, by column: the bits of any text, and the further bits of a value; and those on numbers."""
    on_texts: dict[str, tuple[int, dict[str, int]]] = {}
    on_numbers = []
    for position, condition in enumerate(conditions):
        if not condition.is_text:
            on_numbers.append((position, condition))
            continue
        present, of_value = on_texts.get(condition.column, (0, {}))
        if isinstance(condition, Present):
            present |= 1 << position
        else:
            for value in condition.values:
                of_value[str(value)] = of_value.get(str(value), 0) | 1 << position
        on_texts[condition.column] = (present, of_value)
    return on_texts, on_numbers
