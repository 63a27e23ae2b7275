"""Whom sales spoke to: by readiness, and who was handed off and never heard from anybody.

A score counts as contacted when sales touched the lead within the time that sales has to answer (``[policy]
answer_within``), counted from ``as_of``; it counts at all when that time has passed. What sales does with leads decides
what can be learned from them: where nobody below the threshold is ever called, nobody can say what a call would have
done there. ``explored`` are the leads that a lot handed off, ``besides`` those that were contacted although nobody had
handed them off. Scores that decided nothing, such as those of a shadow version, are no part of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import beta, hypergeom

from data.clock import DAY, WEEK, format_duration
from data.contract import Contract
from data.history import History
from data.labels import next_after
from data.spine import NEVER, Micros, micros, positions
from training.watching.alarms import Finding
from training.watching.told import HANDED_OFF, column
from training.wording import counted, long_duration, percent

Mask = npt.NDArray[np.bool_]

BINS = 10
LATELY = 4 * WEEK
"""Leads handed off so lately, of those who could be answered, are compared with those before them."""
SURE = 0.05
SUBJECT = "hand-offs"


@dataclass(frozen=True)
class Contact:
    """The audit for machines, and what may be alarming."""

    told: dict[str, Any]
    findings: list[Finding]


def audit(contract: Contract, history: History, told: pa.Table) -> Contact:
    """Who of ``told`` (``training.watching.told``) was contacted, by what was known at the end of ``history``."""
    ids = history.leads["lead_id"]
    within = contract.policy.answer_within
    decided = told.filter(pc.is_valid(told["decision"]))  # what decided nothing was told to nobody
    known = decided.filter(pc.is_in(decided["lead_id"], ids.combine_chunks()))
    old = micros(known["as_of"]) + within <= history.ends_at
    rows = known.filter(pa.array(old))
    leads, moments = positions(rows["lead_id"], ids), micros(rows["as_of"])
    touch = _next_touch(history, leads, moments)
    handed = np.asarray(pc.equal(rows["decision"], HANDED_OFF).to_numpy())
    contacted = touch - moments < within
    first = _first(leads, moments, handed)
    silent = touch[first] == NEVER
    found = {
        "within": format_duration(within),
        "ready": len(first),
        "never_contacted": int(silent.sum()),
        "answered_in_time": int(contacted[first].sum()),
        "explored": len(np.unique(leads[handed & _drawn(rows)])),
        "besides": len(np.unique(leads[contacted & ~handed])),
        "bins": _bins(rows, contract.ready.primary, contacted),
    }
    unanswered = ~contacted[first]
    return Contact(found, list(_findings(contract, history.ends_at - within, moments[first], unanswered, silent)))


def _drawn(rows: pa.Table) -> Mask:
    """Which rows were decided by a lot."""
    return np.asarray(pc.fill_null(pc.less(rows["propensity"], 1.0), fill_value=False).to_numpy())


def _next_touch(history: History, leads: Micros, moments: Micros) -> Micros:
    """When sales touched each lead next; NEVER where it did not."""
    touches = history.events.filter(pc.equal(history.events["actor"], "sales"))
    theirs = positions(touches["lead_id"], history.leads["lead_id"])
    return next_after(leads, moments, theirs, micros(touches["occurred_at"]))


def _first(leads: Micros, moments: Micros, handed: Mask) -> Micros:
    """The row at which each lead was first handed off."""
    rows = np.flatnonzero(handed)
    ordered = rows[np.lexsort((moments[rows], leads[rows]))]
    return ordered[np.unique(leads[ordered], return_index=True)[1]]


def _bins(rows: pa.Table, primary: int, contacted: Mask) -> list[dict[str, Any]]:
    """P(contacted) in groups of about equal size by what was told."""
    name = column(primary)
    said = np.asarray(rows[name].to_numpy(), np.float64) if name in rows.column_names else np.full(len(rows), np.nan)
    told, came = said[~np.isnan(said)], contacted[~np.isnan(said)]
    if not len(told):
        return []
    edges = np.unique(np.quantile(told, np.arange(1, BINS) / BINS))
    group = np.searchsorted(edges, told, side="right")
    bounds = [0.0, *edges.tolist(), 1.0]
    return [
        {
            "low": bounds[number],
            "high": bounds[number + 1],
            "scores": int((group == number).sum()),
            "contacted": float(came[group == number].mean()),
        }
        for number in np.unique(group).tolist()
    ]


def _findings(
    contract: Contract,
    until: int,
    moments: Micros,
    unanswered: Mask,
    silent: Mask,
) -> list[Finding]:
    """Whether fewer are answered in time than before, and whether more were never contacted than is allowed."""
    found, within = [], long_duration(format_duration(contract.policy.answer_within))
    lately = moments >= until - LATELY
    if lately.any() and not lately.all():
        late, total, missed = int(lately.sum()), len(moments), int(unanswered.sum())
        missed_lately = int(unanswered[lately].sum())
        before = (missed - missed_lately) / (total - late)
        p = float(hypergeom.sf(missed_lately - 1, total, missed, late))
        text = (
            f"Of {counted(late, 'lead')} handed off in the {LATELY // DAY} days that can be judged last, "
            f"{percent(missed_lately / late)} heard nothing within {within}; before that it were {percent(before)}."
        )
        found.append(Finding(SUBJECT, p, text, matters=missed_lately / late > before))
    most = contract.watch.most_never_contacted
    if most is not None and len(silent):
        count, total = int(silent.sum()), len(silent)
        low = float(beta.ppf(SURE, count, total - count + 1)) if count else 0.0
        p = float(beta.cdf(most, count, total - count + 1)) if count else 1.0
        text = (
            f"Of {counted(total, 'lead')} handed off {percent(count / total)} were never contacted, surely more than "
            f"{percent(low)}; [watch] most_never_contacted is {percent(most)}."
        )
        found.append(Finding(f"{SUBJECT}, all", p, text))
    return found
