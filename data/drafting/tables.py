"""Which file is which fact table, and what is known of each."""

from dataclasses import dataclass, field

from data.drafting.columns import find_column, find_id, unfit
from data.drafting.look import Look
from data.drafting.words import CLOSING, FILES, FLAGS, HOPED, YES, find
from data.naming import plain
from data.sources.mapping import REQUIRED
from data.tables import SCHEMAS, TIME
from data.times import read_times

_TIES = 50
"""So many rows of equal time, on average, mean that the time is coarse and the order of rows may be real."""


@dataclass
class Guess:
    """One fact table, guessed."""

    name: str
    look: Look
    why: str
    columns: dict[str, str] = field(default_factory=dict)
    """Ours = theirs."""
    missing: list[str] = field(default_factory=list)
    """Ours, needed, not found."""
    attributes: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Further columns that are not taken, and why."""
    doubts: dict[str, str] = field(default_factory=dict)
    """Ours, found in want of something better, and why that is not enough."""
    kind: str | None = None
    where: dict[str, str] = field(default_factory=dict)
    tie_step: str | None = None

    @property
    def naive(self) -> str | None:
        """A time column without a zone."""
        times = [theirs for ours, theirs in self.columns.items() if SCHEMAS[self.name].field(ours).type == TIME]
        times += [column for column in self.attributes if self.look.cells(column).dtype.is_temporal()]
        return next((column for column in times if self.look.is_naive(column)), None)


def guess_tables(looks: list[Look]) -> dict[str, Guess]:
    """The fact tables among the files, by name; what is not found is not there."""
    named = _named(looks)
    leads = named.get("leads") or _shaped([look for look in looks if look not in named.values()])
    if leads is None:
        return _others(named, None)
    why = "its name" if "leads" in named else "the file with one row for each id"
    found = {"leads": _guess("leads", leads, why, None)}
    found |= _others(named, found["leads"].columns.get("lead_id"))
    if "outcomes" not in found:
        found |= _flagged(found["leads"])
    _choose_attributes(found["leads"])
    return found


def _others(named: dict[str, Look], key: str | None) -> dict[str, Guess]:
    """The tables beside leads; changes and accounts only where they are complete, since one can do without them."""
    others = {name: _guess(name, look, "its name", key) for name, look in named.items() if name != "leads"}
    return {name: guess for name, guess in others.items() if name in {"events", "outcomes"} or not guess.missing}


def _named(looks: list[Look]) -> dict[str, Look]:
    """The file that is called like each table; of several the one with the plainest name. No file is two tables."""
    found: dict[str, Look] = {}
    for exact in (True, False):
        for name in FILES:
            free = [look for look in looks if look not in found.values()]
            calls = [(_call(name, look), look) for look in free if name not in found]
            fitting = [(call, look) for call, look in calls if call is not None and (call[0] == 1 or not exact)]
            if fitting:
                found[name] = min(fitting, key=lambda pair: pair[0])[1]
    return found


def _call(name: str, look: Look) -> tuple[int, int] | None:
    """How plainly a file is called like a table: of how many words, and how usual; None where it is not."""
    words = plain(look.stem).split("_")
    for at, word in enumerate(FILES[name]):
        forms = {word, word.removesuffix("s"), word.removesuffix("ies") + "y"}
        if forms & {*words, plain(look.stem)}:
            return (1 if plain(look.stem) in forms else 1 + len(words), at)
    return None


def _shaped(looks: list[Look]) -> Look | None:
    """Without a telling name: the file with an id that never repeats."""
    ids = [(find_id(look, None), look) for look in looks]
    return next((look for column, look in ids if column is not None and look.is_unique(column)), None)


def _guess(name: str, look: Look, why: str, key: str | None) -> Guess:
    guess = Guess(name, look, why)
    for ours in SCHEMAS[name].names:
        theirs = find_column(name, ours, look, key, set(guess.columns.values()))
        if theirs is not None:
            guess.columns[ours] = theirs
        elif ours in REQUIRED[name] and ours != "kind":
            guess.missing.append(ours)
    if "kind" in REQUIRED[name] and "kind" not in guess.columns:
        guess.kind = "won" if name == "outcomes" else plain(look.stem).removesuffix("s")
    if name in {"events", "accounts"}:
        _choose_attributes(guess)
    if name == "leads":
        guess.tie_step = _tie_step(guess)
    return guess


def _choose_attributes(guess: Guess) -> None:
    """The further columns that are worth asking; for each of the others the reason why not."""
    fixed = {*guess.columns.values(), *guess.columns, *guess.left_out}
    for column in guess.look.names:
        if column in fixed or column in SCHEMAS[guess.name].names:
            continue
        reason = unfit(guess.name, guess.look, column)
        if reason is None:
            guess.attributes.append(column)
        else:
            guess.left_out[column] = reason


def _tie_step(guess: Guess) -> str | None:
    """A second, where times are coarse and the rows lie in the order of time; None otherwise."""
    clock = guess.columns.get("created_at")
    if clock is None or guess.look.rows.num_rows < _TIES:
        return None
    at = read_times(guess.look.cells(clock), "UTC").at.drop_nulls()
    coarse = len(at) >= _TIES * at.n_unique()
    return "1s" if coarse and at.is_sorted() else None


def _flagged(leads: Guess) -> dict[str, Guess]:
    """Outcomes that are a column of leads, where one says yes or no."""
    column = find(leads.look.names, FLAGS, lambda name: bool(_hoped(leads.look, name)))
    if column is None:
        return {}
    value = _hoped(leads.look, column)
    when = find(leads.look.names, CLOSING, leads.look.is_time)
    clock = when or leads.columns.get("created_at")
    pairs = (("lead_id", leads.columns.get("lead_id")), ("occurred_at", clock))
    columns = {ours: theirs for ours, theirs in pairs if theirs}
    why = f"leads have a column {column!r} that says {value!r}"
    outcomes = Guess("outcomes", leads.look, why, columns, kind="won", where={column: value or ""})
    outcomes.missing = [ours for ours in ("lead_id", "occurred_at") if ours not in columns]
    if when is None:
        outcomes.tie_step = leads.tie_step
        outcomes.doubts["occurred_at"] = "no column says when; this is the creation of the lead"
    leads.left_out[column] = "it is the outcome itself"
    return {"outcomes": outcomes}


def _hoped(look: Look, column: str) -> str | None:
    """The value of a column with few values that says yes."""
    values = look.values(column)
    said = [value for value in values if value.lower().replace(" ", "_") in (HOPED | YES)]
    return said[0] if said and 1 < len(values) <= 12 else None
