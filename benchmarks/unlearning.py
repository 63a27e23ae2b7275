"""What a loop unlearns that only sees what it let happen, and what a slice of exploration costs and saves.

    python benchmarks/unlearning.py [--seeds 6] [--leads 6700] [--json FILE] [--plot FILE] [--write FILE]

A simulated market responds to calls. Every week the readiest leads are called, and every four weeks the model is
trained again on the last half year: ten times. One loop calls the readiest only, one gives a slice of its calls to
chance, one calls by chance alone. Each is run twice: where the outcome of every lead is recorded, and where it is
recorded only of leads that were called. What each model has learned is judged against the hidden truth on leads of the
same market in which nobody calls.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `features` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # many small fits: threads would only wait for each other
    from benchmarks.unlearning_command import main

    main()
