"""The facts as one frozen value, hidden from the future on demand."""

from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from data.errors import SchemaError
from data.tables import SCHEMAS, TIME, empty


@dataclass(frozen=True)
class History:
    """Checked facts.

    Every table satisfies its schema in ``data.tables`` (further columns allowed): ``leads`` has one row for each
    lead_id, every event and outcome belongs to a lead, ``known_at >= occurred_at``. Rows are in no particular order.
    Texts may be dictionaries of texts, which feature engines read faster.
    ``ends_at`` (microseconds since 1970) is the end of the history: all that was known before it is in the tables.
    """

    leads: pa.Table
    events: pa.Table
    outcomes: pa.Table
    ends_at: int
    changes: pa.Table = field(default_factory=lambda: empty("changes"))
    accounts: pa.Table = field(default_factory=lambda: empty("accounts"))
    account_changes: pa.Table = field(default_factory=lambda: empty("account_changes"))

    def __post_init__(self) -> None:
        for name, schema in SCHEMAS.items():
            table = getattr(self, name)
            for column in schema:
                if column.name not in table.column_names:
                    raise SchemaError(f"The {name} table has no column {column.name!r}. Expected {schema.names}.")
                found = table.schema.field(column.name).type
                if pa.types.is_dictionary(found):
                    found = found.value_type
                if found != column.type:
                    raise SchemaError(
                        f"{name}.{column.name} is {found}. Expected {column.type}: read it through `check`."
                    )

    def upto(self, moment: int) -> "History":
        """This history as it was known just before ``moment`` (microseconds): what was known later is gone."""
        limit = pa.scalar(moment, TIME)
        return replace(
            self,
            leads=self.leads.filter(pc.less(self.leads["created_at"], limit)),
            events=self.events.filter(pc.less(self.events["known_at"], limit)),
            outcomes=self.outcomes.filter(pc.less(self.outcomes["known_at"], limit)),
            changes=self.changes.filter(pc.less(self.changes["known_at"], limit)),
            account_changes=self.account_changes.filter(pc.less(self.account_changes["known_at"], limit)),
            ends_at=min(self.ends_at, moment),
        )
