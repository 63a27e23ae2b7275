"""What changed from one version's report to the next."""

from copy import deepcopy

from training.changes import changes
from training.version_card import version_card


def test_the_same_report_changed_nothing_but_says_what_it_learned_from(report):
    """Against itself there are the same facts and the same rows, and nothing else is told."""
    told = changes(report, report)
    assert told[0] == "the same facts"
    assert len(told) == 2
    assert "learned from 24,000 rows" in told[1]


def test_definition_facts_features_and_suspects_are_told(report):
    """Each kind of change is one sentence, with what it was and what it became."""
    later = deepcopy(report)
    later["definition"]["outcome"] = ["won", "upgraded"]
    later["history"] |= {"leads": 6_000, "fingerprint": "x", "ends_at": "2025-09-01T00:00:00Z"}
    later["importance"] = [*later["importance"][1:], *({"feature": f"new_{k}"} for k in range(7))]
    later["leaks"] = {"quarantined": ["deal_owner"]}
    later["blend"]["weight"] = 0.5
    told = changes(report, later)
    assert "outcome: won became won, upgraded" in told
    assert "facts up to 1 Sep 2025 (+790 leads, +0 events, +0 outcomes)" in told
    assert "new features: new_0, new_1, new_2, new_3, new_4 and 2 more" in told
    assert "features gone: pricing_view_count_7d" in told
    assert "left out now as suspects: deal_owner" in told
    assert "share of LightGBM in the blend: 62 % became 50 %" in told


def test_the_card_tells_it_against_the_champion(report):
    """The card names the version that it is told against; without a champion there is no such section."""
    card = version_card(report, "b" * 64, before={**report, "version": "3"})
    assert "### What changed against version 3\n\n- the same facts" in card
    assert "What changed" not in version_card(report, "b" * 64)
