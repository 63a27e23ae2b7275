"""What is alarming: the year's budget, many questions at once, and what stood before."""

import numpy as np
import pytest

from training.watching.alarms import KINDS, Budget, Finding, standing

AT, EARLIER = 2_000, 1_000


def budget(before=None, per_year=1.0):
    """A budget at AT."""
    return Budget(per_year, AT, before or {})


def test_a_year_of_looks_spends_the_budget():
    """Where nothing changes: a year's nights of all families that chance can raise come to what was allowed."""
    rng, per_year, years = np.random.default_rng(3), 20.0, 4
    raised = sum(
        len(budget(per_year=per_year).alarms(kind, [Finding(str(k), p, "") for k, p in enumerate(rng.random(30))]))
        for _ in range(365 * years)
        for kind in KINDS
        if kind != "replay"
    )
    assert 0.5 * per_year * years <= raised <= 1.5 * per_year * years


def test_one_question_among_many_must_be_surer():
    """The same p-value alone is an alarm, among a hundred others it is none."""
    alone = budget().level / 2
    others = [Finding(f"other {k}", 0.5, "") for k in range(100)]
    assert [one.subject for one in budget().alarms("drift", [Finding("a", alone, "text")])] == ["a"]
    assert budget().alarms("drift", [Finding("a", alone, "text"), *others]) == []


def test_what_does_not_matter_is_no_alarm_however_sure():
    """A tiny move of many leads is certain, and nobody's business."""
    assert budget().alarms("drift", [Finding("a", 0.0, "text", matters=False)]) == []


def test_an_alarm_stands_until_it_is_well_over():
    """It keeps its beginning while its p-value is near the level, also when it is small by now, and then it ends."""
    before = {("drift", "a"): EARLIER}
    near, over = budget().level * 9, budget().level * 11
    (alarm,) = budget(before).alarms("drift", [Finding("a", near, "text", matters=False)])
    assert (alarm.since, alarm.key) == (EARLIER, ("drift", "a"))
    assert budget(before).alarms("drift", [Finding("a", over, "text")]) == []
    assert budget().alarms("drift", [Finding("a", near, "text")]) == []


def test_alarms_are_remembered_through_what_was_kept():
    """What a look wrote is what the next one begins with."""
    (alarm,) = budget().alarms("silent-source", [Finding("reply", 0.0, "Nothing of reply has arrived.")])
    assert standing({"alarms": [alarm.to_dict()]}) == {("silent-source", "reply"): AT}
    assert standing(None) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_found_is_no_alarm(kind):
    """A family that had nothing to ask raises nothing."""
    assert budget().alarms(kind, []) == []
