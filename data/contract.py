"""readiness.toml: what differs between customers, read once, validated, handed to each room as its own section.

One parser for all rooms. Unknown keys, missing keys and impossible combinations are one sentence each, with the fix.
Paths are relative to the folder of the contract. A database URL may be ``$NAME``, read from the environment, so that
secrets stay out of the file.
"""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from data.clock import format_duration
from data.errors import ContractError
from data.gate_section import Gate
from data.policy_section import Policy
from data.sections import Backtest, IndexScale, LeakSettings, MlflowSettings, ModelSettings, Points, Ready, Spine
from data.serving_section import Serving
from data.source_section import LOADED, Source
from data.terms import Section
from data.watch_section import Watch


class Contract(Section):
    """A whole readiness.toml. ``folder`` is where it lies; relative paths start there."""

    ready: Ready
    source: Source
    spine: Spine = Spine()
    backtest: Backtest = Backtest()
    model: ModelSettings = ModelSettings()
    points: Points | None = None
    policy: Policy = Policy()
    gate: Gate = Gate()
    watch: Watch = Watch()
    index: IndexScale = IndexScale()
    leaks: LeakSettings = LeakSettings()
    mlflow: MlflowSettings = MlflowSettings()
    serving: Serving = Serving()
    folder: Path = Field(default=Path(), exclude=True)
    text: str = Field(default="", exclude=True, repr=False)

    @model_validator(mode="after")
    def _decides_on_a_horizon(self) -> "Contract":
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
    def store_url(self) -> str:
        """The URL of the service's store: as [serving] says, else an SQLite file in the state folder."""
        return self.serving.resolved_store() or f"sqlite:///{self.state_folder.resolve() / 'store.db'}"

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
