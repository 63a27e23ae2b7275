"""points_driven: the company's points decide every week whom sales calls, so touches follow the history.

Attendance lists of webinars and trade fairs are uploaded late; the company gives no points for them. It records
outcomes at once, so that nobody is called after the end.
"""

from dataclasses import replace

from data.clock import DAY, WEEK
from data.simulation.steady import STARTS_AT, STEADY
from data.simulation.world import Company

POINTS_DRIVEN = replace(
    STEADY,
    name="points_driven",
    about="Every week sales calls the leads with the most points, as many as it can: touches follow the history.",
    regimes=tuple(
        replace(regime, touches=tuple(replace(t, per_month=0.0 if t.kind == "call" else 0.03) for t in regime.touches))
        for regime in STEADY.regimes
    ),
    every=2 * WEEK,
    recording_lag=0,
    company=Company(first_at=STARTS_AT, period=WEEK, rest=28 * DAY, capacity=6.0),
)
