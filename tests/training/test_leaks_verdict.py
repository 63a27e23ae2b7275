"""The verdict: which evidence convicts, which only raises a brow, and that a name alone does neither."""

import pytest

from training.leaks.finding import Auc, Late
from training.leaks.late import FILLED, LATER, WORKED
from training.leaks.verdict import AGED, HARDLY, NOTABLE, STRONG, Evidence, judge, reasons


def _auc(firm, high=None):
    return Auc(firm + 0.02, firm + 0.005, high or firm + 0.04, firm)


def _late(by_age, by_group, left=0.05, sign=FILLED):
    return Late(sign, 0.1, 100, 0.3, by_age, "won", 0.9, 200, left, 300, by_group)


REST = Auc(0.7, 0.68, 0.72, 0.66)
WEAK_REST = Auc(0.95, 0.93, 0.97, 0.92)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (Evidence(), "clean"),
        (Evidence(words=("lost", "reason")), "clean"),
        (Evidence(late=_late(LATER, WORKED)), "quarantined"),
        (Evidence(late=_late(LATER, WORKED - 0.01)), "clean"),
        (Evidence(late=_late(LATER - 0.01, WORKED)), "clean"),
        (Evidence(late=_late(LATER - 0.01, WORKED, left=HARDLY)), "watch"),
        (Evidence(late=_late(LATER - 0.01, WORKED, left=HARDLY), words=("deal",)), "quarantined"),
        (Evidence(late=_late(LATER - 0.01, WORKED, left=HARDLY + 0.01), words=("deal",)), "clean"),
        (Evidence(late=_late(AGED, 1.0)), "watch"),
        (Evidence(late=_late(AGED, 1.0, sign="'blue'")), "clean"),
        (Evidence(alone=_auc(STRONG), rest=REST), "quarantined"),
        (Evidence(alone=_auc(STRONG), rest=WEAK_REST), "watch"),
        (Evidence(alone=_auc(STRONG)), "watch"),
        (Evidence(alone=_auc(STRONG - 0.01), rest=REST), "clean"),
        (Evidence(alone=_auc(STRONG), rest=WEAK_REST, late=_late(LATER, 1.0)), "quarantined"),
        (Evidence(alone=_auc(NOTABLE), rest=REST, words=("call",)), "watch"),
        (Evidence(alone=_auc(NOTABLE - 0.01), rest=REST, words=("call",)), "clean"),
        (Evidence(late=_late(3.0, 9.0), as_of=True), "clean"),
        (Evidence(alone=_auc(STRONG), rest=REST, as_of=True), "quarantined"),
        (Evidence(late=_late(3.0, 9.0), at_creation=_late(3.0, 9.0), as_of=True), "quarantined"),
        (Evidence(late=_late(3.0, 9.0), at_creation=_late(1.0, 9.0), as_of=True), "clean"),
    ],
)
def test_each_threshold_is_where_it_is_said_to_be(evidence, verdict):
    """At the threshold the evidence counts, just below it does not; both halves are asked for."""
    assert judge(evidence) == verdict


def test_a_suspect_has_reasons_and_a_clean_field_no_accusation():
    """Whatever is not clean is told why; a telling name on a clean field is not held against it."""
    suspect = Evidence(late=_late(LATER, WORKED), alone=_auc(STRONG), rest=REST, words=("deal",))
    told = reasons(suspect)
    assert told[0].startswith("filled for 90 % of 200 won leads and 5.0 % of 300 open leads")
    assert "AUC 0.77 (0.76 to 0.79)" in told[1]
    assert told[-1] == "its name says what sales does: deal"
    assert reasons(Evidence(words=("deal",))) == ()
