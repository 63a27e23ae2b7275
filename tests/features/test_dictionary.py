"""The feature dictionary: complete, made of the definitions alone, readable in any Markdown viewer."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.clock import DAY
from features.custom import Custom
from features.definitions import Count, DistinctCount, First, Sum
from features.dictionary import meaning, to_markdown
from features.feature import Where
from features.feature_set import FeatureSet, feature_types
from features.lead import Event


@dataclass(frozen=True, kw_only=True)
class LongestVisit(Custom):
    """The longest visit so far, in seconds."""

    def value(self, events: Sequence[Event], cutoff: int) -> float | None:
        """The largest value."""
        del cutoff
        return max((float(event.value) for event in events if isinstance(event.value, float)), default=None)


def test_every_feature_has_a_row_with_its_type_unit_and_null(all_features):
    """One row for each feature, of six cells, none of them empty but the sign."""
    rows = [line for line in to_markdown(all_features).splitlines() if line.startswith("| `")]
    assert sorted(row.split("`")[1] for row in rows) == sorted(all_features.names)
    for row in rows:
        cells = [cell.strip() for cell in row.replace(r"\|", "").strip("|").split("|")]
        assert len(cells) == 6
        assert all(cells[:5])


def test_every_kind_of_feature_is_explained(all_features):
    """No kind falls back to its name, and two different features never share a sentence."""
    kinds = {type(feature).__name__ for feature in all_features}
    assert kinds == set(feature_types()) - {kind.__name__ for kind in Custom.__subclasses__()}
    said = [meaning(feature) for feature in all_features]
    assert not set(said) & set(all_features.names)
    assert len(set(said)) == len(said)


def test_a_sentence_says_whose_what_with_which_value_and_how_far_back():
    """Examples, to be read."""
    assert meaning(Count(kinds=("reply",), window=7 * DAY)) == "how many events: reply, in the 7d before the cutoff"
    shared = DistinctCount(column="lead", per="account", window=30 * DAY)
    assert meaning(shared) == (
        "how many different leads among the events: engagement of any lead of the account, in the 30d before the cutoff"
    )
    dear = Sum(where=(Where("value", at_least=100, below=500), Where("item", ("a", "b"))))
    assert meaning(dear) == (
        "sum of value over the events: engagement with value of at least 100 and below 500 with item a or b, ever"
    )
    assert meaning(First(column="value", type="number")) == "value of the earliest event that has one: engagement, ever"


def test_an_own_class_is_told_by_its_docstring_and_version():
    """What the code does is said by whoever wrote it."""
    assert meaning(LongestVisit()) == "The longest visit so far, in seconds (own class, version 1)"


def test_the_dictionary_carries_the_fingerprint():
    """A reader can tell which definitions it describes."""
    few = FeatureSet((Count(),))
    assert few.fingerprint in to_markdown(few)
    assert FeatureSet((Count(window=DAY),)).fingerprint not in to_markdown(few)
