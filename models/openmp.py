"""How LightGBM's threads wait for each other: asleep. To be imported before LightGBM is loaded, which reads it then.

By default they wait busily, which is a little faster where nothing else runs. Where something does, they take each
other's cores: beside six other processes on two cores, two threads took twenty times the CPU time of one, and twelve
times as long. Whoever sets OMP_WAIT_POLICY decides.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
