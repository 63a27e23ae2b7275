"""Measure the leak detector: how often it finds what was planted, and how often it suspects an honest field.

    python benchmarks/leaks.py [--seeds 10] [--first-seed 1000] [--sizes 600 1500 6000] [--source DIR] [--write FILE]

Simulated worlds, where the truth is known, over seeds and sizes; then the public data sets whose traps are known, over
seeds that draw 80 % of the leads. Without the data sets only the worlds are measured. Exit 1 when something planted was
missed or an honest field was quarantined, in a world of 1,500 leads or more or in a public data set.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `features` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.leaks_command import main

    main()
