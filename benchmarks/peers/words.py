"""What every peer may know beforehand: kinds, windows, the names of the features. No library but the standard one.

A peer is a module with ``compute(folder, threads)``, which reads ``events.parquet``, ``leads.parquet`` and
``spine.parquet`` and answers in the form that its tool returns, complete and in memory; that is what is timed. Its
``as_arrow(answer)`` is not timed: a table with ``row`` (the position in the spine file, from 0) and a column for each
feature, named as in ``feature_questions``, times in microseconds, categories as texts, nothing as null.

A peer may know this market: its ten kinds, that only calls are made by sales, that every event has a channel, that no
lead has 32,768 events or more, nor 32 at one moment. The engine knows none of this. Otherwise a peer must answer as the
engine does, ties and late knowledge included.
"""

DAY = 86_400_000_000
"""Microseconds."""
ORIGIN = 1_672_531_200_000_000
"""2023-01-01, before all that happens: times and decays counted from here stay small."""
KINDS = (
    *("email_open", "page_view", "email_click", "asset_download", "webinar"),
    *("form_submit", "pricing_view", "reply", "demo_request"),
)
"""The engagement kinds in the order of the questions."""
CHANNELS = ("ads", "email", "event", "partner", "web")
WINDOWS = {"1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY, "": 0}
"""How far back each suffix of a name reaches; 0 is for ever."""
TRENDS = (("engagement", "7d", "30d"), ("engagement", "30d", "90d"), ("page_view", "7d", "30d"))
DECAYS = (
    ("engagement", 7),
    ("engagement", 30),
    ("page_view", 7),
    ("pricing_view", 7),
    ("reply", 30),
    ("email_open", 30),
)
"""Whose events, and the half-life in days."""


def named(words: str, window: str) -> str:
    """A derived name: the window comes last, where there is one."""
    return f"{words}_{window}" if window else words


def trend_factor(short: str, long: str) -> float:
    """What turns a ratio of counts into a ratio of rates."""
    return WINDOWS[long] / WINDOWS[short]
