"""The command line of `benchmarks/real_data.py`."""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.real_paired import Difference
from benchmarks.real_protocols import QUOTED, Outcome, contract_of, run
from benchmarks.real_report import page
from benchmarks.real_rolling import roll, roll_own, with_attributes
from benchmarks.real_tables import compared, loses, missed, rolling_table
from data.check import check

ROLLING = "rolling"
OWN = "rolling-own"
"""The rolling window with a training of its own in each window: a quarter of an hour of one core, only when asked."""


def tell(what: str) -> None:
    """Progress, on the side."""
    print(f"{time.strftime('%H:%M:%S')}  {what}", file=sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> None:
    """Run what was asked for, print the page, exit with 1 when something was lost or missed."""
    parser = argparse.ArgumentParser(prog="real_data.py", description="The served model on public data.")
    parser.add_argument("--source", type=Path, help="a folder with one folder for each data set")
    parser.add_argument("--write", type=Path, help="a Markdown file to write the page to")
    parser.add_argument("--json", type=Path, help="a file for the differences")
    parser.add_argument("--every", type=int, default=1, help=f"{OWN}: every so manieth window alone")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join([*QUOTED, ROLLING, OWN])}")
    asked = parser.parse_args(given)
    unknown = [name for name in asked.names if name not in (*QUOTED, ROLLING, OWN)]
    if unknown:
        parser.error(f"{unknown[0]!r} is no protocol. Expected some of {', '.join([*QUOTED, ROLLING, OWN])}.")
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    names = asked.names or [*QUOTED, ROLLING]
    outcomes: dict[str, Outcome] = {}
    for name in (name for name in names if name in QUOTED):
        tell(f"{name}: training and judging")
        outcomes[name] = run(name, asked.source)
    rolled = None
    if ROLLING in names:
        contract = with_attributes(contract_of("bank_marketing", asked.source), ("campaign",))
        rolled = roll(contract, check(contract).history, tell)
    if OWN in names:
        print(_own(asked.source, asked.every))
        if names == [OWN]:
            return
    tell("bootstrap over leads")
    differences = {name: compared(outcome.judged) for name, outcome in outcomes.items()}
    told = dict(differences)
    if rolled is not None:
        told[ROLLING] = compared(rolled[0])
    text = page(outcomes, differences, rolled, told.get(ROLLING))
    print(text)
    if asked.write:
        asked.write.write_text(text, encoding="utf-8")
    if asked.json:
        asked.json.write_text(json.dumps(_for_machines(told), indent=1), encoding="utf-8")
    lost = any(loses(by_rival) for by_rival in told.values())
    sys.exit(1 if lost or (rolled is not None and missed(rolled[0])) else 0)


def _own(source: Path | None, every: int) -> str:
    """The table of the rolling window by trainings of their own."""
    contract = with_attributes(contract_of("bank_marketing", source), ("campaign",))
    own = roll_own(contract, check(contract).history, tell, every)
    which = "every window" if every == 1 else f"one window in {every}"
    return f"{OWN}, {which}, {len(own.outcome):,} calls\n\n{rolling_table(own, compared(own))}\n"


def _for_machines(told: dict[str, dict[str, list[Difference]]]) -> dict[str, object]:
    return {
        name: {rival: [{**asdict(one), "verdict": one.verdict} for one in each] for rival, each in by_rival.items()}
        for name, by_rival in told.items()
    }
