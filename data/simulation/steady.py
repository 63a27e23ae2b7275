"""steady: a business product with a long cycle. Sales touches come at random, whatever the lead has done."""

from datetime import UTC, datetime

from data.clock import DAY, WEEK, to_micros
from data.simulation.points import EventRule, FieldRule, PointsTable
from data.simulation.world import Category, Entry, Jump, Level, Move, Number, Regime, Signal, Touch, World

STARTS_AT = to_micros(datetime(2024, 1, 1, tzinfo=UTC))
ENDS_AT = to_micros(datetime(2025, 7, 7, tzinfo=UTC))

SIGNALS = (
    Signal("email_sent", "newsletter", (0.6, 0.6, 0.6, 0.6, 0.6), actor="marketing"),
    Signal("email_open", "newsletter", (0.36, 0.70, 0.62, 0.55, 0.10)),
    Signal("email_click", "newsletter", (0.05, 0.25, 0.25, 0.20, 0.010)),
    Signal("page_view", "home", (0.15, 0.50, 0.58, 0.58, 0.03), seconds=(15, 20, 25, 25, 12)),
    Signal("page_view", "product", (0.08, 0.40, 0.90, 0.70, 0.02), seconds=(25, 45, 80, 70, 15)),
    Signal("page_view", "careers", (0.08, 0.08, 0.08, 0.08, 0.08), seconds=(40, 40, 40, 40, 40)),
    Signal("blog_view", "how_to", (0.18, 0.65, 0.42, 0.14, 0.04), seconds=(60, 90, 80, 50, 40)),
    Signal("asset_download", "white_paper", (0.05, 0.45, 0.20, 0.07, 0.006)),
    Signal("asset_download", "buyers_guide", (0.02, 0.16, 0.34, 0.13, 0.003)),
    Signal("asset_download", "price_list", (0.008, 0.04, 0.18, 0.50, 0.004)),
    Signal("webinar", "introduction", (0.03, 0.22, 0.19, 0.05, 0.005), late=0.5, delay=5 * DAY),
    Signal("pricing_view", "pricing", (0.04, 0.14, 0.50, 1.10, 0.02), seconds=(15, 20, 35, 60, 12)),
    Signal("demo_request", "demo", (0.003, 0.015, 0.08, 0.28, 0.001)),
    Signal("reply", None, (0.02, 0.08, 0.25, 0.60, 0.015)),
    Signal("form_submit", "trade_fair", (0.05, 0.13, 0.10, 0.05, 0.006), late=0.7, delay=14 * DAY),
    Signal("form_submit", "contact", (0.01, 0.05, 0.16, 0.36, 0.006)),
)

MOVES = (
    Move("unaware", "interested", 0.32),
    Move("interested", "evaluating", 0.30),
    Move("evaluating", "ready", 0.26),
    Move("ready", "bought", 0.55),
    Move("interested", "unaware", 0.30),
    Move("evaluating", "interested", 0.36),
    Move("ready", "evaluating", 0.42),
    Move("unaware", "dead", 0.07),
    Move("interested", "dead", 0.07),
    Move("evaluating", "dead", 0.09),
    Move("ready", "dead", 0.14),
    Move("dead", "lost", 0.60),
)

CALL = (
    Jump("unaware", "dead", 0.12),
    Jump("interested", "dead", 0.08),
    Jump("interested", "unaware", 0.15),
    Jump("evaluating", "interested", 0.15),
    Jump("evaluating", "dead", 0.05),
    Jump("evaluating", "ready", 0.10),
    Jump("ready", "bought", 0.25),
    Jump("ready", "evaluating", 0.05),
)

MEETING = (
    Jump("unaware", "dead", 0.15),
    Jump("interested", "unaware", 0.20),
    Jump("evaluating", "ready", 0.25),
    Jump("evaluating", "interested", 0.10),
    Jump("ready", "bought", 0.40),
)

