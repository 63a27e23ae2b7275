from copy import deepcopy

from training.expectation import expectation
from training.version_card import LONGEST, version_card


def test_the_first_line_says_how_good_it_is(report):
    """MLflow's list of versions shows one line: it has the served figures and the rivals' distance."""
    first = version_card(report, "b" * 64).splitlines()[0]
    served = report["horizons"]["90d"]["models"]["blend"]
    assert f"AUC {served['auc']:.3f}" in first
    assert "against base rate" in first
    assert "against points" in first


def test_the_card_says_what_ready_means_and_shows_the_rivals(report):
    """The card has the definition of ready, the data's range, every rival with its interval, and the bundle."""
    card = version_card(report, "b" * 64)
    assert "won within 30 days and 90 days" in card
    assert "5 Feb 2024 to 7 Oct 2024" in card
    low, high = report["horizons"]["90d"]["models"]["points"]["intervals"]["auc"]
    assert f"({low:.3f} to {high:.3f})" in card
    assert "b" * 64 in card


def test_tables_have_as_many_cells_as_heads(report):
    """Every row of a Markdown table has the same number of cells, so that it is shown as a table."""
    for block in version_card(report, "b" * 64).split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def test_the_card_fits_what_databases_keep(report):
    """However many horizons and notes there are, the card keeps its head and stays within MLflow's limit."""
    long = deepcopy(report)
    long["notes"] = ["a long note " * 20] * 40
    for extra in range(120, 200, 10):
        long["horizons"][f"{extra}d"] = long["horizons"]["30d"]
    card = version_card(long, "b" * 64)
    assert len(card) <= LONGEST
    assert "### Within 90 days" in card


def test_markup_in_notes_is_shown_not_run(report):
    """A note with angle brackets is text in the registry's page."""
    assert "&lt;deal_owner&gt;" in version_card(report, "b" * 64)


def test_the_card_says_what_to_expect_of_few_wins(report):
    """Where too few won to tell, the card says so right below its first line, and claims no call list."""
    few = deepcopy(report)
    few["expectation"] = expectation(7, {**few["horizons"]["90d"], "wins": 2}, "blend")
    card = version_card(few, "b" * 64)
    assert "- Learned from 7 wins and judged on 2: too few to say how well it ranks." in card.split("\n\n")[1]
    assert "would have caught" not in card
    assert "would have caught" in version_card(report, "b" * 64)
