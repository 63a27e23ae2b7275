"""Whether a challenger in the shadow delays answers: the same service with none, with a share, with every lead.

    python benchmarks/shadow.py [--rounds 5] [--requests 600] [--rate 60] [--json FILE] [--write FILE]

Three services with a store each, of one live bundle and one bundle in the shadow; 1,200 different leads of a simulated
market are sent along in turn, four connections, so many a second (``--rate``) and then as fast as it goes. The services
take turns round by round, each round in another order; figures are medians of the rounds. Latencies are those of this
machine at this moment: what counts is how those of one round differ.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `serving` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.shadow_command import main

    main()
