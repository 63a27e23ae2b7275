"""How LightGBM's threads wait for each other: a moment busily, then asleep. To be imported before LightGBM is loaded.

GNU's OpenMP, which reads this as it is loaded, waits busily for long by default. Where something else runs, waiting
threads then take each other's cores: beside six other processes on two cores, two threads took twenty times the CPU
time of one, and twelve times as long. A moment keeps the speed of a quiet machine, and nearly all of what sleep saves
on a busy one. Whoever sets OMP_WAIT_POLICY or GOMP_SPINCOUNT decides.
"""

import os

A_MOMENT = "1000"
"""Rounds of waiting, some microseconds."""

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", A_MOMENT)
