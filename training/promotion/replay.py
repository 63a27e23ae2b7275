"""Law 3: what was trained is what is served, checked by recomputing scores to the last bit."""

import numpy as np
import pyarrow as pa

from data.errors import BundleError, ReadinessError
from data.history import History
from data.spine import micros
from features.local import compute
from features.partition import FINGERPRINT, VOCABULARY, from_labelled, open_leads
from models.bundle import Bundle
from models.canary import check_in_canary
from models.histories import lead_histories
from models.scorer import Scorer
from training.comparing.side import Side
from training.promotion.lines import Line, required

ROWS_EXPECTED = "the same bits"


def replayed(side: Side, history: History, rows: int) -> list[Line]:
    """Golden rows in a process of their own, the reference rows of the training, and ``rows`` leads one by one."""
    return [_golden(side), _reference(side.bundle), _one_by_one(side.bundle, history, rows)]


def _golden(side: Side) -> Line:
    name, count = "replay: golden rows", len(side.bundle.golden.leads)
    try:
        same = check_in_canary(side.folder) == side.bundle.bundle_id
    except BundleError as error:
        return required(name, str(error), ROWS_EXPECTED, good=False)
    found = f"{count} rows, scored in a process of their own" if same else "another bundle lies in the folder"
    return required(name, found, ROWS_EXPECTED, good=same)


def _reference(bundle: Bundle) -> Line:
    """The rows that the bundle was made with still have the readiness that was written beside them."""
    kept = bundle.reference_rows()
    label = {FINGERPRINT: bundle.feature_set.fingerprint, VOCABULARY: bundle.vocabulary.to_json()}
    name = "replay: training rows"
    try:
        table = from_labelled(kept.replace_schema_metadata(label), bundle.feature_set, bundle.vocabulary)
    except (ReadinessError, KeyError, pa.ArrowInvalid) as error:
        return required(name, f"the reference rows cannot be read: {error}", ROWS_EXPECTED, good=False)
    said = bundle.model.predict(table.matrix)[:, bundle.model.horizons.index(bundle.model.primary)]
    wrong = int((said != kept["readiness"].to_numpy()).sum())
    return required(name, f"{wrong} of {len(said)} differ", ROWS_EXPECTED, good=wrong == 0)


def _one_by_one(bundle: Bundle, history: History, rows: int) -> Line:
    """Open leads scored alone, as the service meets them, against the table that training would make of them."""
    spine = open_leads(history, bundle.contract.ready, history.ends_at)
    name = "replay: leads one by one"
    if not len(spine):
        return required(name, "no lead is open", ROWS_EXPECTED, good=True)
    spread = np.unique(np.linspace(0, len(spine) - 1, min(rows, len(spine))).astype(int))
    spine = spine.take(pa.array(spread))
    together = bundle.model.predict(compute(history, spine, bundle.feature_set, bundle.vocabulary).matrix)
    scorer, moments = Scorer(bundle), micros(spine["cutoff"]).tolist()
    leads = lead_histories(history, spine["lead_id"].to_pylist())
    alone = [scorer.score(lead, at, reasons=0) for lead, at in zip(leads, moments, strict=True)]
    wrong = [one for one, row in zip(alone, together, strict=True) if list(one.horizons.values()) != row.tolist()]
    first = f" (first: {wrong[0].lead_id})" if wrong else ""
    return required(name, f"{len(wrong)} of {len(alone)} differ{first}", ROWS_EXPECTED, good=not wrong)
