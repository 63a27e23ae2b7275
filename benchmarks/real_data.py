"""Judge the served model on public data beside two baselines that are fitted in the same run on the same rows.

    python benchmarks/real_data.py [--source DIR] [--write docs/results.md] [--json FILE] [NAME ...]

NAME is an example contract (`examples/NAME.toml`) or `rolling`, Moro's rolling window on bank_marketing; without names
all of them run. Each example is trained as `readiness train` trains it. Without `--source` the data sets are looked for
where the contracts say. Exit 1 when the served model loses to a baseline or misses what is asked of the rolling window.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # the folder of this script is not the root that `benchmarks` and the rooms are imported from
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.real_command import main

    main()
