"""quick: a product that is bought within weeks, by people who leave few and noisy traces."""

from datetime import UTC, datetime

from data.clock import DAY, WEEK, to_micros
from data.simulation.points import EventRule, FieldRule, PointsTable
from data.simulation.world import Category, Entry, Jump, Level, Move, Number, Regime, Signal, Touch, World

STARTS_AT = to_micros(datetime(2024, 1, 1, tzinfo=UTC))
ENDS_AT = to_micros(datetime(2025, 7, 7, tzinfo=UTC))

SIGNALS = (
    Signal("email_sent", "tips", (2.0, 2.0, 2.0, 2.0, 2.0), actor="marketing"),
    Signal("email_open", "tips", (1.4, 1.8, 1.8, 1.6, 1.1)),
    Signal("email_click", "tips", (0.3, 0.5, 0.5, 0.45, 0.2)),
    Signal("page_view", "home", (0.9, 1.4, 1.6, 1.6, 0.6), seconds=(15, 18, 20, 20, 14)),
    Signal("page_view", "features", (0.4, 0.8, 1.4, 1.2, 0.25), seconds=(30, 40, 55, 50, 25)),
    Signal("page_view", "help", (0.4, 0.5, 0.6, 0.5, 0.3), seconds=(70, 70, 80, 70, 60)),
    Signal("blog_view", "templates", (0.7, 1.2, 0.8, 0.5, 0.45), seconds=(50, 60, 60, 45, 45)),
    Signal("asset_download", "template", (0.25, 0.6, 0.4, 0.2, 0.15)),
    Signal("asset_download", "comparison", (0.06, 0.12, 0.35, 0.3, 0.04)),
    Signal("webinar", "first_steps", (0.06, 0.20, 0.25, 0.12, 0.01), late=0.5, delay=2 * DAY),
    Signal("trial_start", "trial", (0.08, 0.2, 0.6, 0.8, 0.05)),
    Signal("pricing_view", "plans", (0.30, 0.5, 1.0, 1.7, 0.2), seconds=(20, 22, 30, 40, 15)),
    Signal("demo_request", "demo", (0.01, 0.03, 0.10, 0.3, 0.006)),
    Signal("reply", None, (0.06, 0.12, 0.28, 0.5, 0.05)),
    Signal("form_submit", "partner_list", (0.10, 0.15, 0.15, 0.12, 0.03), late=0.8, delay=7 * DAY),
)

MOVES = (
    Move("unaware", "interested", 0.8),
    Move("interested", "evaluating", 0.9),
    Move("evaluating", "ready", 1.0),
    Move("ready", "bought", 1.6),
    Move("interested", "unaware", 1.0),
    Move("evaluating", "interested", 1.3),
    Move("ready", "evaluating", 1.4),
    Move("unaware", "dead", 0.30),
    Move("interested", "dead", 0.30),
    Move("evaluating", "dead", 0.35),
    Move("ready", "dead", 0.45),
    Move("dead", "lost", 1.8),
)

CALL = (
    Jump("unaware", "dead", 0.15),
    Jump("interested", "dead", 0.10),
    Jump("interested", "unaware", 0.10),
    Jump("evaluating", "interested", 0.15),
    Jump("evaluating", "ready", 0.10),
    Jump("ready", "bought", 0.20),
    Jump("ready", "dead", 0.05),
)

CATEGORIES = (
    Category(
        "industry",
        (
            Level("agency", 0.30, pace=0.20, activity=0.10),
            Level("shop", 0.30),
            Level("non-profit", 0.20, pace=-0.30, loss=0.10),
            Level("craft", 0.20, pace=-0.05, activity=-0.20),
        ),
        shared=True,
    ),
    Category(
        "country",
        (
            Level("US", 0.40, pace=0.10),
            Level("GB", 0.20, pace=0.05),
            Level("BR", 0.25, pace=-0.15, loss=0.10, activity=0.10),
            Level("JP", 0.15, pace=-0.05, activity=-0.20),
        ),
        shared=True,
    ),
    Category(
        "source",
        (
            Level("search", 0.35, pace=0.15),
            Level("advertisement", 0.35, pace=-0.30, loss=0.20),
            Level("content", 0.20),
            Level("referral", 0.10, pace=0.40, loss=-0.20),
        ),
    ),
    Category(
        "seniority",
        (
            Level("student", 0.15, pace=-0.50, loss=0.10, activity=0.20),
            Level("specialist", 0.45),
            Level("owner", 0.40, pace=0.20, activity=-0.15),
        ),
    ),
    Category("browser", tuple(Level(f"browser {i}", share) for i, share in enumerate((0.5, 0.3, 0.15, 0.05), 1))),
)

NUMBERS = (
    Number("employees", 9.0, 1.1, pace=0.10, shared=True),
    Number("form_seconds", 25.0, 0.8),
)

ENTRIES = (
    Entry("search", (0.30, 0.40, 0.25, 0.05)),
    Entry("advertisement", (0.65, 0.28, 0.06, 0.01)),
    Entry("content", (0.45, 0.45, 0.09, 0.01)),
    Entry("referral", (0.15, 0.40, 0.35, 0.10)),
)

POINTS = PointsTable(
    threshold=50,
    events=(
        EventRule("open", "Opened an e-mail", "email_open", 1, half_life=14 * DAY),
        EventRule("click", "Clicked in an e-mail", "email_click", 3, half_life=14 * DAY),
        EventRule("features", "Looked at the features", "page_view", 4, item="features", half_life=14 * DAY),
        EventRule("template", "Downloaded a template", "asset_download", 5, item="template", half_life=30 * DAY),
        EventRule("compare", "Downloaded the comparison", "asset_download", 15, item="comparison", half_life=30 * DAY),
        EventRule("trial", "Started a trial", "trial_start", 20, half_life=14 * DAY),
        EventRule("plans", "Looked at the plans", "pricing_view", 12, half_life=14 * DAY),
        EventRule("reply", "Answered an e-mail", "reply", 12, half_life=14 * DAY),
        EventRule("demo", "Asked for a demonstration", "demo_request", 35, half_life=30 * DAY),
    ),
    fields=(
        FieldRule("owner", "Owner", "seniority", "eq", "owner", 10),
        FieldRule("student", "Student", "seniority", "eq", "student", -15),
        FieldRule("source", "Came by search or referral", "source", "in", ("search", "referral"), 5),
    ),
)

QUICK = World(
    name="quick",
    about="A product that is bought within weeks, by people who leave few and noisy traces.",
    starts_at=STARTS_AT,
    ends_at=ENDS_AT,
    regimes=(
        Regime(
            starts_at=STARTS_AT,
            signals=SIGNALS,
            moves=MOVES,
            touches=(Touch("call", 0.40, CALL),),
            sources=(("search", 0.35), ("advertisement", 0.35), ("content", 0.20), ("referral", 0.10)),
        ),
    ),
    categories=CATEGORIES,
    numbers=NUMBERS,
    entries=ENTRIES,
    points=POINTS,
    horizons=(7 * DAY, 30 * DAY),
    primary=30 * DAY,
    every=WEEK,
    recorded=0.9,
    recording_lag=DAY,
    repeated=0.02,
    deal=900.0,
    calls_per_week=20.0,
)