CATEGORIES = (
    Category(
        "industry",
        (
            Level("software", 0.25, pace=0.25, activity=0.15),
            Level("manufacturing", 0.25, pace=-0.05),
            Level("retail", 0.20, pace=-0.15, loss=0.10),
            Level("finance", 0.15, pace=0.15, activity=-0.10),
            Level("public sector", 0.15, pace=-0.35, loss=-0.20, activity=-0.15),
        ),
        shared=True,
    ),
    Category(
        "country",
        (
            Level("DE", 0.30, pace=0.05),
            Level("US", 0.35, pace=0.10, activity=0.05),
            Level("FR", 0.15, pace=-0.10),
            Level("IN", 0.20, pace=-0.15, loss=0.15, activity=0.15),
        ),
        shared=True,
    ),
    Category(
        "source",
        (
            Level("website", 0.35, pace=0.10),
            Level("event", 0.20, pace=-0.05),
            Level("content", 0.30, pace=-0.15, activity=0.10),
            Level("referral", 0.15, pace=0.35, loss=-0.20),
        ),
    ),
    Category(
        "seniority",
        (
            Level("student", 0.10, pace=-0.60, loss=0.20, activity=0.30),
            Level("specialist", 0.45, pace=-0.05, activity=0.05),
            Level("head", 0.30, pace=0.15),
            Level("executive", 0.15, pace=0.25, activity=-0.35),
        ),
    ),
    Category("crm_region", tuple(Level(f"region {i}", 0.125) for i in range(1, 9))),
)

NUMBERS = (
    Number("employees", 120.0, 1.3, pace=0.20, loss=-0.05, shared=True),
    Number("form_seconds", 45.0, 0.7),
)

ENTRIES = (
    Entry("website", (0.40, 0.40, 0.17, 0.03)),
    Entry("event", (0.65, 0.28, 0.06, 0.01)),
    Entry("content", (0.55, 0.38, 0.06, 0.01)),
    Entry("referral", (0.20, 0.45, 0.28, 0.07)),
)

POINTS = PointsTable(
    threshold=60,
    events=(
        EventRule("open", "Opened an e-mail", "email_open", 2, half_life=30 * DAY),
        EventRule("click", "Clicked in an e-mail", "email_click", 5, half_life=30 * DAY),
        EventRule("page", "Looked at the product", "page_view", 4, item="product", half_life=30 * DAY),
        EventRule("careers", "Looks for a job", "page_view", -5, item="careers", half_life=60 * DAY),
        EventRule("paper", "Downloaded a white paper", "asset_download", 10, item="white_paper", half_life=60 * DAY),
        EventRule(
            "guide", "Downloaded the buyer's guide", "asset_download", 12, item="buyers_guide", half_life=60 * DAY
        ),
        EventRule("prices", "Downloaded the price list", "asset_download", 20, item="price_list", half_life=30 * DAY),
        EventRule("pricing", "Looked at pricing", "pricing_view", 15, half_life=30 * DAY),
        EventRule("contact", "Wrote to us", "form_submit", 20, item="contact", half_life=30 * DAY),
        EventRule("reply", "Answered an e-mail", "reply", 15, half_life=30 * DAY),
        EventRule("demo", "Asked for a demonstration", "demo_request", 40, half_life=60 * DAY),
    ),
    fields=(
        FieldRule("boss", "Head or executive", "seniority", "in", ("head", "executive"), 10),
        FieldRule("student", "Student", "seniority", "eq", "student", -20),
        FieldRule("size", "200 employees or more", "employees", "ge", 200, 10),
        FieldRule("referral", "Came by referral", "source", "eq", "referral", 10),
    ),
)

STEADY = World(
    name="steady",
    about="A business product with a long cycle; sales touches come at random, whatever the lead has done.",
    starts_at=STARTS_AT,
    ends_at=ENDS_AT,
    regimes=(
        Regime(
            starts_at=STARTS_AT,
            signals=SIGNALS,
            moves=MOVES,
            touches=(Touch("call", 0.22, CALL), Touch("meeting", 0.06, MEETING)),
            sources=(("website", 0.35), ("event", 0.20), ("content", 0.30), ("referral", 0.15)),
        ),
    ),
    categories=CATEGORIES,
    numbers=NUMBERS,
    entries=ENTRIES,
    points=POINTS,
    horizons=(30 * DAY, 90 * DAY),
    primary=90 * DAY,
    every=WEEK,
)
