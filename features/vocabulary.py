"""Category levels and their codes, learned once from what was known then, stored in the bundle.

The *k* levels of a column have the codes 0 to k - 1, the most frequent first, equal ones by text. Every other text has
the code *k* (``other``): the rare levels that were pooled, and those never seen. Null has no code: NaN.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.errors import BundleError
from features.context import Attribute
from features.definitions import First, Last
from features.feature import Feature
from features.reading import NAN, read_text

VERSION = 1
OTHER = "other"
"""How the code of other levels is decoded."""


def levels_key(feature: Feature) -> str | None:
    """Where the levels of a category feature are kept, such as ``leads.industry`` or ``events.item``."""
    if isinstance(feature, Attribute) and feature.type == "category":
        return attribute_key(feature)
    if isinstance(feature, First | Last) and feature.type == "category":
        return f"events.{feature.column}"
    return None


def attribute_key(attribute: Attribute) -> str:
    """Where the levels of an attribute are kept; the lead's column and its changes share them."""
    return f"{'accounts' if attribute.of_account else 'leads'}.{attribute.column}"


@dataclass(frozen=True)
class Vocabulary:
    """The levels of each column by ``levels_key``; a column that is not there has none, so that all is ``other``."""

    levels: Mapping[str, tuple[str, ...]]

    def codes(self, key: str) -> dict[str, float]:
        """The code of each level of a column."""
        return {level: float(code) for code, level in enumerate(self.levels.get(key, ()))}

    def code(self, key: str, value: object) -> float:
        """The code of any raw value: NaN for null, that of ``other`` for what is no level."""
        text = read_text(value)
        return NAN if text is None else self.codes(key).get(text, float(len(self.levels.get(key, ()))))

    def words(self, key: str) -> list[str]:
        """The level of each code, ``other`` at the end (``other (pooled)`` where a level is called other)."""
        levels = self.levels.get(key, ())
        return [*levels, OTHER if OTHER not in levels else f"{OTHER} (pooled)"]

    def to_json(self) -> str:
        """The canonical text."""
        content = {"version": VERSION, "levels": {key: list(levels) for key, levels in self.levels.items()}}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        """What ``to_json`` wrote. Raises BundleError for anything else."""
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"A vocabulary is not JSON: {error}. Write it again with `to_json`.") from None
        if not _is_vocabulary(content):
            raise BundleError(
                f"A vocabulary is {text[:80]!r}. Expected version {VERSION} and for each column a list of different "
                "texts. Write it again with `to_json`."
            )
        return cls({key: tuple(levels) for key, levels in content["levels"].items()})


def _is_vocabulary(content: Any) -> bool:
    if not isinstance(content, dict) or content.keys() != {"version", "levels"} or content["version"] != VERSION:
        return False
    columns = content["levels"]
    return isinstance(columns, dict) and all(
        isinstance(levels, list)
        and all(isinstance(level, str) and level for level in levels)
        and len(set(levels)) == len(levels)
        for levels in columns.values()
    )
