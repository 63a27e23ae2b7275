"""When Python looks for garbage in the process of a service: seldom, and never among what stays.

By itself it looks after every 700 new objects, which is each third stored lead with its events, and now and then
through all there are: the schemas, the routes and the bundle, a fifth of a second during which nobody is answered.
"""

import ctypes
import gc
from contextlib import suppress

_OFTEN, _LATER = 5_000, 20


def seldom() -> None:
    """Look less often from now on: at the start, whose imports make many objects that stay."""
    gc.set_threshold(_OFTEN, _LATER, _LATER)


def settled() -> None:
    """When the first bundle is loaded and warm: never look again among the objects that there are.

    What loading took and left is given back to the system, where the C library can (glibc's ``malloc_trim``).
    """
    gc.freeze()
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
