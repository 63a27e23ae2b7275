"""Compile the engine for this machine: ``python -m features.warm``, once, at installation.

What is compiled is kept on disk beside the code. It takes some seconds; after that no run compiles anything, whatever
the catalog: definitions are tables that the compiled code reads.
"""

import sys
import time

import pyarrow as pa

from data.clock import DAY
from data.history import History
from data.spine import SPINE
from data.tables import EVENTS, LEADS, TIME, empty
from features.definitions import DistinctCount
from features.feature_set import FeatureSet
from features.local import compute
from features.online import OnlineEngine
from features.vocabulary import Vocabulary

_ASKED = FeatureSet((DistinctCount(column="kind"),)), Vocabulary({})


def warm() -> None:
    """Load or compile all that the feeds of this machine need."""
    warm_tables()
    warm_leads()


def warm_tables() -> None:
    """All that tables need."""
    compute(_facts(), _rows(), *_ASKED, threads=1)


def warm_leads() -> None:
    """All that one lead online needs."""
    OnlineEngine(*_ASKED).warm()


def _facts() -> History:
    row = {"lead_id": "lead", "kind": "view", "actor": "lead", **dict.fromkeys(("occurred_at", "known_at"), 0)}
    leads = pa.Table.from_pylist([{"lead_id": "lead", "created_at": 0}], LEADS)
    return History(leads, pa.Table.from_pylist([row], EVENTS), empty("outcomes"), ends_at=2 * DAY)


def _rows() -> pa.Table:
    return pa.table([pa.array(["lead"]), pa.array([DAY], TIME)], schema=SPINE)


def main() -> None:
    """Say what was done and how long it took."""
    started = time.perf_counter()
    warm()
    sys.stdout.write(f"The feature engine is compiled for this machine ({time.perf_counter() - started:.1f} s).\n")


if __name__ == "__main__":
    main()
