"""The engine as a machine: what it compiles, what it imports, what it does with nothing."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from data.clock import DAY
from data.errors import ContractError
from features import arrange, kernel, own_kernel
from features.context import Tenure
from features.definitions import Count, DecayedSum, DistinctCount, Max
from features.feature import Where
from features.feature_set import FeatureSet
from features.local import compute
from features.online import OnlineEngine
from features.plan import make_plans
from features.vocabulary import Vocabulary


def test_a_new_catalog_compiles_nothing(make, all_features):
    """Any feature set, from a table or online, runs what was compiled for the first one."""
    world = make.World([make.lead("a")], [make.event("a", "view", make.START)], [], [], [("a", make.START + DAY)])
    sets = [
        all_features,
        FeatureSet((Tenure(),)),
        FeatureSet(()),
        FeatureSet((DecayedSum(half_life=DAY), Max(), DistinctCount(column="item"))),
    ]
    seen = []
    for features in sets:
        compute(world.history(), world.spine(), features, Vocabulary({}))
        OnlineEngine(features, Vocabulary({})).row(world.lead("a"), make.START + DAY)
        compiled = {**vars(arrange), **vars(kernel), **vars(own_kernel)}
        seen.append({name: made.signatures for name, made in compiled.items() if isinstance(made, Dispatcher)})
    assert len(seen[0]["compute_rows"]) == 1
    # times come as arrays of Python's or of NumPy's: what takes them may have met both before
    assert seen[1:] == seen[:-1]


LISTEN = """
from numba.core import event

class Compiled(event.Listener):
    def on_start(self, found):
        made = found.data["dispatcher"].py_func
        print(made.__module__, made.__name__)

    def on_end(self, found):
        pass

event.register("numba:compile", Compiled())
"""
LATER = (
    LISTEN
    + """
import pyarrow as pa
from data.clock import DAY
from features.definitions import DecayedSum, DistinctCount, GapStd, Last, Max
from features.feature_set import FeatureSet
from features.lead import Event, LeadHistory
from features.local import compute
from features.online import OnlineEngine
from features.vocabulary import Vocabulary
from features.warm import _facts, _rows

asked = FeatureSet((
    Max(window=DAY), GapStd(), DecayedSum(half_life=DAY), Last(), DistinctCount(column="lead", per="account"),
    DistinctCount(column="day"),
))
compute(_facts(), _rows(), asked, Vocabulary({}), threads=2)
for moments in ((1, 2), (2, 1), (1, 1)):
    events = tuple(Event("view", moment, moment) for moment in moments)
    OnlineEngine(asked, Vocabulary({})).row(LeadHistory("a", 0, events=events), DAY)
"""
)
FIRST_RUN = (
    LISTEN
    + """
from features.feature_set import FeatureSet
from features.local import compute
from features.online import OnlineEngine
from features.vocabulary import Vocabulary
from features.warm import _facts, _rows

compute(_facts(), _rows(), FeatureSet(()), Vocabulary({}), threads=2)
print("then")
OnlineEngine(FeatureSet(()), Vocabulary({})).warm()
"""
)


def test_the_very_first_run_compiles_little_and_nothing_twice(tmp_path):
    """On a new machine a table needs ten functions or so, each for one kind of arguments.

    One lead needs the same kernel and two small ones besides. No other figure is tested: what counts is how many.
    """
    place = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", FIRST_RUN], env=place, capture_output=True, text=True, check=True)
    of_table, of_lead = (
        [line for line in part.splitlines() if "features." in line] for part in done.stdout.split("then")
    )
    assert "features.kernel compute_rows" in of_table
    assert len(of_table) <= 12
    assert sorted(of_lead) == ["features.moments _read", "features.moments _second", "features.own_kernel encode_own"]
    assert len({*of_table, *of_lead}) == len(of_table) + len(of_lead)


def test_a_warmed_machine_compiles_nothing_in_later_processes(tmp_path):
    """After ``python -m features.warm`` neither another catalog, nor several threads, nor the first lead compile."""
    place = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    warmed = subprocess.run(
        [sys.executable, "-m", "features.warm"], env=place, capture_output=True, text=True, check=True
    )
    assert "compiled for this machine" in warmed.stdout
    assert list(tmp_path.rglob("*.nbc"))
    later = subprocess.run([sys.executable, "-c", LATER], env=place, capture_output=True, text=True, check=True)
    assert later.stdout == ""


CONTAINED = """
from features.compiled import compiled

NUMBER = {number}


