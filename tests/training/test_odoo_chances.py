"""Odoo's method in the contest: its percentages as it gives them."""

from dataclasses import replace

import numpy as np
import pytest

from data.labels import Labels
from data.spine import NEVER
from models.odoo import ClosedLeads, PredictiveScore
from training.odoo_fields import odoo_chances, odoo_fields
from training.sample import draw_sample


@pytest.fixture(scope="module")
def sample(steady):
    """The rows of a real trial."""
    contract, checked = steady
    return draw_sample(contract, checked.history, lambda _what, _share: None)


def test_it_says_what_its_own_table_says(steady, sample):
    """Of categories alone, its percentages are those of a frequency table of the matured training rows."""
    contract, _ = steady
    horizon = contract.ready.horizons[0]
    features = sample.table.feature_set
    fields = [at for at in odoo_fields(features) if features.dtypes[at] == "category"]
    assert fields
    names = {name for at, name in enumerate(features.names) if at not in fields}
    alone = sample.without(names)
    said = odoo_chances(alone, (horizon,))
    matured = sample.known.matured(horizon)
    codes = np.where(np.isnan(sample.table.matrix[:, fields]), -1, np.nan_to_num(sample.table.matrix[:, fields]))
    codes, train = codes.astype(np.int64), sample.train[matured]
    table = PredictiveScore(ClosedLeads(codes[train], sample.known.outcome(horizon)[matured]))
    shown = table(ClosedLeads(codes[sample.test], np.zeros(len(sample.test), bool)))
    np.testing.assert_allclose(100 * said[:, 0], shown, atol=0.0051)


def test_longer_horizons_are_never_less_likely(steady, sample):
    """Its percentages are chances that do not fall along the horizons, kept where Odoo keeps them."""
    contract, _ = steady
    said = odoo_chances(sample, contract.ready.horizons)
    assert said.shape == (len(sample.test), len(contract.ready.horizons))
    assert (np.diff(said, axis=1) >= 0).all()
    assert said.min() >= 0.0001
    assert said.max() <= 0.9999
    assert len(np.unique(said[:, -1])) > 50


def test_without_a_won_lead_it_gives_no_score(steady, sample):
    """Where no lead was won, or none was lost, Odoo has no probability, and takes no part."""
    contract, _ = steady
    never = Labels(np.full(len(sample.train), NEVER), sample.known.watched)
    assert odoo_chances(replace(sample, known=never), contract.ready.horizons) is None
