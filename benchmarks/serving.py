"""What an answer costs: the service beside a bare FastAPI hello and beside other model servers, in one run.

    python benchmarks/serving.py [--rounds 5] [--requests 1200] [--peers mlflow,bentoml,mlserver,mlserver-inline]
        [--json FILE] [--write FILE]

One worker each, loopback, four connections, 1,200 different leads of a simulated market in turn. The servers take turns
round by round; figures are medians of the rounds. CPU microseconds a request, of all the server's processes, come
first: on a machine that others use too they say more than latencies do. The peers get finished features and only
predict; ours reads events, computes the features, scores, calibrates and decides.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `serving` behind the benchmark of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.serving_command import main

    main()