@compiled
def inner(x):
    return x + NUMBER
"""
CONTAINING = """
import contained
from features.compiled import compiled_over


@compiled_over(contained)
def outer(x):
    return contained.inner(x)


print(outer(1))
"""


def test_what_is_kept_of_compiled_code_is_fresh_only_as_long_as_what_it_contains(tmp_path):
    """A function that contains compiled code of another file is compiled anew when that file has changed."""
    place = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept"), "PYTHONPATH": os.pathsep.join(sys.path)}
    (tmp_path / "containing.py").write_text(CONTAINING)
    answers = []
    for number in (1, 1, 20):
        (tmp_path / "contained.py").write_text(CONTAINED.format(number=number))
        os.utime(tmp_path / "contained.py", (number, number))
        command = [sys.executable, "-B", str(tmp_path / "containing.py")]
        done = subprocess.run(command, env=place, capture_output=True, text=True, check=True, cwd=tmp_path)
        answers.append(done.stdout)
    assert answers == ["2\n", "2\n", "21\n"]
    assert list((tmp_path / "kept").rglob("*outer*.nbi"))


TOLD = """
from typing import NamedTuple

from features.compiled import compiled


class {name}(NamedTuple):
    x: int


@compiled
def inner(told):
    return told.x


print(inner({name}(1)), len(inner.stats.cache_hits))
"""


def test_what_is_kept_of_compiled_code_outlives_the_classes_that_it_names(tmp_path):
    """After an upgrade that renamed what a function is given, it is compiled anew; the program starts."""
    place = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept"), "PYTHONPATH": os.pathsep.join(sys.path)}
    answers = []
    for name in ("Before", "Before", "Renamed"):
        (tmp_path / "told.py").write_text(TOLD.format(name=name))
        os.utime(tmp_path / "told.py", (1, 1))
        command = [sys.executable, "-B", "-c", "import told"]
        done = subprocess.run(command, env=place, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-1_000:]
        answers.append(done.stdout)
    assert answers == ["1 0\n", "1 1\n", "1 0\n"]


def test_the_service_side_imports_no_table_library():
    """features.online brings NumPy and numba, not pyarrow, pandas or pydantic."""
    heavy = ("pyarrow", "pandas", "polars", "pydantic")
    code = f"import sys, features.online; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_nothing_asked_is_nothing_answered(make):
    """No rows, no events, no leads, no features: empty matrices of the right shape."""
    world = make.World([make.lead("a")], [], [], [], [])
    features = FeatureSet((Count(), Tenure()))
    assert compute(world.history(), world.spine(), features, Vocabulary({})).matrix.shape == (0, 2)
    world.leads = []
    assert compute(world.history(), world.spine(), features, Vocabulary({})).to_arrow().num_columns == 4
    world = make.World([make.lead("a")], [], [], [], [("a", make.START + DAY)])
    found = compute(world.history(), world.spine(), features, Vocabulary({}))
    assert found.matrix.tolist() == [[0, 1]]
    assert found.matrix.dtype == np.float32
    assert found.matrix.flags.c_contiguous


def test_progress_counts_up_to_all_rows(make):
    """Progress is told after each range and ends at the number of rows."""
    leads = [make.lead(f"lead {k}") for k in range(10)]
    world = make.World(leads, [], [], [], [(lead["lead_id"], make.START + DAY) for lead in leads])
    told = []
    compute(
        world.history(),
        world.spine(),
        FeatureSet((Count(),)),
        Vocabulary({}),
        buckets=5,
        progress=lambda done, rows: told.append((done, rows)),
    )
    assert told == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]


def test_too_many_conditions_are_refused():
    """The bits of an event hold 62 conditions; one more is a sentence, not a wrong number."""
    many = [Count(where=Where("item", (f"page {k}",))) for k in range(62)]
    assert len(make_plans(many)[0].conditions) == 62
    with pytest.raises(ContractError, match="63 different conditions"):
        make_plans([*many, Count(where=Where("item", ("one more",)))])


def test_the_highest_bit_is_read(make):
    """The 62nd condition works like the first."""
    features = FeatureSet(tuple(Count(where=Where("item", (f"page {k}",))) for k in range(62)))
    event = make.event("a", "view", make.START, item="page 61")
    world = make.World([make.lead("a")], [event], [], [], [("a", make.START + DAY)])
    found = compute(world.history(), world.spine(), features, Vocabulary({})).matrix[0]
    assert np.flatnonzero(found).tolist() == [61]
