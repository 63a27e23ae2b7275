"""The detector: every attribute and change field of a history, judged one by one.

What a field knows is measured on rows before the split alone. Who has it can only be seen at the end of the history,
for that is when an export was made: it needs no model, and what it decides can only take a field away.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
from threadpoolctl import threadpool_limits

from data.contract import Contract
from data.errors import ContractError, ReadinessError
from data.history import History
from features.context import Attribute
from features.profile import profile
from training.gbm import GbmSettings
from training.leaks.ablation import Bench, Columns, Quick, compare, make_bench
from training.leaks.fields import at_creation, exported, features_of, name_of, of_feature
from training.leaks.finding import Finding, Late, Leaks, Ruling, Verdict
from training.leaks.groups import Groups, group_leads
from training.leaks.late import Levels, lateness, levels_for
from training.leaks.names import telling_words
from training.leaks.rows import Rows, draw_leads, draw_rows
from training.leaks.strength import LEAST_OUTCOMES, alone
from training.leaks.timing import timing
from training.leaks.verdict import Evidence, judge, reasons

Progress = Callable[[str, float], None]

MOST_ABLATED = 40
"""Of more fields than this, the suspects and then the strongest are tried with and without."""
_ORDER: Mapping[Verdict, int] = {"quarantined": 0, "watch": 1, "clean": 2}


def find_leaks(contract: Contract, history: History, tell: Progress | None = None) -> Leaks:
    """What each attribute and change field of ``history`` knows that it should not.

    Looks at MOST_LEADS leads at the most, a seeded draw. Without enough outcomes, or before any row has matured, it
    says that it cannot tell how strong a field is. Raises ContractError when [leaks] names a field that is not there.
    """
    tell = tell or (lambda _what, _share: None)
    tell("looking for leaks", 0.0)
    few = history if contract.spine.file else draw_leads(history, contract.model.seed)
    attributes = {name_of(a): a for a in profile(history, history.ends_at).attributes}
    rulings = _rulings(contract, history, attributes)
    if not contract.leaks.check:
        return Leaks(tuple(_only_ruled(attributes, rulings)), ("not looked for: [leaks] check = false",), checked=False)
    rows, notes = _rows(contract, few, lambda share: tell("looking for leaks", 0.5 * share))
    # what has become an identifier since may have been an attribute before the split
    earlier = () if rows is None else (f for f in rows.feature_set if isinstance(f, Attribute))
    attributes = {**{name_of(a): a for a in earlier}, **attributes}
    evidence = _signs(contract, few, attributes, rows)
    if rows is not None and rows.tells:
        evidence = _with_strength(
            contract, attributes, evidence, rows, lambda s: tell("looking for leaks", 0.5 + s / 2)
        )
    findings = [_finding(name, attributes[name], found, rulings.get(name)) for name, found in evidence.items()]
    rest = next((found.rest for found in evidence.values()), None)
    looked = Leaks(tuple(sorted(findings, key=_suspects_first)), notes, leads=len(few.leads), rest=rest)
    return looked if rows is None else replace(looked, rows=len(rows.outcome), outcomes=rows.outcomes)


def _rulings(contract: Contract, history: History, attributes: Mapping[str, Attribute]) -> dict[str, Ruling]:
    """What the contract rules, by field; it may name a column that is always null, of which nothing is found."""
    logged = set(history.changes["field"].to_pylist())
    known = {*attributes, *history.leads.column_names, *logged}
    known |= {f"account.{name}" for name in history.accounts.column_names}
    rules: dict[str, Ruling] = {}
    asked: tuple[tuple[Ruling, tuple[str, ...]], ...] = (
        ("trust", contract.leaks.trust),
        ("quarantine", contract.leaks.quarantine),
    )
    for rule, names in asked:
        unknown = [name for name in names if name not in known]
        if unknown:
            near = get_close_matches(unknown[0], sorted(attributes), n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Expected some of: {', '.join(sorted(attributes))}."
            raise ContractError(
                f"[leaks] {rule} names {len(unknown)} fields that the facts do not have (first: {unknown[0]!r}). {hint}"
            )
        rules |= dict.fromkeys(names, rule)
    return rules


def _only_ruled(attributes: Mapping[str, Attribute], rulings: Mapping[str, Ruling]) -> list[Finding]:
    """Without looking, only what the contract names is told."""
    return [
        _finding(name, attributes[name], Evidence(as_of=attributes[name].source == "changes"), rule)
        for name, rule in rulings.items()
        if name in attributes
    ]


def _rows(contract: Contract, history: History, tell: Callable[[float], None]) -> tuple[Rows | None, tuple[str, ...]]:
    """The rows to measure strength on, and what cannot be told."""
    try:
        rows = draw_rows(contract, history, tell)
    except ReadinessError as error:
        return None, (f"How much a field knows cannot be told yet. {error}",)
    if rows.tells:
        return rows, ()
    note = (
        f"{rows.outcomes} of {len(rows.outcome)} leads had the outcome before the split: with fewer than "
        f"{LEAST_OUTCOMES} of either kind, how much a field knows cannot be told."
    )
    return rows, (note,)


def _signs(
    contract: Contract, history: History, attributes: Mapping[str, Attribute], rows: Rows | None
) -> dict[str, Evidence]:
    """Names, lateness and timing of every field: what an export and the change history show."""
    groups = group_leads(history, contract.ready)
    coded = {name: exported(history, attribute) for name, attribute in attributes.items()}
    levels = levels_for(coded.values())
    spine = None if rows is None else rows.spine
    return {
        name: Evidence(
            telling_words(attribute.column),
            late=lateness(coded[name], groups, levels),
            timing=timing(history, attribute, groups, spine) if attribute.source == "changes" else None,
            as_of=attribute.source == "changes",
            at_creation=_at_creation(history, attribute, groups, levels),
        )
        for name, attribute in attributes.items()
    }


def _at_creation(history: History, attribute: Attribute, groups: Groups, levels: Levels) -> Late | None:
    """Who has what a change history says was there from the start: its times may be those of an import."""
    return lateness(at_creation(history, attribute), groups, levels) if attribute.source == "changes" else None


def _with_strength(
    contract: Contract,
    attributes: Mapping[str, Attribute],
    evidence: dict[str, Evidence],
    rows: Rows,
    tell: Callable[[float], None],
) -> dict[str, Evidence]:
    """Strength of every field; then what each changes beside everything that is trusted."""
    places = {name: _places(rows, name) for name in attributes}
    for name, at in places.items():
        if at:
            category = rows.feature_set.dtypes[at[0]] == "category"
            known, missing = alone(of_feature(rows.matrix[:, at[0]], category=category), rows.outcome, len(places))
            evidence[name] = replace(evidence[name], alone=known, missing=missing)
    return _with_ablation(evidence, places, make_bench(rows.matrix, rows.outcome, _gbm(contract, rows)), tell)


def _with_ablation(
    evidence: Mapping[str, Evidence],
    places: Mapping[str, Sequence[int]],
    bench: Bench,
    tell: Callable[[float], None],
) -> dict[str, Evidence]:
    """What is trusted is all but the suspects: those are added to it one by one, each other field is taken from it."""
    if not bench.tells():
        return dict(evidence)
    suspects = {name for name, found in evidence.items() if found.strong or (found.comes_late and not found.as_of)}
    doubted = [place for name in suspects for place in places[name]]
    trusted = np.setdiff1d(np.arange(bench.matrix.shape[1]), doubted)
    asked = sorted(
        (name for name in places if places[name]), key=lambda name: (name not in suspects, -_value(evidence[name]))
    )
    asked = asked[:MOST_ABLATED]
    sets = [(np.union1d if name in suspects else np.setdiff1d)(trusted, places[name]) for name in asked]
    whole, *others = _one_by_one(bench, [trusted, *sets], tell)
    compared = {
        name: compare(bench, whole, other) if name in suspects else compare(bench, other, whole)
        for name, other in zip(asked, others, strict=True)
    }
    return {name: replace(found, rest=whole.auc, ablation=compared.get(name)) for name, found in evidence.items()}


def _value(evidence: Evidence) -> float:
    return 0.5 if evidence.alone is None else evidence.alone.value


def _one_by_one(bench: Bench, sets: Sequence[Columns], tell: Callable[[float], None]) -> list[Quick]:
    """A quick model of each set of columns. One thread each: on so few rows several would only wait for each other."""
    found: list[Quick] = []
    with threadpool_limits(1):
        for columns in sets:
            found.append(bench.quick(columns))
            tell(len(found) / len(sets))
    return found


def _places(rows: Rows, name: str) -> list[int]:
    """The columns of the matrix that ask for this field."""
    asking = features_of({name}, rows.feature_set)
    return [place for place, feature in enumerate(rows.feature_set.names) if feature in asking]


def _gbm(contract: Contract, rows: Rows) -> GbmSettings:
    categorical = np.array([dtype == "category" for dtype in rows.feature_set.dtypes])
    return GbmSettings(
        contract.model.seed, contract.model.threads, categorical, np.array(rows.feature_set.signs, np.int8)
    )


def _finding(name: str, attribute: Attribute, evidence: Evidence, ruled: Ruling | None) -> Finding:
    return Finding(
        name,
        attribute.source,
        attribute.name,
        judge(evidence),
        reasons(evidence),
        ruled,
        evidence.words,
        evidence.alone,
        evidence.missing,
        evidence.late,
        evidence.timing,
        evidence.ablation,
        column_leaks=evidence.as_of and evidence.comes_late,
    )


def _suspects_first(finding: Finding) -> tuple[int, float, str]:
    strength = 0.5 if finding.alone is None else finding.alone.value
    return _ORDER[finding.verdict], -strength, finding.field
