"""An ordered tuple of features with names, types and a fingerprint; a strict round trip through JSON."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain
from typing import Any

from data.errors import BundleError, ContractError
from features import compared, context, definitions
from features.custom import Custom
from features.feature import Dtype, Feature, Where

VERSION = 2
RESERVED = ("lead_id", "cutoff")


@dataclass(frozen=True)
class FeatureSet:
    """Features in the order of the matrix's columns. Raises ContractError when two have the same name."""

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        twice = [name for name, count in Counter([*RESERVED, *self.names]).items() if count > 1]
        if twice:
            raise ContractError(
                f"{len(twice)} feature names are taken more than once (first: {twice[0]!r}). Expected each name once, "
                f"and none of {RESERVED}. Give one of them an alias."
            )

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, one for each column."""
        return tuple(feature.name for feature in self.features)

    @property
    def dtypes(self) -> tuple[Dtype, ...]:
        """``number`` or ``category``, one for each column."""
        return tuple(feature.dtype for feature in self.features)

    @property
    def signs(self) -> tuple[int, ...]:
        """The certain direction of each column's effect on readiness, 0 where it is not certain."""
        return tuple(feature.sign for feature in self.features)

    @property
    def groups(self) -> tuple[str, ...]:
        """The question that each column helps to answer."""
        return tuple(feature.group for feature in self.features)

    @cached_property
    def fingerprint(self) -> str:
        """The sha256, in hex, of the canonical text: it changes with any definition, and with their order."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def select(self, names: Sequence[str]) -> "FeatureSet":
        """The features of these names, in this order; their numbers stay the same to the last bit."""
        known = dict(zip(self.names, self.features, strict=True))
        missing = [name for name in names if name not in known]
        if missing:
            raise ContractError(
                f"{len(missing)} of {len(names)} features are not in this set (first: {missing[0]!r}). Expected names "
                f"out of {len(self)}, such as {self.names[:3]}."
            )
        return FeatureSet(tuple(known[name] for name in names))

    def to_json(self) -> str:
        """The canonical text: every field of every definition, keys sorted."""
        content = {"version": VERSION, "features": [_describe(feature) for feature in self.features]}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "FeatureSet":
        """What ``to_json`` wrote. Raises BundleError for anything else, unknown and missing keys included."""
        try:
            content = json.loads(text)
            if not isinstance(content, dict) or content.keys() != {"version", "features"}:
                raise ContractError("The feature set has other keys than version and features. Expected these two.")
            if content["version"] != VERSION:
                raise ContractError(f"The feature set has version {content['version']!r}. Expected {VERSION}.")
            return cls(tuple(_rebuild(entry) for entry in content["features"]))
        except (ContractError, ValueError, TypeError, RecursionError) as error:
            raise BundleError(f"A feature set cannot be read: {error} Write it again with `to_json`.") from None


def feature_types() -> dict[str, type[Feature]]:
    """All kinds of features by class name: those of ``features.definitions``, and the custom ones imported so far."""
    found: dict[str, type[Feature]] = {}
    for candidate in chain(*(vars(module).values() for module in (definitions, compared, context))):
        public = isinstance(candidate, type) and issubclass(candidate, Feature) and not candidate.__abstractmethods__
        if public and candidate is not Custom and not candidate.__name__.startswith("_"):
            found[candidate.__name__] = candidate
    waiting = list(Custom.__subclasses__())
    while waiting:
        custom = waiting.pop()
        found.setdefault(custom.__name__, custom)
        waiting += custom.__subclasses__()
    return found


def _describe(feature: Feature) -> dict[str, Any]:
    entry: dict[str, Any] = {"feature": type(feature).__name__}
    if isinstance(feature, Custom):
        entry["version"] = feature.version
    for item in fields(feature):
        entry[item.name] = _described(getattr(feature, item.name))
    return entry


def _described(value: Any) -> Any:
    if isinstance(value, Feature):
        return _describe(value)
    if isinstance(value, Where):
        return {"column": value.column, "values": list(value.values), "at_least": value.at_least, "below": value.below}
    return [_described(one) for one in value] if isinstance(value, tuple) else value


def _rebuild(entry: Any) -> Feature:
    if not isinstance(entry, dict) or not isinstance(entry.get("feature"), str):
        raise ContractError(f"A feature is {str(entry)[:80]!r}. Expected an object that names its class.")
    kind = feature_types().get(entry["feature"])
    if kind is None:
        raise ContractError(
            f"A feature has the unknown class {entry['feature']!r}. Import its class first if it is your own."
        )
    custom = {"version"} if issubclass(kind, Custom) else set()
    expected = {item.name for item in fields(kind)} | {"feature"} | custom
    if entry.keys() != expected:
        odd = sorted(entry.keys() ^ expected)
        raise ContractError(
            f"A {entry['feature']} feature has unknown or missing keys {odd}. Expected {sorted(expected)}."
        )
    if issubclass(kind, Custom) and entry["version"] != kind.version:
        raise ContractError(
            f"{entry['feature']} is version {entry['version']!r} there and {kind.version} here. "
            "Bring the version it was made with."
        )
    return kind(**{key: _value(value) for key, value in entry.items() if key not in {"feature"} | custom})


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_value(one) for one in value)
    if isinstance(value, dict) and value.keys() == {"column", "values", "at_least", "below"}:
        return Where(value["column"], tuple(value["values"]), value["at_least"], value["below"])
    return _rebuild(value) if isinstance(value, dict) else value
