"""The policy that travels with a model: the contract's rule, its thresholds set on later rows."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.contract import Contract
from data.history import History
from data.policy_section import Policy as Agreed
from models.evidence_rows import evidence_rows
from models.numerics import Floats
from models.policy import Policy
from models.thresholds import break_even, chance_to_explore, exit_for, threshold_for_capacity
from training.sample import Sample
from training.testrows import TestRows

DEFAULT_SHARE = 0.1
"""Without capacity, costs or threshold, the tenth of the leads that the model holds most ready is handed off."""
HOPELESS = 0.5
"""A lead is let go below so much of the mean readiness, unless the contract says otherwise."""


def make_policy(contract: Contract, history: History, sample: Sample, test: TestRows) -> Policy:
    """The policy, its thresholds set on the scores of the test rows; their outcomes play no part in it.

    From a capacity the count knows the rule: only rows with enough evidence are handed off, and a lead that was is not
    again until sales must have answered and the cool-down is over. What is explored is taken from the capacity.
    """
    agreed = contract.policy
    scores = deciding(contract, test)
    able = has_evidence(agreed, history, sample)
    threshold = float(np.clip(_threshold(agreed, sample, scores, able), 0.0, 1.0))
    hopeless = HOPELESS * float(scores.mean()) if agreed.let_go_below is None else agreed.let_go_below
    return Policy(
        threshold=threshold,
        exit_below=exit_for(threshold) if agreed.exit is None else agreed.exit,
        min_kinds=agreed.min_kinds,
        min_days=agreed.min_days,
        evidence_window=agreed.evidence_window,
        dwell=agreed.dwell,
        cool_down=agreed.cool_down,
        cadence=agreed.cadence,
        answer_within=agreed.answer_within,
        let_go_after=agreed.let_go_after,
        let_go_below=min(1.0, hopeless),
        capacity_per_week=agreed.capacity_per_week,
        horizon=agreed.horizon,
        explore_chance=chance_at(agreed, sample, scores, able, threshold),
        explore_seed=contract.model.seed,
    )


def deciding(contract: Contract, test: TestRows) -> Floats:
    """(n,) the readiness of the test rows that decides: on the policy's horizon."""
    at = contract.ready.horizons.index(contract.policy.horizon or contract.ready.primary)
    return test.predictions["blend"][:, at]


def _threshold(agreed: Agreed, sample: Sample, scores: Floats, able: npt.NDArray[np.bool_]) -> float:
    if agreed.enter is not None:
        return agreed.enter
    if agreed.capacity_per_week is None:
        return paying(agreed) if agreed.costs else float(np.quantile(scores, 1.0 - DEFAULT_SHARE))
    rows = sample.test
    within = threshold_for_capacity(
        scores,
        sample.cutoffs[rows],
        sample.leads[rows],
        agreed.capacity_per_week * (1.0 - agreed.explore),
        able,
        agreed.answer_within + agreed.cool_down,
    )
    return max(within, paying(agreed))


def paying(agreed: Agreed) -> float:
    """The readiness below which no call pays; 0 where nothing is said of costs."""
    costs = agreed.costs
    return 0.0 if costs is None else break_even(costs.call, costs.premature, costs.win)


def chance_at(agreed: Agreed, sample: Sample, scores: Floats, able: npt.NDArray[np.bool_], threshold: float) -> float:
    """How likely a week a lead below a threshold is explored; ``able`` rows have evidence enough."""
    if not agreed.explore:
        return 0.0
    return chance_to_explore(
        agreed.explore,
        threshold,
        scores,
        sample.cutoffs[sample.test],
        sample.leads[sample.test],
        able,
        agreed.answer_within + agreed.cool_down,
        sample.share,
    )


def has_evidence(agreed: Agreed, history: History, sample: Sample) -> npt.NDArray[np.bool_]:
    """(n,) which of the test rows have enough evidence for a hand-off."""
    seen = evidence_rows(history, sample.table.spine.take(pa.array(sample.test)), agreed.evidence_window)
    return np.asarray((seen[:, 0] >= agreed.min_kinds) & (seen[:, 1] >= agreed.min_days))
