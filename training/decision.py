"""The policy that travels with a model: the contract's rules, with a threshold from what sales can work."""

import numpy as np

from data.contract import Contract
from models.policy import Policy, threshold_for_capacity
from training.sample import Sample
from training.testrows import TestRows

DEFAULT_SHARE = 0.1
"""Without a capacity in the contract, the tenth of the leads that the model holds most ready is handed off."""


def make_policy(contract: Contract, sample: Sample, test: TestRows) -> Policy:
    """The policy, its threshold set on the scores of the test rows; their outcomes play no part in it."""
    settings = contract.policy
    scores = test.predictions["blend"][:, contract.ready.horizons.index(contract.ready.primary)]
    if settings.capacity_per_week is None:
        threshold = float(np.quantile(scores, 1.0 - DEFAULT_SHARE))
    else:
        threshold = threshold_for_capacity(
            scores, sample.cutoffs[sample.test], sample.leads[sample.test], settings.capacity_per_week
        )
    return Policy(
        float(np.clip(threshold, 0.0, 1.0)),
        settings.min_kinds,
        settings.min_days,
        settings.evidence_window,
        settings.capacity_per_week,
    )
