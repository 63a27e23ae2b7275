"""How fast the feature engine is: beside its peers, above the physical floor, as it grows, online, out of core.

python benchmarks/features.py --help
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script would hide the room `features` behind this very file.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from benchmarks.feature_command import main

    main()
