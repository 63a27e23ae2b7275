"""readiness.toml: what differs between customers, read once, validated, handed to each room as its own section.

One parser for all rooms. Unknown keys, missing keys and impossible combinations are one sentence each, with the fix.
Paths are relative to the folder of the contract. A database URL may be ``$NAME``, read from the environment, so that
secrets stay out of the file.
"""

import os
import tomllib
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from data.clock import DAY, format_duration, parse_duration, to_micros
from data.errors import ContractError


def _duration(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ContractError as error:
            raise ValueError(str(error)) from None
    return value


def _moment(value: object) -> object:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone. Write {value.isoformat()}Z for UTC.")
        return to_micros(value)
    if hasattr(value, "isoformat"):
        return to_micros(datetime.fromisoformat(f"{value.isoformat()}T00:00:00+00:00"))
    return value


Duration = Annotated[int, BeforeValidator(_duration), Field(ge=0)]
"""Microseconds, written as ``"30d"``."""
Span = Annotated[int, BeforeValidator(_duration), Field(gt=0)]
"""The same, above 0."""
Share = Annotated[float, Field(ge=0, le=1)]
Moment = Annotated[int, BeforeValidator(_moment)]
"""Microseconds since 1970, written as a TOML date (midnight UTC) or date-time with a zone."""
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Ready(_Section):
    """The definition of ready that sales and marketing agreed on."""

    product: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "leads"
    outcome: tuple[Name, ...] = Field(min_length=1)
    terminal: tuple[Name, ...] = ()
    repeatable: bool = False
    horizons: tuple[Span, ...] = Field(min_length=1)
    primary: Annotated[int, BeforeValidator(_duration)]
    reporting_lag: Duration = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must grow from left to right without repeats, such as ['30d', '90d'].")
        if self.primary not in self.horizons:
            horizons = [format_duration(h) for h in self.horizons]
            raise ValueError(f"primary is {format_duration(self.primary)}, which is not among the horizons {horizons}.")
        if self.repeatable and set(self.outcome) & set(self.terminal):
            raise ValueError("an outcome cannot be both repeatable and terminal: take it out of terminal.")
        if not self.repeatable and not set(self.outcome) <= set(self.terminal):
            raise ValueError(
                "outcomes that are not repeatable close the lead: add them to terminal, or set repeatable."
            )
        return self


class TableMapping(_Section):
    """Where one fact table is and what its columns are called there."""

    table: str
    """A file (``.parquet``, ``.csv``, a folder or a glob of them), or a table of the database."""
    columns: dict[str, str] = {}
    """Our column = theirs. A column that is not named here is looked for under our own name."""
    kind: str | None = None
    """The kind of every row, where the source has no column for it."""
    kinds: dict[str, str] = {}
    """Their kind = ours. Kinds that are not named here keep their own name."""
    where: dict[str, str | int | float | bool | list[str | int | float | bool]] = {}
    """Only the rows whose column (theirs) has this value, or one of these."""
    attributes: tuple[str, ...] | None = None
    """leads and accounts: the further columns (theirs) to take; events: further columns to look at. None takes none."""
    tie_step: Duration = 0
    """Where times are coarse but rows are in order: each row of equal time is put so much after the one before."""


IMPORTERS = ("hubspot", "salesforce", "marketo", "segment", "rudderstack")
"""Kinds of source whose tables are known: the contract maps none of them."""
LOADED = ("hubspot", "salesforce", "marketo")
"""Those of them that a warehouse loader lands as tables; their times are UTC and come without a zone."""
_MAPPED = ("leads", "events", "outcomes", "changes", "accounts", "account_changes")


class Source(_Section):
    """Where the facts are."""

    kind: Literal["files", "database", "hubspot", "salesforce", "marketo", "segment", "rudderstack"] = "files"
    path: str = "."
    url: str | None = None
    db_schema: str | None = Field(default=None, alias="schema")
    """hubspot, salesforce, marketo with a url: the schema of the database where the tables are."""
    prefix: str | None = None
    """hubspot, salesforce, marketo: what stands before the loader's name of a table. Default: found out."""
    suffix: str | None = None
    """Likewise what stands after it, such as ``_data`` where ``contact`` is in ``contact_data.csv``."""
    won: tuple[Name, ...] = ()
    """hubspot, salesforce, marketo: the stages (ids or labels) that mean won. Default: what the stages say.

    segment, rudderstack: the track events that mean won."""
    lost: tuple[Name, ...] = ()
    """Likewise for lost."""
    attributes: tuple[Name, ...] | None = None
    """Importers: the fields of leads to take. Default: the usual ones of the platform; of histories, all fields."""
    timezone: str | None = None
    """The zone of times that come without one. Without it, a naive time is a bad row."""
    history_end: Moment | None = None
    """The end of the history. Default: just after the last known_at of events and outcomes."""
    leads: TableMapping | None = None
    events: TableMapping | None = None
    outcomes: TableMapping | None = None
    changes: TableMapping | None = None
    accounts: TableMapping | None = None
    account_changes: TableMapping | None = None

    @model_validator(mode="before")
    @classmethod
    def _loaders_speak_utc(cls, given: Any) -> Any:
        """A warehouse loader writes UTC without saying so; the contract may say otherwise."""
        if isinstance(given, dict) and given.get("kind") in LOADED:
            return {"timezone": "UTC", **given}
        return given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "database" and not self.url:
            raise ValueError("a database source needs its url, such as url = '$READINESS_SOURCE_URL'.")
        if self.kind not in {"database", *LOADED} and self.url:
            raise ValueError("url belongs to kind = 'database' and to loaders' tables; files have a path.")
        self._check_tables()
        for key in ("schema", "prefix", "suffix", "won", "lost", "attributes"):
            takes = LOADED if key in {"schema", "prefix", "suffix"} else IMPORTERS
            if getattr(self, "db_schema" if key == "schema" else key) and self.kind not in takes:
                raise ValueError(f"{key} belongs to kind = {' or '.join(map(repr, takes))}. Remove it.")
        if self.db_schema and not self.url:
            raise ValueError("schema names a part of a database: give its url too, or remove schema.")
        return self

    def _check_tables(self) -> None:
        """Files and databases need their mapping, importers bring their own."""
        mappings = {name: getattr(self, name) for name in _MAPPED}
        given = [name for name, mapping in mappings.items() if mapping is not None]
        if self.kind in IMPORTERS and given:
            raise ValueError(
                f"kind = {self.kind!r} knows its tables, but [source.{given[0]}] maps one. Remove [source.{given[0]}], "
                "or map all tables with kind = 'files' or 'database'."
            )
        missing = [name for name in ("leads", "outcomes") if name not in given]
        if self.kind not in IMPORTERS and missing:
            raise ValueError(f"[source.{missing[0]}] is missing. Add it, with the table where {missing[0]} are.")

    def resolved_url(self) -> str:
        """The database URL with ``$NAME`` read from the environment. Raises ContractError when it is not set."""
        url = self.url or ""
        if not url.startswith("$"):
            return url
        if url[1:] not in os.environ:
            raise ContractError(
                f"[source] url is {url}, but the environment has no {url[1:]}. Set it to the database URL."
            )
        return os.environ[url[1:]]


class Spine(_Section):
    """When the question is asked: exactly one of ``every``, ``at``, ``after`` or ``file``."""

    every: Span | None = None
    """Periodic cutoffs, at ``from`` and every so often after it."""
    start: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None
    """No cutoff at or after this moment."""
    at: tuple[Moment, ...] = ()
    """Snapshots at these moments."""
    after: tuple[Duration, ...] = ()
    """Cutoffs so long after a moment of the lead itself."""
    after_column: str = "created_at"
    """That moment: created_at, or a time among the attributes of leads."""
    file: str | None = None
    """A Parquet or CSV file of lead_id, cutoff."""
    seen: tuple[Name, ...] = ()
    """Ask only about leads of whom an event of one of these kinds was known before the cutoff. Empty: about all."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ways = [
            name
            for name, given in (("every", self.every), ("at", self.at), ("after", self.after), ("file", self.file))
            if given
        ]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} are given; a spine is made in one way.")
        return self

    @property
    def period(self) -> int:
        """The period of a periodic spine: a week unless the contract says otherwise."""
        return self.every or 7 * DAY


class Backtest(_Section):
    """Which rows are for judging only."""

    test_from: Moment | None = None
    """Cutoffs from here on are test rows. Default: the latest matured cutoffs, ``test_share`` of the rows."""
    test_until: Moment | None = None
    test_share: float = Field(default=0.25, gt=0, lt=1)
    train_from: Moment | None = None
    train_until: Moment | None = None
    folds: int = Field(default=4, ge=2, le=20)
    segments: tuple[Name, ...] = ()
    """Attributes of leads by whose levels the figures are shown apart. Empty: up to three with few levels."""


class ModelSettings(_Section):
    """How the model is made."""

    seed: int = 0
    threads: int = Field(default=0, ge=0)
    """Threads for training; 0 means all cores."""
    max_rows: int = Field(default=2_000_000, ge=1_000)
    """Of more rows than this a seeded draw is used, and the report says so."""
    bins: int = Field(default=6, ge=1, le=30)
    """Into how many periods the longest horizon is cut, at the most, for the discrete-time hazard."""


class Points(_Section):
    """The hand-made rules that the model replaces."""

    file: str
    threshold: float | None = None


class Costs(_Section):
    """What a call costs and brings, in one currency."""

    call: float = Field(gt=0)
    """A call by sales."""
    premature: float = Field(default=0.0, ge=0)
    """What is lost besides when the lead was not ready: its patience, its good will."""
    win: float = Field(gt=0)
    """What a call to a lead that is ready brings, on average."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.win <= self.call:
            raise ValueError(
                f"a win brings {self.win:g} and a call costs {self.call:g}: no call would pay. Give as win what a call "
                "to a ready lead brings; it must be more than call."
            )
        return self


class Policy(_Section):
    """When sales is asked to call, when a lead falls back, when it is let go.

    The threshold comes from the capacity, from the costs (of both the higher), or it is given (``enter``). Without any
    of them the tenth of the leads that the model holds most ready is handed off.
    """

    horizon: Span | None = None
    """The readiness that decides is on this horizon, one of [ready] horizons. Default: the primary one."""
    capacity_per_week: float | None = Field(default=None, gt=0)
    """Hand-offs a week that sales can work."""
    costs: Costs | None = None
    """What calls cost and bring: a lead is handed off where the call pays for itself."""
    enter: Share | None = None
    """The readiness at or above which a lead is handed off."""
    exit: Share | None = None
    """The readiness below which a ready lead falls back. Default: two thirds of the odds of the threshold."""
    min_kinds: int = Field(default=2, ge=0)
    """Distinct kinds of engagement before a hand-off, whatever the number says: one download is never enough."""
    min_days: int = Field(default=2, ge=0)
    """Distinct days of engagement before a hand-off."""
    evidence_window: Span = 90 * DAY
    dwell: Duration = 7 * DAY
    """After a crossing there is none the other way for so long."""
    cool_down: Span = 28 * DAY
    """A lead that sales gave back rests for so long."""
    cadence: Span = 14 * DAY
    """A nurtured lead is due this often."""
    answer_within: Span = 21 * DAY
    """A lead that sales took and says nothing about comes back after so long."""
    let_go_after: Span = 180 * DAY
    """A lead that has been silent for so long may be let go ..."""
    let_go_below: Share | None = None
    """... when its readiness is below this. Default: half the mean of all leads."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("capacity_per_week", "costs"):
            if self.enter is not None and getattr(self, name) is not None:
                raise ValueError(f"enter and {name} both say when a lead is handed off. Remove one of them.")
        if self.exit is not None and self.enter is None:
            raise ValueError(
                "exit needs enter: a threshold from capacity or costs brings its own exit. Give enter too."
            )
        if self.exit is not None and self.enter is not None and self.exit > self.enter:
            raise ValueError(f"exit is {self.exit:g}, above enter, {self.enter:g}. Expected exit at or below enter.")
        return self


class IndexScale(_Section):
    """The 0-100 index: fixed here so that it means the same odds in every version."""

    odds_at_50: float = Field(default=0.1, gt=0)
    points_to_double: float = Field(default=10.0, gt=0)


class LeakSettings(_Section):
    """What is done about fields that know too much: by default the suspects are left out, with the reasons."""

    check: bool = True
    """Whether to look for them."""
    trust: tuple[Name, ...] = ()
    """Fields that are never left out, whatever the evidence says."""
    quarantine: tuple[Name, ...] = ()
    """Fields that are always left out."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        both = sorted(set(self.trust) & set(self.quarantine))
        if both:
            raise ValueError(f"{both[0]!r} is both trusted and quarantined: take it out of one of them.")
        return self


class MlflowSettings(_Section):
    """Where versions are kept. Without a uri, SQLite under ``.readiness/`` beside the contract."""

    uri: str | None = None
    experiment: str | None = None
    """Default: ``readiness/<product>``."""


class Contract(_Section):
    """A whole readiness.toml. ``folder`` is where it lies; relative paths start there."""

    ready: Ready
    source: Source
    spine: Spine = Spine()
    backtest: Backtest = Backtest()
    model: ModelSettings = ModelSettings()
    points: Points | None = None
    policy: Policy = Policy()
    index: IndexScale = IndexScale()
    leaks: LeakSettings = LeakSettings()
    mlflow: MlflowSettings = MlflowSettings()
    folder: Path = Field(default=Path(), exclude=True)
    text: str = Field(default="", exclude=True, repr=False)

    @model_validator(mode="after")
    def _decides_on_a_horizon(self) -> Self:
        if self.policy.horizon is not None and self.policy.horizon not in self.ready.horizons:
            horizons = [format_duration(h) for h in self.ready.horizons]
            raise ValueError(
                f"[policy] horizon is {format_duration(self.policy.horizon)}, which is not among the horizons "
                f"{horizons} of [ready]. Name one of these, or add it there."
            )
        return self

    def resolve(self, path: str) -> Path:
        """``path`` from the contract, made absolute from the folder of the contract."""
        return (self.folder / Path(path).expanduser()).resolve()

    @property
    def source_folder(self) -> Path:
        """The folder of a ``files`` source."""
        return self.resolve(self.source.path)

    @property
    def state_folder(self) -> Path:
        """Where the program writes: ``.readiness/`` beside the contract."""
        return self.folder / ".readiness"

    @property
    def experiment(self) -> str:
        """The name of the MLflow experiment."""
        return self.mlflow.experiment or f"readiness/{self.ready.product}"


def parse_contract(text: str, folder: Path, name: str = "readiness.toml") -> Contract:
    """The contract written in ``text``. Raises ContractError, one line for each thing that is wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{name} is not TOML: {error}. Mend that line.") from None
    for private in ("folder", "text"):
        if private in raw:
            raise ContractError(f"{name}: unknown key {private!r}. Remove it.")
    try:
        return Contract.model_validate({**raw, "folder": folder.resolve(), "text": text})
    except ValidationError as error:
        raise ContractError("\n".join(f"{name}: {line}" for line in _sentences(error))) from None


def load_contract(path: Path, source: Path | None = None) -> Contract:
    """The contract in the file ``path``; ``source``, a folder, takes the place of where it looks for files.

    Raises ContractError.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(
            f"Cannot read the contract {path}: {error}. `readiness init --from DIR` writes one."
        ) from None
    contract = parse_contract(text, path.parent, path.name)
    if source is None:
        return contract
    elsewhere: dict[str, Any] = {"path": str(source.resolve())}
    if contract.source.kind in LOADED:
        elsewhere |= {"url": None, "db_schema": None}
    section = contract.source.model_copy(update=elsewhere)
    return contract.model_copy(update={"source": section})


def _sentences(error: ValidationError) -> list[str]:
    """Pydantic's findings as one sentence each: where, what, and the fix."""
    lines = []
    for found in error.errors(include_url=False):
        where = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        match found["type"]:
            case "extra_forbidden":
                lines.append(f"unknown key {where}. {_known_keys(found['loc'])}")
            case "missing":
                lines.append(f"{where} is missing. Add it.")
            case "value_error":
                lines.append(f"{where}: {message}" if where else message)
            case _:
                lines.append(f"{where} is {found['input']!r}: {message[:1].lower()}{message[1:]}.")
    return lines


def _known_keys(location: tuple[int | str, ...]) -> str:
    """What could have been meant by an unknown key."""
    model: Any = Contract
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation if part in getattr(model, "model_fields", {}) else None
        options = [annotation, *getattr(annotation, "__args__", ())]
        model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if model is None:
            return "Remove it."
    known = [field.alias or name for name, field in model.model_fields.items() if name not in {"folder", "text"}]
    near = get_close_matches(str(location[-1]), known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known keys here: {', '.join(known)}."
