"""What a policy brings: the same market, the same capacity, and somebody who chooses whom sales calls.

    python benchmarks/policy.py [--seeds 12] [--leads 6000] [--json FILE] [--plot FILE] [--write FILE]

For each seed a market is simulated to the end of its world's history, a model is trained on what was recorded by then,
and from there on each policy chooses week by week as many leads as sales can work. The market responds: a call helps a
lead that is ready and hurts one that is not. Every policy meets the same leads with the same random numbers, and what
comes of it is counted against the hidden truth. Flaps are counted on the model's daily scores where nobody calls.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `features` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.policy_command import main

    main()
