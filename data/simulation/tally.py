"""What came of the calls of a policy, counted against the hidden truth."""

from dataclasses import dataclass

import numpy as np

from data.simulation.loop import Course
from data.simulation.states import ALIVE, BOUGHT, DEAD, OPEN, READY, SILENT, Bools
from data.spine import micros


@dataclass(frozen=True)
class Tally:
    """What came of a course; every number is a count.

    ``premature``: calls to leads that were alive and not ready. ``too_late``: to leads that were dead or closed.
    ``lost``: leads that died of a premature call. ``open``: leads that were open at any time; ``never_called`` of them
    were not called, ``missed`` were ready at some time and not called.
    """

    calls: int
    won: int
    premature: int
    too_late: int
    lost: int
    open: int
    never_called: int
    missed: int


def count(course: Course) -> Tally:
    """The tally of a course."""
    opening, log = course.opening, course.log
    leads = len(opening.leads)
    there = (opening.fork.walkers.state < OPEN) & (micros(opening.leads["created_at"]) < course.until)
    called = _marked(leads, course.lead)
    premature = course.before < READY
    died = premature & ((course.after == DEAD) | (course.after == SILENT))
    ready = _marked(leads, log.move_lead[log.after == READY]) | (there & (opening.fork.walkers.state == READY))
    return Tally(
        calls=len(course.lead),
        won=int((log.after == BOUGHT).sum()),
        premature=int(premature.sum()),
        too_late=int((course.before >= ALIVE).sum()),
        lost=int(died.sum()),
        open=int(there.sum()),
        never_called=int((there & ~called).sum()),
        missed=int((ready & ~called).sum()),
    )


def _marked(leads: int, places: np.ndarray) -> Bools:
    marks = np.zeros(leads, bool)
    marks[places] = True
    return marks
