"""The command line of ``benchmarks/leaks.py``: worlds and public data sets, tables, the page."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.measured import renew
from data.check import check
from data.contract import Contract, parse_contract
from data.history import History
from data.simulation.folder import contract_toml
from data.simulation.market import Market, simulate
from data.simulation.worlds import WORLDS
from data.spine import micros
from data.tables import empty
from training.leaks.detect import find_leaks
from training.leaks.finding import Leaks

ROOT = Path(__file__).resolve().parents[1]
HARD = ("only_new_leads", "only_old_leads", "asked_of_some")
"""Honest fields that a cruder test would suspect; see ``_with_hard``."""

SETS = {
    "bank_marketing": ("duration",),
    "olist": ("business_segment", "lead_type", "declared_monthly_revenue", "sdr_id", "sr_id"),
    "online_retail": (),
    "oulad": (),
    "oulad_day60": (),
}
"""Of each example: the fields that must be found; all others are honest."""
KEPT = 0.8
ENOUGH = 1_500
"""So many leads must be enough to find everything."""
GIVEN = ("export", "unnamed", "changes")
"""What the detector is given: the export; the same with the planted fields' names hidden and the hard fields added; the
export with the change history."""


@dataclass
class Tally:
    """Verdicts over seeds: of planted and of honest fields, by field."""

    found: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    watched: Counter[str] = field(default_factory=Counter)
    honest: Counter[str] = field(default_factory=Counter)
    margins: list[tuple[bool, float, float, float]] = field(default_factory=list)
    """For each field whose column is used: whether it is planted, its ratios by age and by group, its certain AUC."""

    def add(self, leaks: Leaks, planted: dict[str, str], *, as_of: bool = False) -> None:
        """Count one run; ``planted`` names the fields and what they are called in the table.

        ``as_of``: a planted field is found when it is said that its column leaks, and it is used as of the cutoff.
        """
        for finding in leaks.findings:
            name = finding.field
            if finding.late and finding.alone and not as_of and name not in HARD:
                late = finding.late
                self.margins.append((name in planted, late.by_age, late.by_group, finding.alone.firm))
            if name in planted:
                self.planted[planted[name]] += 1
                self.found[planted[name]] += (
                    finding.column_leaks and not finding.left_out if as_of else finding.left_out
                )
            else:
                self.honest[name] += 1
                self.quarantined[name] += finding.left_out
                self.watched[name] += finding.verdict == "watch"

    def missed(self) -> bool:
        """Whether anything planted was not found, or an honest field left out."""
        return self.found.total() < self.planted.total() or self.quarantined.total() > 0


def worlds(sizes: list[int], seeds: range) -> Iterator[tuple[str, int, dict[str, Tally]]]:
    """(world, leads, tallies by what was given) of each world and size."""
    for name in WORLDS:
        for leads in sizes:
            tallies = {given: Tally() for given in GIVEN}
            for seed in seeds:
                print(f"{name}, {leads} leads, seed {seed}", file=sys.stderr, flush=True)
                _one_market(simulate(name, leads, seed), tallies)
            yield name, leads, tallies


def _one_market(market: Market, tallies: dict[str, Tally]) -> None:
    contract = parse_contract(contract_toml(market.world, market.leads), Path())
    contract = contract.model_copy(update={"model": contract.model.model_copy(update={"seed": market.seed})})
    export = replace(market.history, changes=empty("changes"))
    planted = {name: name for name in market.world.planted_leaks}
    unnamed = {f"field_{number}": name for number, name in enumerate(planted)}
    renamed = {name: neutral for neutral, name in unnamed.items()}
    columns = [renamed.get(name, name) for name in export.leads.column_names]
    tallies["export"].add(find_leaks(contract, export), planted)
    neutral = _with_hard(replace(export, leads=export.leads.rename_columns(columns)), market)
    tallies["unnamed"].add(find_leaks(contract, neutral), unnamed)
    tallies["changes"].add(find_leaks(contract, market.history), planted, as_of=True)


def _with_hard(history: History, market: Market) -> History:
    """``history`` with three more honest fields, made of the seniority that was known at creation.

    ``only_new_leads`` was asked from the middle of the history on, ``only_old_leads`` until then. ``asked_of_some``
    is an answer that the more senior give more often, when they come.
    """
    leads, generator = history.leads, np.random.default_rng(market.seed)
    created = micros(leads["created_at"])
    middle = (market.world.starts_at + market.world.ends_at) // 2
    eager = np.isin(leads["seniority"].to_numpy(zero_copy_only=False), ("executive", "head", "owner"))
    shown = (created >= middle, created < middle, generator.random(len(leads)) < np.where(eager, 0.6, 0.15))
    for name, filled in zip(HARD, shown, strict=True):
        values = pc.if_else(pa.array(filled), leads["seniority"].combine_chunks(), pa.scalar(None, pa.string()))
        leads = leads.append_column(name, values)
    return replace(history, leads=leads)


def sets(seeds: range, source: Path | None) -> Iterator[tuple[str, Tally, Leaks]]:
    """(example, tally, what is found in the whole set) of each public data set that is there."""
    for name, planted in SETS.items():
        folder = (source or ROOT.parent / "shared" / "data") / name.removesuffix("_day60")
        if not folder.is_dir():
            print(f"{name}: no data at {folder}", file=sys.stderr)
            continue
        contract, history = real(name, folder)
        tally = Tally()
        for seed in seeds:
            print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
            model = contract.model.model_copy(update={"seed": seed})
            part = _part(history, seed)
            leaks = find_leaks(contract.model_copy(update={"model": model}), part)
            tally.add(leaks, {each: each for each in planted})
        yield name, tally, find_leaks(contract, history)


def real(name: str, folder: Path) -> tuple[Contract, History]:
    """An example as an unwary analyst would use it: with every column of the call, and of the closed deals."""
    text = (ROOT / "examples" / f"{name}.toml").read_text(encoding="utf-8")
    text = text.replace('"nr.employed",', '"nr.employed", "duration", "campaign",')
    contract = parse_contract(text, ROOT / "examples")
    contract = contract.model_copy(
        update={"source": contract.source.model_copy(update={"path": str(folder.resolve())})}
    )
    history = check(contract).history
    return contract, _with_deals(history, folder) if name == "olist" else history


def _with_deals(history: History, folder: Path) -> History:
    """The columns of the closed deals, joined to the leads."""
    deals = pl.read_parquet(folder / "outcomes.parquet").unique("lead_id", keep="first").drop("ts", "outcome")
    ids = pl.DataFrame({"lead_id": history.leads["lead_id"].to_pylist()})
    joined, leads = ids.join(deals, on="lead_id", how="left", maintain_order="left"), history.leads
    for name in deals.columns[1:]:
        kind = pa.float64() if joined[name].dtype.is_numeric() else pa.string()
        leads = leads.append_column(name, joined[name].to_arrow().cast(kind))
    return replace(history, leads=leads)


def _part(history: History, seed: int) -> History:
    """The facts of a draw of the leads."""
    kept = pa.array(np.random.default_rng(seed).random(len(history.leads)) < KEPT)
    leads = history.leads.filter(kept)
    ids = leads["lead_id"].combine_chunks()
    events, outcomes = (t.filter(pc.is_in(t["lead_id"], ids)) for t in (history.events, history.outcomes))
    return replace(history, leads=leads, events=events, outcomes=outcomes)


def rate(part: Counter[str], whole: Counter[str]) -> str:
    """``39 of 40``."""
    return f"{part.total():,} of {whole.total():,}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    return "\n".join(["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)])


def world_row(name: str, leads: int, tallies: dict[str, Tally]) -> list[str]:
    """One line of the table of worlds; false alarms are over all ways to look."""
    found = [rate(tallies[given].found, tallies[given].planted) for given in GIVEN]
    alarms = [_summed(tallies, of, hard=hard) for hard in (False, True) for of in ("quarantined", "watched", "honest")]
    plain, hard = alarms[:3], alarms[3:]
    told = [rate(part, whole) for *parts, whole in (plain, hard) for part in parts]
    return [name, f"{leads:,}", *found, *told]


def _summed(tallies: dict[str, Tally], of: str, *, hard: bool) -> Counter[str]:
    """A count over all ways to look, of the hard fields or of the others."""
    every = sum((getattr(tally, of) for tally in tallies.values()), Counter())
    return Counter({name: count for name, count in every.items() if (name in HARD) == hard})


def margin_row(name: str, leads: int, tallies: dict[str, Tally]) -> list[str]:
    """One line of the table of margins: the least of what was planted beside the most of what is honest."""
    every = [margin for tally in tallies.values() for margin in tally.margins]
    planted, honest = ([margin[1:] for margin in every if margin[0] == is_planted] for is_planted in (True, False))
    told = []
    for at in range(3):  # in a small market nothing may be planted
        least, most = (how((one[at] for one in of), default=None) for how, of in ((min, planted), (max, honest)))
        told += ["-" if found is None else f"{found:.2f}" for found in (least, most)]
    return [name, f"{leads:,}", *told]


def set_row(name: str, tally: Tally, whole: Leaks) -> list[str]:
    """One line of the table of public data sets."""
    worst = max((f.alone.value for f in whole.findings if f.alone and not f.left_out), default=float("nan"))
    told = [
        f"{f.field} {f.alone.value:.2f} ({f.alone.low:.2f} to {f.alone.high:.2f})" for f in whole.left_out if f.alone
    ]
    return [
        name,
        rate(tally.found, tally.planted) if tally.planted else "none planted",
        rate(tally.quarantined, tally.honest),
        rate(tally.watched, tally.honest),
        "; ".join(told) or "-",
        f"{worst:.2f}",
        "-" if whole.rest is None else f"{whole.rest.value:.2f}",
    ]


WORLD_HEAD = [
    "world",
    "leads",
    "found: export",
    "found: export, names hidden",
    "told: with changes",
    "honest left out",
    "honest watched",
    "hard honest left out",
    "hard honest watched",
]
MARGIN_HEAD = [
    "world",
    "leads",
    "by age: least planted",
    "most honest",
    "by group: least planted",
    "most honest",
    "AUC alone, certain: least planted",
    "most honest",
]
SET_HEAD = [
    "example",
    "planted found",
    "honest left out",
    "honest watched",
    "AUC alone of what is left out",
    "strongest honest",
    "all trusted together",
]


def main() -> None:
    """Measure, print, and write when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_000, help="the thresholds were set with seeds below this")
    parser.add_argument("--sizes", type=int, nargs="+", default=[600, 1_500, 6_000])
    parser.add_argument("--source", type=Path)
    parser.add_argument("--write", type=Path, help="the page whose tables to renew")
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    measured = list(worlds(asked.sizes, seeds))
    public = list(sets(seeds, asked.source))
    tables = table(WORLD_HEAD, [world_row(*line) for line in measured])
    tables += "\n\n" + table(MARGIN_HEAD, [margin_row(*line) for line in measured])
    tables += "\n\n" + table(SET_HEAD, [set_row(*line) for line in public])
    print(tables)
    if asked.write:
        renew(asked.write, tables)
    tallies = [tally for _, leads, by in measured if leads >= ENOUGH for tally in by.values()]
    tallies += [tally for _, tally, _ in public]
    sys.exit(1 if any(tally.missed() for tally in tallies) else 0)
