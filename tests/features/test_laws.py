"""The future cannot change the past; one definition has one reading."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clock import DAY
from features.encode import encode, make_block
from features.fold import fold
from features.levels import learn
from features.local import compute
from features.online import OnlineEngine
from features.plan import make_plans
from features.vocabulary import Vocabulary

VOCABULARY = Vocabulary({"events.kind": ("open", "order"), "events.item": ("x",), "leads.industry": ("x", "y")})
few = settings(max_examples=40, deadline=None)


def matrix(world, feature_set, **how):
    """The features of a world from tables."""
    return compute(world.history(), world.spine(), feature_set, VOCABULARY, **{"threads": 1, **how}).matrix


def same_bits(left, right):
    """NaN and the sign of zero included."""
    np.testing.assert_array_equal(left.view(np.uint32), right.view(np.uint32))


@few
@given(drawn=st.data())
def test_a_history_cut_at_the_cutoff_gives_the_same_bits(drawn, any_world, all_features):
    """What becomes known at or after the cutoff leaves no trace in any feature."""
    world = drawn.draw(any_world)
    whole = matrix(world, all_features)
    for row, (lead_id, cutoff) in enumerate(world.rows):
        history = world.history().upto(cutoff)
        if lead_id not in history.leads["lead_id"].to_pylist():
            continue
        cut = compute(history, world.spine().slice(row, 1), all_features, VOCABULARY, threads=1)
        same_bits(cut.matrix[0], whole[row])


@few
@given(drawn=st.data())
def test_a_log_that_goes_on_gives_the_same_bits(drawn, any_world, all_features, make):
    """Events and changes that are appended later, late ones among them, do not move the past."""
    world = drawn.draw(any_world)
    before = matrix(world, all_features)
    end = max(cutoff for _, cutoff in world.rows)
    for lead_id in ("a", "b"):
        world.events.append(make.event(lead_id, "open", end, value=9.0, item="new"))
        world.events.append(make.event(lead_id, "order", end - DAY, known_at=end, value=9.0, item="x"))
        world.changes.append({"lead_id": lead_id, "field": "stage", "value": "won", "known_at": end})
    same_bits(matrix(world, all_features), before)


@few
@given(drawn=st.data())
def test_the_fold_in_plain_python_equals_the_kernel(drawn, any_world, all_features):
    """The executable specification gives the bits of the compiled code."""
    world = drawn.draw(any_world)
    folded = np.zeros((len(world.rows), len(all_features)), np.float32)
    for encoded in encode(world.history(), world.spine(), make_plans(all_features), VOCABULARY):
        block = make_block(encoded, 0, encoded.entities, encoded.scratch())
        fold(encoded.plan.tables, block, folded)
    same_bits(folded, matrix(world, all_features))


@few
@given(drawn=st.data())
def test_one_lead_alone_equals_its_rows_in_the_table(drawn, any_world, all_features):
    """The online engine gives the bits of the table, in whatever order it is told the events."""
    world = drawn.draw(any_world)
    table = matrix(world, all_features)
    engine = OnlineEngine(all_features, VOCABULARY)
    world.events = drawn.draw(st.permutations(world.events))
    world.changes = drawn.draw(st.permutations(world.changes))
    for row, (lead_id, cutoff) in enumerate(world.rows):
        same_bits(engine.row(world.lead(lead_id), cutoff), table[row])


@few
@given(drawn=st.data())
def test_the_order_of_rows_and_the_number_of_threads_do_not_matter(drawn, any_world, all_features):
    """Shuffled tables, three threads and three ranges of leads give the same bits."""
    world = drawn.draw(any_world)
    before = matrix(world, all_features)
    world.events = drawn.draw(st.permutations(world.events))
    world.leads = drawn.draw(st.permutations(world.leads))
    world.changes = drawn.draw(st.permutations(world.changes))
    same_bits(matrix(world, all_features, threads=3, buckets=3), before)
    order = drawn.draw(st.permutations(range(len(world.rows))))
    world.rows = [world.rows[k] for k in order]
    same_bits(matrix(world, all_features), before[order])


@few
@given(drawn=st.data())
def test_a_number_does_not_depend_on_the_other_features(drawn, any_world, all_features):
    """Each feature alone has the bits that it has among all others: selection after training is safe."""
    world = drawn.draw(any_world)
    whole = matrix(world, all_features)
    names = drawn.draw(st.lists(st.sampled_from(all_features.names), min_size=1, max_size=4, unique=True))
    columns = [all_features.names.index(name) for name in names]
    same_bits(matrix(world, all_features.select(names)), np.ascontiguousarray(whole[:, columns]))


def test_a_busy_lead_is_the_same_from_all_three_readings(make, all_features):
    """5,000 shuffled events with ties, late ones and many cutoffs: kernel, fold and online engine agree to the bit."""
    random = np.random.default_rng(3)
    kinds, items = ("open", "view", "order"), (None, "x", "y", "z")
    events = [
        make.event(
            "a",
            kinds[random.integers(3)],
            int(make.START + random.integers(200 * 24) * DAY // 24),
            value=float(random.random()) if random.random() < 0.5 else None,
            item=items[random.integers(4)],
        )
        for _ in range(5000)
    ]
    for late in events[::7]:
        late["known_at"] += 3 * DAY
    rows = [("a", make.START + day * DAY) for day in (0, 1, 40, 100, 150, 199, 300)]
    world = make.World([make.lead("a", industry="x")], events, [], [], rows)
    table = matrix(world, all_features)
    engine = OnlineEngine(all_features, VOCABULARY)
    folded = np.zeros((1, len(all_features)), np.float32)
    for row, (_, cutoff) in enumerate(rows):
        same_bits(engine.row(world.lead("a"), cutoff), table[row])
        for plan, block in engine.blocks(world.lead("a"), cutoff):
            fold(plan.tables, block, folded)
        same_bits(folded[0], table[row])


def test_a_vocabulary_knows_only_what_was_known_then(make, all_features):
    """Levels are learned from before the moment: a later or a late event brings none."""
    start = make.START
    events = [
        make.event("a", "open", start, item="early"),
        make.event("a", "order", start + DAY, item="later"),
        make.event("a", "view", start, known_at=start + 2 * DAY, item="late"),
    ]
    world = make.World([make.lead("a", industry="x"), make.lead("b", start + DAY, industry="y")], events, [], [], [])
    levels = learn(world.history(), all_features, start + DAY, min_count=1).levels
    assert levels["events.kind"] == ("open",)
    assert levels["events.item"] == ("early",)
    assert levels["leads.industry"] == ("x",)
