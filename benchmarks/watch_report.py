"""The tables of ``benchmarks/watch.py``."""

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.watch_runs import RULES, Look, Run, Setting
from data.clock import WEEK
from data.simulation.drifting import DRIFTS_AT

ONE_IN_TWENTY = 0.05


def share(value: float, decimals: int = 0) -> str:
    """``12 %``."""
    return f"{value * 100:.{decimals}f} %"


def tables(setting: Setting, measured: Sequence[Run]) -> str:
    """What was asked, then the tables."""
    leads = sum(run.open_leads for run in measured) / len(measured)
    head = (
        f"{setting.leads:,} leads in the whole history, {leads:,.0f} of them open on average, {setting.weeks} weekly "
        f"looks, seeds {setting.seeds.start} to {setting.seeds.stop - 1}."
    )
    parts = [head, _quiet(measured), _alarms(measured), _honest(measured)]
    if any(run.world == "drifting" for run in measured):
        parts.append(_noticed([run for run in measured if run.world == "drifting"]))
    return "\n\n".join(parts)


def _unchanged(run: Run) -> list[Look]:
    """The looks at a world that is still the one that the model was made in."""
    return [look for look in run.looks if run.world != "drifting" or look.at <= DRIFTS_AT]


def _quiet(measured: Sequence[Run]) -> str:
    """Alarms where nothing had changed, beside rules of thumb on the same rows."""
    lines = ["| while nothing had changed | looks | alarms | looks with an alarm | " + " | ".join(RULES) + " |"]
    lines.append("|---|" + "---:|" * (3 + len(RULES)))
    for world in dict.fromkeys(run.world for run in measured):
        looks = [look for run in measured if run.world == world for look in _unchanged(run)]
        rules = [share(sum(rule in look.rules for look in looks) / len(looks)) for rule in RULES]
        alarming = sum(bool(look.new) for look in looks)
        row = [world, f"{len(looks)}", f"{sum(len(look.new) for look in looks)}", share(alarming / len(looks), 1)]
        lines.append(f"| {' | '.join([*row, *rules])} |")
    return "\n".join(lines)


def _alarms(measured: Sequence[Run]) -> str:
    """What was alarming where nothing had changed, run by run, beside what the exact probabilities say of the model."""
    lines = ["| while nothing had changed | alarms | told | exact | slope |", "|---|---|---:|---:|---:|"]
    for run in measured:
        found = "; ".join(": ".join(key) for look in _unchanged(run) for key in look.new)
        figures = f"{share(run.told, 1)} | {share(run.exact, 1)} | {run.slope:.2f}"
        if run.world != "drifting":
            lines.append(f"| {run.world}, seed {run.seed} | {found or 'none'} | {figures} |")
    return "\n".join(lines)


def _honest(measured: Sequence[Run]) -> str:
    """How often the smallest adjusted p-value of a family was below 5 % where nothing had changed."""
    looks = [look for run in measured for look in _unchanged(run)]
    lines = ["| family | looks that asked | smallest adjusted p below 5 % |", "|---|---:|---:|"]
    families = sorted({family for look in looks for family in look.surprise})
    lines += [_below(one, [look.surprise[one] for look in looks if one in look.surprise]) for one in families]
    told = [look.exact for run in measured for look in run.looks if look.exact]
    for family in sorted({family for exact in told for family in exact}):
        name = f"{family}, had the exact probabilities been told"
        lines += [_below(name, [exact[family] for exact in told if family in exact])]
    return "\n".join(lines)


def _below(name: str, asked: Sequence[float]) -> str:
    return f"| {name} | {len(asked)} | {share(sum(p < ONE_IN_TWENTY for p in asked) / len(asked), 1)} |"


def _noticed(drifting: Sequence[Run]) -> str:
    """Weeks from the change to the first alarm, of any kind and of each."""
    kinds = Counter(kind for run in drifting for look in run.looks if look.at > DRIFTS_AT for kind, _ in look.new)
    lines = ["| after the change | noticed | weeks to the first alarm, seed by seed |", "|---|---:|---|"]
    for kind in (None, *(kind for kind, _ in kinds.most_common())):
        weeks = [next(_weeks(run, kind), None) for run in drifting]
        seen = [week for week in weeks if week is not None]
        told = ", ".join("-" if week is None else f"{week:g}" for week in weeks)
        lines.append(f"| {kind or 'any alarm'} | {len(seen)} of {len(weeks)} | {told} |")
    return "\n".join(lines)


def _weeks(run: Run, kind: str | None) -> Iterator[float]:
    for look in run.looks:
        if look.at > DRIFTS_AT and any(kind in {None, one} for one, _ in look.new):
            yield (look.at - DRIFTS_AT) / WEEK
