"""How many cores a piece of linear algebra is given: one, unless it is large.

NumPy and SciPy each bring a BLAS of their own, whose threads go on waiting busily after a product is done. A small
system that the one solves between two products of the other then waits for cores that nobody needs: on two of them,
beside other work, a fit of 500 rows took six to fifty times the CPU time that it takes on one.
"""

from contextlib import AbstractContextManager, nullcontext

import numpy.linalg  # noqa: F401 - the libraries must be there before their threads can be counted
import scipy.linalg  # noqa: F401
from threadpoolctl import ThreadpoolController

WORTH_CORES = 1e10
"""From so many multiplications on further cores save seconds. Smaller products gain a tenth to a quarter of little on a
quiet machine, for up to twice the CPU time, and lose much on a busy one."""
_POOLS = ThreadpoolController()


def cores_for(multiplications: float) -> AbstractContextManager[object]:
    """Within this, BLAS has the cores that so much work is worth; those of large work are not touched."""
    return nullcontext() if multiplications >= WORTH_CORES else _POOLS.limit(limits=1, user_api="blas")
