"""Train every example contract to a registered version and set the figures beside two references.

    python benchmarks/real_data.py [--source DIR] [--write docs/results.md] [--json FILE]

Each line runs `readiness train --contract examples/NAME.toml --json`, the command that anyone would run. Without
`--source` the data sets are looked for where the contracts say. The references are a plain logistic regression and
LightGBM at its defaults on counts, recencies and one-hot attributes, as they came with the protocols (see the text that
is written); they are not measured here. Level means: AUC not lower than the better reference by more than its standard
error, log loss not higher by more than 0.005.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]

REFERENCES = {
    "online_retail": ((0.745, 0.5565), (0.735, 0.5620), 0.009),
    "cdnow": ((0.807, 0.3473), (0.795, 0.3703), 0.004),
    "oulad": ((0.729, 0.6446), (0.711, 0.7737), 0.012),
    "oulad_day60": ((0.773, 0.5661), (0.744, 0.6792), 0.011),
    "olist": ((0.711, 0.2360), (0.701, 0.2510), 0.031),
    "bank_marketing": ((0.748, 0.5704), (0.658, 0.7877), 0.006),
}
"""(AUC, log loss) of logistic regression and of LightGBM at its defaults, and the standard error of the AUC."""

ALLOWED = 0.005
"""How much higher a level log loss may be."""

HEAD = """# Results on public data

Each row is a contract in `examples/` (which says where the public finds the data), trained to a registered version by
`readiness train --contract examples/NAME.toml --json` and judged on later rows. The settings of
each run are chosen on its training rows alone; the rules by which they are chosen were developed with these data sets,
test rows included, in view. Made by

    python benchmarks/real_data.py --write docs/results.md

`LR` and `GBM` of the reference are a plain logistic regression and LightGBM at its defaults on counts, recencies and
one-hot attributes, on the same splits; these figures came with the protocols and are not measured by this command. The
standard error (SE) is that of the reference's AUC. *Level* means: AUC not lower than the better reference by more than
one SE, and log loss not higher by more than 0.005. The served model is the calibrated blend; its members are shown with
a calibration of their own.

"""


def run(name: str, source: Path | None) -> dict[str, object]:
    """What `readiness train --json` prints for one example; its versions go to a folder that is thrown away."""
    with TemporaryDirectory() as scratch:
        store = f"sqlite:///{scratch}/mlflow.db"
        text = (ROOT / "examples" / f"{name}.toml").read_text() + f'\n[mlflow]\nuri = "{store}"\n'
        facts = source / name.removesuffix("_day60") if source else None
        contract = Path(scratch) / "readiness.toml"
        contract.write_text(text)
        default = ROOT.parent / "shared" / "data" / name.removesuffix("_day60")
        command = [Path(sys.executable).with_name("readiness"), "train", "--contract", contract, "--json", "--quiet"]
        done = subprocess.run(
            [*command, "--source", facts or default], capture_output=True, text=True, check=False, cwd=scratch
        )
        if done.returncode:
            sys.exit(f"{name}: {done.stderr}")
        return json.loads(done.stdout)


def row(name: str, told: dict[str, object]) -> tuple[str, bool]:
    """One line of the table, and whether the served model is level with the better reference."""
    test = told["test"]
    linear, trees, error = REFERENCES[name]
    served = test["models"][told["served"]]
    auc, loss = max(linear[0], trees[0]), min(linear[1], trees[1])
    level = served["auc"] >= auc - error and served["log_loss"] <= loss + ALLOWED
    members = [test["models"][member] for member in ("logistic", "gbm")]
    cells = [
        name,
        told["horizon"],
        f"{test['n']:,}",
        f"{test['rate']:.3f}",
        f"{linear[0]:.3f} / {linear[1]:.4f}",
        f"{trees[0]:.3f} / {trees[1]:.4f}",
        f"{error:.3f}",
        *(f"{member['auc']:.3f} / {member['log_loss']:.4f}" for member in members),
        f"**{served['auc']:.3f} / {served['log_loss']:.4f}**",
        f"{served['average_precision']:.3f}",
        f"{served['ece']:.3f}",
        "yes" if level else "**no**",
    ]
    return "| " + " | ".join(cells) + " |", level


def main() -> None:
    """Run all, print the table, exit with 1 when a served model is not level."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a folder with one folder for each data set")
    parser.add_argument("--write", type=Path, help="a Markdown file to write the table to")
    parser.add_argument("--json", type=Path, help="a file for what the commands printed")
    parser.add_argument("names", nargs="*", default=[], help="only these examples")
    asked = parser.parse_args()
    heads = ["example", "horizon", "test rows", "rate", "ref. LR", "ref. GBM", "SE", "LR", "GBM", "served"]
    heads += ["average precision", "ECE", "level"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    found, levels = {}, []
    for name in asked.names or REFERENCES:
        print(f"training {name} ...", file=sys.stderr, flush=True)
        found[name] = run(name, asked.source)
        line, level = row(name, found[name])
        lines.append(line)
        levels.append(level)
    table = "\n".join(lines)
    print(table)
    if asked.write:
        asked.write.write_text(f"{HEAD}Figures are AUC / log loss (nats) where there are two.\n\n{table}\n")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    sys.exit(0 if all(levels) else 1)


if __name__ == "__main__":
    main()
