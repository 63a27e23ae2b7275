"""What people agreed on decides: in every process on the store, by whatever bundle, and nobody overwrites another."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from benchmarks.desk_market import later
from data.clock import wall_clock
from data.errors import ContractError
from models.agreement import curve_of, policy_at
from models.thresholds import exit_for
from serving.agreeing.following import Following
from serving.agreeing.versions import Change, Overtaken, agree, agreed_in, apply, deciding, history, latest
from serving.deciding.decide import decide
from serving.deciding.passing import begin_pass, renew, run_pass
from serving.deciding.passing import latest as last_pass
from serving.store.tables import audit, standings


def save(store, loaded, capacity, since, why="more people in March"):
    """Agree on a capacity."""
    change = Change(capacity, why, "ann", since)
    return store.write(lambda connection: agree(connection, loaded, change, wall_clock()))


def test_a_version_is_kept_with_who_and_why_and_decides_by_the_curve(store, loaded):
    """The threshold is that of the bundle's curve, the exit follows; the audit trail has a line."""
    curve = curve_of(loaded.bundle)
    made = save(store, loaded, curve.choices[3].per_week, 0)
    assert made == store.read(latest) == store.read(history)[0]
    assert (made.version, made.by, made.why) == (1, "ann", "more people in March")
    by_it = agreed_in(store, loaded)
    policy = by_it.bundle.policy
    assert policy.threshold == curve.choices[3].threshold != loaded.bundle.policy.threshold
    assert policy.exit == exit_for(policy.threshold)
    assert policy == by_it.scorer.bundle.policy == made.policy
    assert (by_it.policy_version, by_it.bundle.bundle_id) == (1, loaded.bundle.bundle_id)
    assert replace(policy, threshold=0.5, exit_below=0.5, capacity_per_week=None) == replace(
        loaded.bundle.policy, threshold=0.5, exit_below=0.5, capacity_per_week=None
    )
    line = store.read(lambda connection: connection.execute(select(audit)).mappings().one())
    assert (line["action"], line["by"]) == ("policy agreed", "ann")
    assert json.loads(line["detail"])["threshold"] == policy.threshold


def test_back_to_what_the_bundle_brings_is_a_version_too(store, loaded):
    """Without a capacity the bundle's own policy decides again, wherever the agreement was applied before."""
    save(store, loaded, curve_of(loaded.bundle).choices[0].per_week, 0)
    first = agreed_in(store, loaded)
    save(store, first, None, 1)
    for begun in (loaded, first):
        back = agreed_in(store, begun)
        assert back.bundle.policy == loaded.bundle.policy
        assert back.policy_version == 2


def test_of_two_who_save_at_once_the_second_is_told(store, loaded):
    """Both looked at the same version: one is kept, the other hears that it was overtaken."""
    capacities = [choice.per_week for choice in curve_of(loaded.bundle).choices[:4]]

    def one(capacity):
        try:
            return save(store, loaded, capacity, 0).version
        except Overtaken:
            return 0

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, capacities)) == [0, 0, 0, 1]
    assert [version.version for version in store.read(history)] == [1]
    with pytest.raises(Overtaken, match="at version 1, the change was made from version 0"):
        save(store, loaded, capacities[0], 0)


@pytest.mark.parametrize(("capacity", "why", "found"), [
    (1e-6, "so", "capacity_per_week is 1e-06. Expected from"),
    (float("nan"), "so", "capacity_per_week is nan"),
    (1e9, "so", "capacity_per_week is 1e[+]09"),
    (5.0, "  ", "why has 0 characters"),
    (5.0, "x" * 501, "why has 501 characters"),
])  # fmt: skip
def test_what_cannot_be_agreed_on_is_refused(store, loaded, capacity, why, found):
    """One sentence, and nothing is kept."""
    with pytest.raises(ContractError, match=found):
        save(store, loaded, capacity, 0, why)
    assert store.read(latest) is None


def test_a_new_bundle_gives_the_agreed_capacity_its_own_threshold(store, loaded):
    """What stays agreed is how many leads sales can work; the threshold for it is the new model's."""
    curve = curve_of(loaded.bundle)
    agreed = save(store, loaded, curve.choices[-1].per_week, 0)
    report = json.loads(json.dumps(loaded.bundle.report))
    for choice in report["agreement"]["choices"]:
        choice["threshold"] *= 0.5
    newer = replace(loaded, bundle=replace(loaded.bundle, report=report, bundle_id="another"))
    assert apply(newer, agreed).bundle.policy.threshold == 0.5 * agreed.policy.threshold
    bare = replace(loaded, bundle=replace(loaded.bundle, report={}))
    assert deciding(bare, agreed.capacity) == bare.bundle.policy, "a bundle without a curve decides as it was trained"


def test_between_two_points_of_the_curve_no_more_is_handed_off_than_agreed(loaded):
    """The threshold of the next lower capacity; below the lowest the lowest's, above the highest the highest's."""
    choices = curve_of(loaded.bundle).choices
    for below, above in itertools.pairwise(choices):
        middle = (below.per_week + above.per_week) / 2
        assert policy_at(loaded.bundle, middle).threshold == below.threshold
        assert policy_at(loaded.bundle, above.per_week).threshold == above.threshold
    assert policy_at(loaded.bundle, 10 * choices[-1].per_week).threshold == choices[-1].threshold
    assert policy_at(loaded.bundle, choices[0].per_week / 2).threshold == choices[0].threshold


def test_another_process_goes_by_it_within_a_moment(store, loaded, until):
    """A follower hears of a version that was saved elsewhere; until either changes, its bundle is one value."""
    following = Following()
    following.begin(store)
    try:
        assert following.deciding(loaded) is loaded
        save(store, loaded, curve_of(loaded.bundle).choices[2].per_week, 0)
        until(lambda: following.deciding(loaded).policy_version == 1, 10)
        assert following.deciding(loaded) is following.deciding(loaded)
    finally:
        following.stop()


def test_leads_are_decided_about_by_what_is_agreed_whoever_has_heard_of_it(store, loaded, filling, trained):
    """A process that has not heard decides by it all the same, and a pass brings every lead under it once."""
    curve, moved = curve_of(loaded.bundle), later(trained.history, wall_clock() - trained.history.ends_at)
    store.write(filling(moved))
    few = apply(loaded, save(store, loaded, curve.lowest, 0))
    store.write(lambda connection: begin_pass(connection, few, "model", wall_clock()))
    run_pass(store, few)
    before = _ready(store)
    agreed = save(store, loaded, curve.choices[-1].per_week, 1)
    able = select(standings.c.lead_id).where(
        standings.c.state == "nurture", standings.c.readiness >= agreed.policy.threshold
    )
    some = store.read(lambda connection: connection.execute(able.order_by("lead_id").limit(9)).scalars().all())
    decided = store.write(lambda connection: decide(connection, few, some, wall_clock(), "event"))
    assert any(one.row.state == "ready" for one in decided), "this process had heard of version 1 only"
    by_it = agreed_in(store, loaded)
    assert renew(store, by_it)
    assert not renew(store, few), "who has not heard of it does not turn it back"
    assert run_pass(store, few) is None, "nor works on its pass"
    assert store.read(last_pass).finished_at is None
    done = run_pass(store, by_it)
    assert (done.cause, done.policy) == ("policy", 2)
    assert done.finished_at is not None
    assert not renew(store, by_it)
    assert len(_ready(store)) > len(before)


def _ready(store):
    statement = select(standings.c.lead_id).where(standings.c.state == "ready")
    return set(store.read(lambda connection: connection.execute(statement).scalars().all()))
