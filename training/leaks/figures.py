"""What the decision about suspects changed: the served model, and the model of the other decision, on the same rows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from data.clock import format_duration
from data.contract import Contract
from training.fit import Fitted
from training.leaks.fields import features_of
from training.leaks.finding import Leaks
from training.reporting import bootstrap_rows, contest
from training.sample import Progress, Sample
from training.testrows import TestRows

WITH, WITHOUT = "with_quarantined", "without_trusted"
"""The other decisions: let in what was left out; leave out what the evidence suspects and the contract trusts."""

_WORDS = {WITH: "with the quarantined fields", WITHOUT: "without the trusted suspects"}


def compare(
    contract: Contract,
    leaks: Leaks,
    whole: Sample,
    test: TestRows,
    learn: Callable[[Sample, Progress], Fitted],
    tell: Progress,
) -> dict[str, Any] | None:
    """The primary horizon's figures by decision, ``served`` first; None where nothing was left out or overruled.

    ``whole`` has every feature. ``learn`` makes a model of some of them; a decision nobody made needs none.
    """
    at = contract.ready.horizons.index(contract.ready.primary)
    rows = np.flatnonzero(test.matured[:, at])
    said = {"served": test.predictions["blend"][rows, at]}
    for name, sample in _decisions(leaks, whole):
        fitted = learn(sample, _under(_WORDS[name], tell))
        matrix = np.ascontiguousarray(sample.table.matrix[sample.test[rows]])
        said[name] = fitted.model.predict(matrix)[:, at]
    if len(said) == 1:
        return None
    codes = np.unique(whole.leads[whole.test], return_inverse=True)[1].astype(np.int64)[rows]
    drawn, outcome, seed = bootstrap_rows(codes, contract.model.seed), test.outcome[rows, at], contract.model.seed
    return {
        "horizon": format_duration(contract.ready.primary),
        "n": len(rows),
        "models": {name: contest(outcome, chance, codes, drawn, seed) for name, chance in said.items()},
    }


def _decisions(leaks: Leaks, whole: Sample) -> Iterator[tuple[str, Sample]]:
    """(name, features) of each decision that was not taken."""
    left_out = features_of({finding.field for finding in leaks.left_out}, whole.table.feature_set)
    overruled = features_of({finding.field for finding in leaks.overruled}, whole.table.feature_set)
    if left_out:
        yield WITH, whole
    if overruled:
        yield WITHOUT, whole.without(left_out | overruled)


def _under(words: str, tell: Progress) -> Progress:
    """The same progress, told under what it is for."""
    return lambda what, share: tell(f"{words}: {what}", share)
