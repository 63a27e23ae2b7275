"""The champion at hand: trained once where there is none, fetched from then on."""

import pytest

from models.bundle import read_bundle
from training.fetch import is_there
from training.keeping import champion

pytestmark = [
    # MLflow 3.17 maps its tables with a loader that SQLAlchemy 2.1 will drop; it warns once, at the first store.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    # MLflow reads the type hints of its own chat classes while it is imported, and silences the warning in its own way.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    # MLflow compares the columns of every table with a range, which pandas 4 will refuse.
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
]


def test_the_champion_is_trained_once_and_fetched_from_then_on(steady, tmp_path):
    """The first call makes version 1, the second reads the same bundle and trains nothing."""
    contract, checked = steady
    contract = contract.model_copy(update={"folder": tmp_path, "points": None})
    assert not is_there(contract)
    told: list[str] = []
    made = champion(contract, checked, lambda what, _share: told.append(what))
    assert "fitting the booster" in told
    assert is_there(contract)
    assert not is_there(contract, "challenger")
    assert not is_there(contract, "2")
    told.clear()
    again = champion(contract, checked, lambda what, _share: told.append(what))
    assert again.bundle_id == made.bundle_id
    assert told == []
    assert read_bundle(tmp_path / ".readiness" / "bundles" / made.bundle_id).bundle_id == made.bundle_id
