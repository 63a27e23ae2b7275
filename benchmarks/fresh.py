"""What it costs to serve the model that was judged, which has learned nothing from the split on.

    python benchmarks/fresh.py [--worlds steady quick points_driven drifting] [--leads 3000] [--weeks 13] [--seeds 3]
                               [--json FILE] [--write FILE]

A model is trained on what is known thirteen weeks after the drifting world's change. From then on the open leads are
asked about every third week, by the model that was judged and by the one that serves, and both are set beside the exact
probability.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `features` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.fresh_command import main

    main()
