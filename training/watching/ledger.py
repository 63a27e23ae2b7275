"""The ledger of what was served: matured scores with what came of them.

A score has matured for a horizon when the horizon and the reporting lag have passed since its ``as_of``; its outcome
is the contract's, looked for in [as_of, as_of + horizon), by what is known now. Of scores that a lead got in the same
week the first one counts. A lead that is known by now to have been closed at ``as_of`` was no question: it is left out,
as it is in training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import norm

from data.clock import format_duration
from data.contract import Contract
from data.history import History
from data.labels import Labels, label
from data.spine import closed_at, micros, positions
from training.comparing.recalibrate import Line, log_odds, recalibrated
from training.judge import judge, reliability_bins
from training.segments import by_attributes
from training.watching.alarms import Finding
from training.watching.chance import Floats, Lived, interval, surprise
from training.watching.told import column, versions
from training.wording import counted, long_duration, percent

Entry = dict[str, Any]

ALL = "all"
LEAST_LEADS = 20
"""A segment with fewer leads is not shown, and a slope is not judged with fewer leads on either side."""
FAR = 1.25
"""What came true is told to be off when it is so many times, or one so many-th of, what was told; a slope likewise."""


def ledger(contract: Contract, history: History, told: pa.Table) -> tuple[list[Entry], list[Finding], list[Finding]]:
    """An entry for each version, horizon and segment of ``told`` (``training.watching.told``), and what is off.

    The findings are those of the level (base rate) and of the slope (calibration), at the primary horizon. ``history``
    ends at the moment of the look. Another list of scores, such as a shadow version's, is judged by the same call.
    """
    entries: list[Entry] = []
    levels: list[Finding] = []
    slopes: list[Finding] = []
    for version, rows in versions(_askable(contract, history, told)):
        labels = label(history, rows.rename_columns(_as_spine(rows)), contract.ready)
        for horizon in contract.ready.horizons:
            found = _matured(rows, labels, horizon)
            if found is None:
                continue
            lived, lead_id = found
            entry = {"version": version, "segment": ALL, **_judged(lived)}
            entries.append(entry)
            if horizon == contract.ready.primary:
                levels.append(_level(entry, lived))
                slopes.append(_slope(entry, lived))
                for part, finding in _segments(contract, history, lead_id, lived, entry):
                    entries.append(part)
                    levels.append(finding)
    return entries, levels, slopes


def _as_spine(rows: pa.Table) -> list[str]:
    return ["cutoff" if name == "as_of" else name for name in rows.column_names]


def _askable(contract: Contract, history: History, told: pa.Table) -> pa.Table:
    """The rows whose leads are known, and were open at ``as_of`` by what is known now."""
    ids = history.leads["lead_id"]
    known = told.filter(pc.is_in(told["lead_id"], ids.combine_chunks()))
    closed = closed_at(ids, contract.ready, history)[positions(known["lead_id"], ids)]
    return known.filter(pa.array(closed >= micros(known["as_of"])))


def _matured(rows: pa.Table, labels: Labels, horizon: int) -> tuple[Lived, pa.Array] | None:
    """The matured rows of one horizon and their leads; None where there are none."""
    if column(horizon) not in rows.column_names:
        return None
    told = rows[column(horizon)]
    kept = labels.matured(horizon) & np.asarray(pc.is_valid(told).to_numpy())
    if not kept.any():
        return None
    lead_id = rows["lead_id"].combine_chunks().filter(pa.array(kept))
    codes = np.asarray(lead_id.dictionary_encode().indices.to_numpy()).astype(np.int64)
    values, at = np.asarray(told.to_numpy(), np.float64)[kept], micros(rows["as_of"])[kept]
    return Lived(values, labels.outcome(horizon)[kept], codes, at, horizon), lead_id


def _segments(
    contract: Contract, history: History, lead_id: pa.Array, lived: Lived, whole: Entry
) -> Iterator[tuple[Entry, Finding]]:
    """An entry for each segment with enough leads, and whether it is further off than the whole is."""
    mended = replace(lived, told=_level_mended(log_odds(lived.told), lived.happened.astype(np.float64)))
    for segment in by_attributes(contract, history, lead_id):
        for name, mask in segment.masks.items():
            part = lived.take(mask)
            if part.count() >= LEAST_LEADS:
                entry = {**whole, "segment": f"{segment.name}={name}", **_judged(part)}
                yield entry, _level(entry, mended.take(mask), apart=True)


def _judged(lived: Lived) -> Entry:
    """The figures of matured rows."""
    told, happened = lived.told, lived.happened
    share = float(happened.mean())
    low, high = interval(share, lived.effective())
    figures = judge(happened, told)
    chance = np.clip(told, 1e-12, 1.0 - 1e-12)
    return {
        "horizon": format_duration(lived.horizon),
        "scores": len(told),
        "leads": lived.count(),
        "told": float(told.mean()),
        "happened": share,
        "happened_low": low,
        "happened_high": high,
        "log_loss": float(-np.log(np.where(happened, chance, 1.0 - chance)).mean()),
        "log_loss_base": _entropy(share),
        "auc": _finite(figures["auc"]),
        "lift": _finite(figures["lift_at_10"]),
        "bins": list(_bins(lived)),
    }


def _entropy(share: float) -> float:
    """The log loss of telling everybody the share that came true: the best that one number for all can do."""
    return 0.0 if share in {0.0, 1.0} else float(-(share * np.log(share) + (1.0 - share) * np.log1p(-share)))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _bins(lived: Lived) -> Iterator[Entry]:
    """Groups of about equal size by what was told; scores that are alike stay together."""
    inner = np.linspace(0.0, 1.0, reliability_bins(lived.happened) + 1)[1:-1]
    edges = np.unique(np.quantile(lived.told, inner)) if len(inner) else np.empty(0)
    group = np.searchsorted(edges, lived.told, side="right")
    bounds = [0.0, *edges.tolist(), 1.0]
    for number in np.unique(group).tolist():
        part = lived.take(group == number)
        share = float(part.happened.mean())
        low, high = interval(share, part.effective())
        yield {
            "low": bounds[number],
            "high": bounds[number + 1],
            "told": float(part.told.mean()),
            "scores": len(part.told),
            "happened": share,
            "happened_low": low,
            "happened_high": high,
        }


def _level(entry: Entry, lived: Lived, *, apart: bool = False) -> Finding:
    """Whether as many came true as was told; ``apart``: beyond how far the version is off as a whole."""
    told, happened = float(lived.told.mean()), entry["happened"]
    text = (
        f"Of {_rows(entry)} {percent(happened)} came true within {long_duration(entry['horizon'])}; on average "
        f"{percent(entry['told'])} was told{', and its other leads are not as far off' if apart else ''}."
    )
    p = surprise(told, happened, lived.effective())
    return Finding(_subject(entry), p, text, matters=not told / FAR <= happened <= told * FAR)


def _slope(entry: Entry, lived: Lived) -> Finding:
    """Whether high and low answers are as far apart as what came of them; the level plays no part in it."""
    won = lived.take(lived.happened).count()
    if min(won, entry["leads"] - won) < LEAST_LEADS:
        return Finding(_subject(entry), 1.0, "", matters=False)
    line, z = _tilt(lived)
    text = (
        f"The readiness of {_rows(entry)} is {'too timid' if line.slope > 1 else 'too bold'}: log-odds had to be "
        f"multiplied by {line.slope:.2f} to be true."
    )
    far = not 1.0 / FAR <= line.slope <= FAR
    return Finding(_subject(entry), 2.0 * float(norm.sf(abs(z))), text, matters=far)


def _tilt(lived: Lived) -> tuple[Line, float]:
    """The line that would mend the log-odds, and the score test that its slope is 1 (rows of a lead move together)."""
    logits, came = log_odds(lived.told), lived.happened.astype(np.float64)
    line = recalibrated(came, logits, np.ones(len(came)))
    chance = _level_mended(logits, came)
    weight = chance * (1.0 - chance)
    apart = logits - float(weight @ logits) / float(weight.sum())
    spread = max(lived.variance(np.sqrt(weight) * apart), 1e-300)
    return line, float((came - chance) @ apart) / float(np.sqrt(spread))


def _level_mended(logits: Floats, came: Floats) -> Floats:
    """The chances moved in log-odds by one number, so that as many are expected as came true."""
    shift = 0.0
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(logits + shift, -700, 700)))
        step = float((came - chance).sum()) / max(float((chance * (1.0 - chance)).sum()), 1e-12)
        shift += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-10:
            break
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits + shift, -700, 700))))


def _subject(entry: Entry) -> str:
    return f"version {entry['version']}" + ("" if entry["segment"] == ALL else f", {entry['segment']}")


def _rows(entry: Entry) -> str:
    return f"{counted(entry['scores'], 'score')} of {counted(entry['leads'], 'lead')} by {_subject(entry)}"


def primary_of(entries: Sequence[Entry], horizon: str) -> list[Entry]:
    """The entries of all leads at one horizon, a version each."""
    return [entry for entry in entries if entry["segment"] == ALL and entry["horizon"] == horizon]
