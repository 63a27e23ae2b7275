"""The chosen definition written into the contract, line by line, so that comments and order stay as they are.

The contract as it was is kept under ``.readiness/definitions/``, by the version of its definition.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.clock import format_duration, parse_duration
from data.contract import Contract, parse_contract
from data.errors import ContractError

HEADER = re.compile(r"^\s*\[")


def write_definition(path: Path, contract: Contract, candidate: Mapping[str, Any]) -> Path:
    """Write the definition of ``candidate`` into the contract at ``path``; returns where the one before is kept.

    The outcome, the horizon as primary, and what sets the threshold change, and the version grows by one. Raises
    ContractError when the contract cannot be changed in that way; it is left as it was then.
    """
    before = path.read_text(encoding="utf-8")
    wanted = _wanted(contract, candidate)
    text = before
    for section, values in wanted.items():
        for key, value in values.items():
            text = set_key(text, section, key, value)
    _must_be_meant(before, text, wanted, path)
    parse_contract(text, path.parent, path.name)
    kept = contract.state_folder / "definitions" / f"{contract.ready.version:04}.toml"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(before, encoding="utf-8")
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    return kept


def _wanted(contract: Contract, candidate: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The keys that change, by section; None takes a key away."""
    agreed, horizon = contract.ready, parse_duration(candidate["horizon"])
    horizons = sorted({*agreed.horizons, horizon})
    terminal = agreed.terminal if agreed.repeatable else tuple(dict.fromkeys([*agreed.terminal, candidate["outcome"]]))
    ready = {
        "version": agreed.version + 1,
        "outcome": [candidate["outcome"]],
        "terminal": list(terminal),
        "horizons": [format_duration(one) for one in horizons],
        "primary": candidate["horizon"],
    }
    volume = candidate["asked_per_week"]
    policy: dict[str, Any] = {"enter": round(candidate["threshold"], 4), "capacity_per_week": None, "costs": None}
    if volume is not None:
        policy = {"capacity_per_week": round(volume, 2), "enter": None, "exit": None}
    return {"ready": ready, "policy": policy}


def set_key(text: str, section: str, key: str, value: Any) -> str:
    """``text`` with ``key = value`` in ``[section]``; None takes the key away. A comment behind it stays.

    A section that is not there is added at the end, unless there is nothing to add.
    """
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if re.match(rf"^\s*\[{section}\]\s*(#.*)?$", line)), None)
    if start is None:
        return text if value is None else f"{text.rstrip()}\n\n[{section}]\n{key} = {json.dumps(value)}\n"
    end = next((at for at in range(start + 1, len(lines)) if HEADER.match(lines[at])), len(lines))
    found = next((at for at in range(start + 1, end) if re.match(rf"^\s*{key}\s*=", lines[at])), None)
    if found is None:
        new = [] if value is None else [f"{key} = {json.dumps(value)}"]
        return "\n".join([*lines[: start + 1], *new, *lines[start + 1 :]]) + "\n"
    last = _last_line(lines, found, end)
    comment = re.search(r"\s+#[^\"']*$", lines[last])
    kept = [] if value is None else [f"{key} = {json.dumps(value)}{comment.group() if comment else ''}"]
    return "\n".join([*lines[:found], *kept, *lines[last + 1 :]]) + "\n"


def _last_line(lines: list[str], first: int, end: int) -> int:
    """Where the value that begins at line ``first`` ends: the first line up to which it is whole TOML."""
    for last in range(first, end):
        try:
            tomllib.loads("\n".join(lines[first : last + 1]))
        except tomllib.TOMLDecodeError:
            continue
        return last
    raise ContractError(f"{lines[first].strip()!r} in the contract has no end. Expected TOML. Mend that line.")


def _must_be_meant(before: str, after: str, wanted: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Raise ContractError unless exactly the wanted keys differ."""
    expected = tomllib.loads(before)
    for section, values in wanted.items():
        part = expected.setdefault(section, {})
        for key, value in values.items():
            part.pop(key, None)
            part |= {} if value is None else {key: value}
        if not part:
            del expected[section]
    try:
        found = {name: part for name, part in tomllib.loads(after).items() if part != {}}
    except tomllib.TOMLDecodeError:
        found = {}
    if found != {name: part for name, part in expected.items() if part != {}}:
        raise ContractError(
            f"{path.name} is laid out in a way that cannot be changed line by line. Expected [ready] and [policy] as "
            f"sections with one key a line. Write it yourself: {json.dumps(wanted)}"
        )
