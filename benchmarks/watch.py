"""How soon `readiness watch` notices that the world has changed, and how often it cries where nothing has.

    python benchmarks/watch.py [--worlds steady drifting] [--leads 1500] [--weeks 26] [--seeds 5] [--json FILE]
                               [--write FILE]

In each world and for each seed a model is trained on what is known four weeks before the drifting world changes. From
then on every open lead is scored each week, as `readiness score` does it, and each week is looked at what is known by
then. In the steady world nothing changes, so that every alarm is a false one; in the drifting one the weeks are counted
from the change to the first alarm.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `features` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.watch_command import main

    main()
