"""Kinds and levels that the model was not made with: told when chance would not have kept them from it."""

from math import comb
from types import SimpleNamespace

import pyarrow as pa
import pytest

from data.clock import DAY
from features.context import Attribute
from features.feature_set import FeatureSet
from features.vocabulary import Vocabulary
from training.watching.news import new_kinds, new_levels

SINCE = 100 * DAY


def bundle(kinds=("page_view",), levels=("web", "fair"), learned=("web", "fair", None)):
    """What is read of a bundle."""
    features = FeatureSet((Attribute(column="source"),))
    reference = pa.table({"source": pa.array(learned).dictionary_encode()})
    return SimpleNamespace(
        card={"kinds": list(kinds)},
        feature_set=features,
        vocabulary=Vocabulary({"leads.source": levels}),
        reference_rows=lambda: reference,
    )


def test_a_kind_that_many_do_now_and_nobody_did_is_news(make_history):
    """A tenth of the time has passed since: thirty leads are no chance, one may be; known kinds are not asked about."""
    leads = [(f"l{k}", 0) for k in range(100)]
    events = [("l0", "page_view", DAY, DAY), ("l0", "once", 105 * DAY, 105 * DAY)]
    events += [(f"l{k}", "chat", 105 * DAY, 105 * DAY) for k in range(30)]
    found = {one.subject: one.p for one in new_kinds(bundle(), make_history(leads, events, ends_at=110 * DAY), SINCE)}
    assert set(found) == {"chat", "once"}
    assert found["chat"] == pytest.approx((10 / 110) ** 30)
    assert found["once"] == pytest.approx(10 / 110)


def test_a_kind_known_late_is_no_old_one(make_history):
    """It occurred before the model was made, and nobody knew."""
    history = make_history([("a", 0)], [("a", "page_view", 1, 1), ("a", "fax", 5, SINCE)], ends_at=110 * DAY)
    assert [one.subject for one in new_kinds(bundle(), history, SINCE)] == ["fax"]


def test_a_store_that_began_later_asks_the_card(make_history):
    """Where nothing is known from before, the kinds are those that the bundle names."""
    leads = [("a", SINCE + 1)]
    events = [("a", kind, SINCE + 2, SINCE + 2) for kind in ("page_view", "chat")]
    found = new_kinds(bundle(), make_history(leads, events, ends_at=110 * DAY), SINCE)
    assert [(one.subject, one.p) for one in found] == [("chat", 0.5)]


def _with_sources(history, sources):
    leads = history.leads.append_column("source", pa.array(sources, pa.string()))
    return type(history)(leads, history.events, history.outcomes, history.ends_at)


def test_a_level_that_new_leads_have_is_news(make_history):
    """By hand: 90 leads before, 10 since; three of these have a new level, and 10·9·8 in 100·99·98 draws would."""
    leads = [(f"l{k}", DAY if k < 90 else SINCE + DAY) for k in range(100)]
    sources = ["web"] * 90 + ["web", "fair", "rare before"] + ["market"] * 3 + [None] * 4
    sources[5] = "rare before"
    found = new_levels(bundle(), _with_sources(make_history(leads, ends_at=110 * DAY), sources), SINCE)
    assert [one.subject for one in found] == ["source=market"]
    known = 96  # those that have a source
    assert found[0].p == pytest.approx(6 * 5 * 4 / (known * (known - 1) * (known - 2)))
    assert "3 leads (50 % of those that came since) have it" in found[0].text


def test_a_level_that_the_model_knows_by_name_is_none(make_history):
    """Also where nobody has had it in this history before."""
    leads = [(f"l{k}", SINCE + DAY) for k in range(3)]
    history = _with_sources(make_history(leads, ends_at=110 * DAY), ["web", "fair", "market"])
    found = new_levels(bundle(), history, SINCE)
    assert [one.subject for one in found] == ["source=market"]


@pytest.mark.parametrize("learned", [["web"] * 6 + ["other"] * 2 + [None] * 9, ["web"] * 98, [None] * 20])
def test_where_no_lead_is_from_before_the_reference_rows_tell_what_was_rare(make_history, learned):
    """By hand: of 20 new leads 5 have a level without a name; before, so many rows of all had such a one."""
    history = _with_sources(
        make_history([(f"l{k}", SINCE + DAY) for k in range(20)], ends_at=110 * DAY), ["web"] * 15 + ["tip"] * 5
    )
    [found] = new_levels(bundle(learned=learned), history, SINCE)
    known = [one for one in learned if one]
    rate = (known.count("other") + 1) / (len(known) + 2)
    assert found.subject == "source=tip"
    assert found.p == pytest.approx(sum(comb(20, k) * rate**k * (1 - rate) ** (20 - k) for k in range(5, 21)))
    assert (found.p < 1e-4) == (len(known) == 98)
