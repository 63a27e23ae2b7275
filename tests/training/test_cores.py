"""Linear algebra gets the cores that it is worth."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from training.cores import WORTH_CORES, cores_for


def blas():
    """How many threads each BLAS of this process has."""
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture
def two_threads():
    """However many cores the machine has, BLAS may have two."""
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.usefixtures("two_threads")
def test_small_work_has_one_core_and_large_work_what_there_is():
    """Inside, every BLAS has one thread for small work and is left alone for large; afterwards all is as before."""
    before = blas()
    assert set(before) == {2}
    with cores_for(WORTH_CORES / 2):
        assert set(blas()) == {1}
    with cores_for(WORTH_CORES):
        assert blas() == before
    assert blas() == before
