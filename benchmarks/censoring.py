"""What to do with rows whose horizon has not passed yet: three treatments of the same rows, where the truth is known.

    python benchmarks/censoring.py [--worlds steady drifting] [--leads 2000] [--seeds 3] [--json FILE]

hazard      discrete-time hazards: such a row teaches about the time that has passed (what `readiness train` does)
matured     it is left out: one model for each horizon, from the rows whose horizon has passed
negatives   it counts as "no outcome" until there is one: one model for each horizon, from all rows

Everything else is the same: features, validation in the order of time, members, blend, calibration. The split is
SPLIT: in the drifting world nine weeks after the market has changed, so that no row of 90 days from after the change
has matured. Printed are the log loss at each horizon, expected under the exact probability, the share of the
explainable log loss, and the mean prediction over the mean truth, as means over seeds with their standard error;
and the paired difference to the hazard. Cases are kept and found again as in benchmarks/quality.py.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    # the folder of this script would hide the rooms behind files of the same name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.quality_case import Case, as_read, scores, with_truth
from benchmarks.quality_kept import fingerprint, kept
from data.clock import to_micros
from data.labels import Labels
from data.simulation.market import simulate
from data.simulation.worlds import WORLDS
from data.spine import NEVER
from models.numerics import Floats
from training.cells import Cells
from training.fit import fit
from training.folds import Ground, Ints
from training.learning import gbm_settings, ground_of
from training.sample import draw_sample
from training.selection import choose

SPLIT = to_micros(datetime(2025, 3, 10, tzinfo=UTC))
TREATMENTS = ("hazard", "matured", "negatives")
FOREVER = 2**62


@dataclass(frozen=True, eq=False)
class Hasty(Ground):
    """A ground that calls every row without an outcome so far a "no", at any moment."""

    def cells(self, rows: Ints, moment: int | None = None, half_life: int | None = None) -> Cells:
        """The cells of ``rows``, all of them watched to the end, with the outcomes that were known at ``moment``."""
        if moment is None:
            return super().cells(rows, None, half_life)
        late = self.cutoffs + self.labels.time_to_outcome >= moment - self.reporting_lag
        known = Labels(np.where(late, NEVER, self.labels.time_to_outcome), self.labels.watched)
        return replace(self, labels=known).cells(rows, None, half_life)


def treated(case: Case, treatment: str) -> Floats:
    """(n, H) probabilities of the served blend under one treatment, for the rows that are judged."""
    ground = ground_of(case.contract, case.sample)
    if treatment == "hazard":
        return predicted(case, ground)
    columns = []
    for horizon in ground.horizons:
        if treatment == "matured":
            rows = np.flatnonzero(ground.labels.matured(horizon))
            columns.append(predicted(case, narrowed(ground, rows, horizon)))
        else:
            one = narrowed(ground, np.arange(len(ground.cutoffs)), horizon)
            watched = np.full(len(one.cutoffs), FOREVER)
            labels = Labels(one.labels.time_to_outcome, watched)
            hasty = Hasty(**{**vars(one), "labels": labels})
            columns.append(predicted(case, hasty))
    return np.maximum.accumulate(np.column_stack(columns), axis=1)


def narrowed(ground: Ground, rows: Ints, horizon: int) -> Ground:
    """The ground of some rows and one horizon in one bin."""
    return replace(
        ground,
        matrix=np.ascontiguousarray(ground.matrix[rows]),
        cutoffs=ground.cutoffs[rows],
        labels=ground.labels.take(rows),
        leads=ground.leads[rows],
        edges=(horizon,),
        horizons=(horizon,),
    )


def predicted(case: Case, ground: Ground) -> Floats:
    """What the model says that is chosen, fitted and calibrated on ``ground``."""
    settings = gbm_settings(case.contract, case.sample.table.feature_set, ground)
    seed, quiet = case.contract.model.seed, _quiet
    choice = choose(ground, settings, case.contract.backtest.folds, seed, quiet)
    fitted = fit(ground, ground.horizons[-1], settings, choice, seed=seed, progress=quiet)
    return fitted.model.predict(np.ascontiguousarray(case.sample.table.matrix[case.rows]))


def _quiet(_what: str, _share: float) -> None:
    pass


def one(world: str, leads: int, seed: int, threads: int) -> dict[str, Any]:
    """All treatments on one market."""
    market = simulate(world, leads, seed)
    contract, history = as_read(market, threads)
    contract = contract.model_copy(update={"backtest": contract.backtest.model_copy(update={"test_from": SPLIT})})
    case = with_truth(market, contract, history, draw_sample(contract, history, _quiet), _quiet)
    known = case.sample.known
    prior = [known.outcome(h)[known.matured(h)].mean() for h in contract.ready.horizons]
    said = {"prior": np.tile(prior, (len(case.rows), 1)), "exact": case.exact}
    said |= {treatment: treated(case, treatment) for treatment in TREATMENTS}
    unmatured = {str(h): float((~known.matured(h)).mean()) for h in contract.ready.horizons}
    return {"world": world, "size": leads, "seed": seed, "unmatured": unmatured, **scores(case, said)}


def table(cases: Sequence[dict[str, Any]]) -> str:
    """The figures of one world."""
    lines = []
    for place, horizon in enumerate(cases[0]["horizons"]):
        outcomes = np.mean([case["horizons"][horizon]["outcomes"] for case in cases])
        unmatured = np.mean([list(case["unmatured"].values())[place] for case in cases])
        lines.append(
            f"\n{cases[0]['world']}, {cases[0]['size']:,} leads, won within {horizon}: {len(cases)} seeds, "
            f"{outcomes:,.0f} outcomes in {np.mean([case['rows'] for case in cases]):,.0f} judged rows; "
            f"{unmatured:.0%} of the training rows have not matured"
        )
        lines.append(
            f"{'':<12}{'log loss':>10}{'share reached':>17}{'predicted / true':>18}{'worse than hazard by':>28}"
        )
        for name in ("prior", *TREATMENTS, "exact"):
            figures = [case["horizons"][horizon]["models"][name] for case in cases]
            hazard = [case["horizons"][horizon]["models"]["hazard"]["expected_log_loss"] for case in cases]
            loss = np.array([figure["expected_log_loss"] for figure in figures])
            gap = loss - hazard
            lines.append(
                f"{name:<12}{loss.mean():>10.5f}{_told([f['share'] for f in figures], 3):>17}"
                f"{_told([f['bias'] for f in figures], 2):>18}"
                + (f"{_told(gap, 5):>28}" if name in TREATMENTS[1:] else "")
            )
    return "\n".join(lines)


def _told(values: Sequence[float], digits: int) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{np.mean(values):.{digits}f}" + ("" if np.isnan(error) else f" ± {error:.{digits}f}")


def main() -> None:
    """Run the cases and print each world as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", choices=sorted(WORLDS), default=["steady", "drifting"])
    parser.add_argument("--leads", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="threads for training; 0: all cores")
    parser.add_argument("--json", type=Path, help="a file for all figures, written after each case")
    asked = parser.parse_args()
    mark, done = fingerprint(), []
    for world in asked.worlds:
        cases = []
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            name = f"censoring-{world}-{asked.leads}-{seed}"
            cases.append(kept(name, mark, partial(one, world, asked.leads, seed, asked.threads)))
            done.append(cases[-1])
            print(f"{name} is done", file=sys.stderr, flush=True)
            if asked.json:
                asked.json.write_text(json.dumps({"code": mark, "cases": done}, indent=1))
        print(table(cases), flush=True)


if __name__ == "__main__":
    main()
