"""Leads that sales called ready or not, and how far a definition agrees with them (Cohen's kappa, 1960)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from sklearn.metrics import cohen_kappa_score

from data.errors import ContractError, SchemaError
from data.spine import SPINE
from data.tables import TIME

Mask = npt.NDArray[np.bool_]

YES, NO = {"true", "yes", "1", "ready"}, {"false", "no", "0", "not ready"}


@dataclass(frozen=True, eq=False)
class Labelled:
    """n judgements of sales: ``spine`` (lead_id, cutoff: when it was judged) and whether the lead was called ready."""

    spine: pa.Table
    ready: Mask


def read_labelled(path: Path, at: int) -> Labelled:
    """The file's lead_id, ready, and ``at`` where it has it; else all were judged at ``at`` (microseconds).

    Raises ContractError when it is not there, SchemaError when its columns are not these.
    """
    if not path.is_file():
        raise ContractError(f"The labelled file {path} is not there. Expected a Parquet or CSV file of lead_id, ready.")
    table = pq.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path)
    if not {"lead_id", "ready"} <= set(table.column_names):
        raise SchemaError(f"{path.name} has the columns {table.column_names}. Expected lead_id, ready, maybe at.")
    told = [str(value).strip().lower() for value in table["ready"].to_pylist()]
    strange = [value for value in told if value not in YES | NO]
    if strange:
        raise SchemaError(
            f"{path.name}: {len(strange)} of {len(told)} values of ready are neither yes nor no (first: "
            f"{strange[0]!r}). Expected yes, no, true, false, 1 or 0. Mend or leave out those rows."
        )
    ids = pc.cast(table["lead_id"], pa.string())
    return Labelled(pa.table([ids, _moments(table, path, at)], schema=SPINE), np.array([one in YES for one in told]))


def _moments(table: pa.Table, path: Path, at: int) -> pa.ChunkedArray | pa.Array:
    if "at" not in table.column_names:
        return pa.array(np.full(len(table), at, np.int64), TIME)
    kind = table.schema.field("at").type
    if not pa.types.is_timestamp(kind) or kind.tz is None or table["at"].null_count:
        raise SchemaError(f"{path.name}: at is {kind}. Expected times with a zone in every row: 2026-01-31T00:00:00Z.")
    return pc.cast(table["at"], TIME, safe=False)


def agreement(ready: Mask, said: Mask) -> dict[str, Any]:
    """How many of n judgements a definition shares, and kappa: the share beyond what chance would share.

    1 is the same in every row, 0 as much as by chance; None where both say the same of all.
    """
    n = len(ready)
    found: dict[str, Any] = {"n": n, "same": int((ready == said).sum()), "kappa": None}
    if len({*ready.tolist(), *said.tolist()}) > 1:
        found["kappa"] = float(cohen_kappa_score(ready, said))
    return found
