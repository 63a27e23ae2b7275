"""What a bucket is, where it goes, and what a feature table says of itself."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest

from data.clock import DAY
from data.errors import SchemaError
from features.buckets import bucket_of
from features.custom import Custom
from features.definitions import Count, Last
from features.feature_set import FeatureSet
from features.local import compute
from features.partition import Keys, from_labelled, labelled, make_bucket, partition_keys, spans_accounts
from features.tables import label_of, read_tables, write_tables
from features.vocabulary import Vocabulary

LEADS = pa.table({"lead_id": ["a", "b", "c"], "account_id": ["acme", None, "acme"]})
WORDS = Vocabulary({"events.kind": ("open", "other", "view")})
ASKED = FeatureSet((Count(), Last()))


@dataclass(frozen=True)
class OfAccount(Custom):
    """A feature that asks about every lead of an account."""

    version = 1
    per = "account"

    def value(self, events, cutoff):
        """Nothing: only its key matters here."""
        return float(len(events) + cutoff)


def test_a_lead_is_its_own_key():
    """Features of a lead's own past leave every lead alone; nothing of the leads table is read for it."""
    assert not spans_accounts(ASKED)
    assert partition_keys(LEADS, ASKED).to_pylist() == ["a", "b", "c"]
    keys = Keys.of(7, ASKED, lambda: pytest.fail("the leads were read"))
    assert keys.buckets(LEADS["lead_id"]).tolist() == bucket_of(LEADS["lead_id"], 7).tolist()


def test_leads_of_an_account_stay_together_where_a_feature_asks_for_them():
    """The key is the account then, and the lead itself where it has none; an unknown lead is an error."""
    asked = FeatureSet((Count(), OfAccount(alias="of_account")))
    assert partition_keys(LEADS, asked).to_pylist() == ["acme", "b", "acme"]
    keys = Keys.of(1_000, asked, lambda: LEADS)
    assert (
        keys.buckets(pa.chunked_array([["c", "b", "a", "a"]])).tolist()
        == bucket_of(pa.array(["acme", "b", "acme", "acme"]), 1_000).tolist()
    )
    with pytest.raises(SchemaError, match="'nobody'"):
        keys.buckets(pa.chunked_array([["nobody"]]))


def test_a_bucket_keeps_the_accounts_of_its_leads(make):
    """All accounts come to a bucket; those of other leads do not stay."""
    world = make.World(
        [make.lead("a", account_id="acme")], [], [], [{"account_id": n, "tier": n} for n in ("acme", "x")], []
    )
    history = world.history()
    bucket, listed = make_bucket({"leads": history.leads}, {"accounts": history.accounts}, 5)
    assert bucket.accounts["account_id"].to_pylist() == ["acme"]
    assert (bucket.ends_at, len(bucket.events), len(listed)) == (5, 0, 0)


@pytest.fixture
def table(make):
    """A small feature table whose level is called like the rest of the levels."""
    kinds = ("open", "other", "view", "never seen", None)
    events = [make.event(f"l{k}", kind, make.START) for k, kind in enumerate(kinds) if kind]
    leads = [make.lead(f"l{k}") for k in range(len(kinds))]
    world = make.World(leads, events, [], [], [(lead["lead_id"], make.START + DAY) for lead in leads])
    return compute(world.history(), world.spine(), ASKED, WORDS, threads=1)


@pytest.mark.parametrize("name", ["table.parquet", "parts"])
def test_a_written_table_is_read_to_the_last_bit(name, table, tmp_path):
    """Codes, nulls and the label survive Parquet, as one file and in parts."""
    arrow = labelled(table)
    write_tables([arrow.slice(0, 2), arrow.slice(2)], str(tmp_path / name))
    read = pa.concat_tables(read_tables(str(tmp_path / name)))
    found = from_labelled(read, ASKED, WORDS)
    np.testing.assert_array_equal(found.matrix.view(np.uint32), table.matrix.view(np.uint32))
    assert found.spine.equals(table.spine.cast(found.spine.schema))
    assert label_of(str(tmp_path / name))["readiness.fingerprint"] == ASKED.fingerprint


def test_a_table_of_other_features_or_levels_is_refused(table):
    """One sentence says what was found and what was expected."""
    arrow = labelled(table)
    with pytest.raises(SchemaError, match=f"fingerprint {ASKED.fingerprint[:12]}. Expected"):
        from_labelled(arrow, ASKED.select(ASKED.names[:1]), WORDS)
    with pytest.raises(SchemaError, match="other category levels"):
        from_labelled(arrow, ASKED, Vocabulary({"events.kind": ("view",)}))
    with pytest.raises(SchemaError, match="does not say with which features"):
        from_labelled(arrow.replace_schema_metadata(None), ASKED, WORDS)
    with pytest.raises(SchemaError, match="no Parquet files"):
        label_of("/nowhere/at/all")
    assert replace(table).feature_set is ASKED
