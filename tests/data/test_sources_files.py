"""Files: what is read, and the one clear error for each thing that is broken."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import SchemaError
from data.sources.csvs import csv_header, read_csv
from data.sources.files import open_files
from data.sources.read import read_source


def column(path, text, names=("a",)):
    """The first of the named columns of a CSV file with this content."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(path, list(names))[names[0]].to_pylist()


def test_csv_with_a_byte_order_mark(tmp_path):
    """A byte-order mark is no part of the first column's name."""
    assert column(tmp_path / "x.csv", b"\xef\xbb\xbfa,b\n1,2\n") == ["1"]


def test_csv_with_quoted_fields(tmp_path):
    """Quoted commas, quotes and line breaks are part of their cells."""
    assert column(tmp_path / "x.csv", 'a,b\n"x, ""y""\nz",2\n') == ['x, "y"\nz']


def test_csv_with_a_quoted_header(tmp_path):
    """A name in the header may be quoted and hold a comma or a line break of its own."""
    assert column(tmp_path / "x.csv", '"a, b","c\nd"\n1,2\n', ["a, b"]) == ["1"]
    assert column(tmp_path / "x.csv", '"a, b","c\nd"\n1,2\n', ["c\nd"]) == ["2"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_separators(tmp_path, separator):
    """Comma, semicolon, tab and bar separate, whichever the header uses."""
    assert column(tmp_path / "x.csv", f"a{separator}b\n1{separator}2\n", ["b"]) == ["2"]


def test_csv_cells_stay_text(tmp_path):
    """Cells are text as they stand: leading zeros, dates and words alike."""
    assert column(tmp_path / "x.csv", "a\n007\n2024-01-01\nNULL\n") == ["007", "2024-01-01", "NULL"]


def test_csv_without_a_last_line_break(tmp_path):
    """A last row without a line break is a row like any other."""
    assert column(tmp_path / "x.csv", "a,b\n1,2\n3,4") == ["1", "3"]


def test_csv_with_windows_line_ends(tmp_path):
    """Carriage returns at the ends of lines are no part of the cells."""
    assert column(tmp_path / "x.csv", "b,a\r\n1,2\r\n", ["a"]) == ["2"]


def test_csv_cut_off_in_the_last_row(tmp_path):
    """A last row with too few fields is an error that shows it."""
    with pytest.raises(SchemaError, match=r"x\.csv has 1 rows with another number.*row 3 has 2, '3,4'\. Expected 3"):
        column(tmp_path / "x.csv", "a,b,c\n1,2,3\n3,4")


def test_csv_ragged_in_the_middle(tmp_path):
    """Rows with too many fields are counted, and the first is shown."""
    with pytest.raises(SchemaError, match=r"has 2 rows.*row 2 has 3, '1,2,9'\. Expected 2"):
        column(tmp_path / "x.csv", "a,b\n1,2,9\n1,2\n3\n")


def test_csv_cut_off_inside_quotes(tmp_path):
    """A file that ends inside a quoted field is not whole, even where its last row has all its fields."""
    with pytest.raises(SchemaError, match="ends inside a quoted field"):
        column(tmp_path / "x.csv", 'a,b\n1,2\n3,"cut o')


def test_csv_with_a_lone_quote(tmp_path):
    """A single quote within an unquoted cell is no sign of a cut."""
    assert column(tmp_path / "x.csv", 'a,b\n5" pipe,2\n') == ['5" pipe']


def test_csv_without_utf8(tmp_path):
    """Latin-1 and UTF-16 are named, with what to do."""
    with pytest.raises(SchemaError, match="is not UTF-8"):
        column(tmp_path / "x.csv", "a\nZürich\n".encode("latin-1"))
    with pytest.raises(SchemaError, match="is UTF-16"):
        column(tmp_path / "x.csv", "a\n1\n".encode("utf-16"))


def test_csv_with_a_name_twice(tmp_path):
    """Two columns of one name cannot be told apart."""
    (tmp_path / "x.csv").write_text("a,b,a\n1,2,3\n")
    with pytest.raises(SchemaError, match="has 2 columns called 'a'"):
        csv_header(tmp_path / "x.csv")


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
def test_empty_file(tmp_path, name):
    """A file of 0 bytes is empty, and says so."""
    (tmp_path / name).touch()
    with pytest.raises(SchemaError, match="is empty: 0 bytes"):
        open_files(tmp_path, name)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_parquet_cut_off(tmp_path, share):
    """A Parquet file cut off anywhere is not whole."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(SchemaError, match="is not a whole Parquet file"):
        open_files(tmp_path, path.name).read(["a"])


def test_parquet_damaged_in_the_middle(tmp_path):
    """A Parquet file whose pages are overwritten is an error, not other values."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [f"text {at}" for at in range(5000)]}), path)
    whole = bytearray(path.read_bytes())
    whole[4:2000] = bytes(1996)
    path.write_bytes(whole)
    with pytest.raises(SchemaError, match="is not a whole Parquet file"):
        open_files(tmp_path, path.name).read(["a"])


def test_missing_file(tmp_path):
    """A file that is not there is an error that lists what is."""
    (tmp_path / "leads_2024.csv").write_text("lead_id\n")
    with pytest.raises(SchemaError, match=r"There is no .*leads\.csv.*has leads_2024\.csv"):
        open_files(tmp_path, "leads.csv")
    with pytest.raises(SchemaError, match="nowhere does not exist"):
        open_files(tmp_path / "nowhere", "leads.csv")


def test_unknown_format(tmp_path):
    """A file of another format is refused by name."""
    (tmp_path / "x.xlsx").write_text("?")
    with pytest.raises(SchemaError, match=r"x\.xlsx is not a file that Readiness reads"):
        open_files(tmp_path, "x.xlsx")


@pytest.mark.parametrize("table", ["parts", "parts/*.parquet", "parts/**/part-*.parquet"])
def test_folders_and_globs(tmp_path, table):
    """The parts of a folder or glob are read in the order of their names; markers and hidden files are not data."""
    for name, value in (("b/part-1.parquet", 2), ("part-0.parquet", 1)):
        path = tmp_path / "parts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"a": [value]}), path)
    (tmp_path / "parts" / "_SUCCESS").touch()
    (tmp_path / "parts" / ".part-0.parquet.crc").touch()
    pq.write_table(pa.table({"a": [9]}), tmp_path / "parts" / "_temporary.parquet")
    found = open_files(tmp_path, table).read(["a"])[0]["a"].to_pylist()
    assert found == ([1] if table == "parts/*.parquet" else [2, 1])


def test_parts_of_several_formats(tmp_path):
    """A folder of Parquet and CSV cannot be one table."""
    (tmp_path / "x.csv").write_text("a\n")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "y.parquet")
    with pytest.raises(SchemaError, match="has files of 2 formats"):
        open_files(tmp_path, ".")


def test_parts_that_do_not_fit(tmp_path):
    """Parts that lack a column, or give it a type that does not join, are named."""
    pq.write_table(pa.table({"a": [1], "b": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "2.parquet")
    opened = open_files(tmp_path, "*.parquet")
    with pytest.raises(SchemaError, match=r"2\.parquet has no column 'b'"):
        opened.read(["b"])
    with pytest.raises(SchemaError, match="do not fit together"):
        opened.read(["a"])


def test_dictionaries_and_dots(tmp_path):
    """Dictionary columns give their values, also across files; a dot in a name is part of the name."""
    for at, word in enumerate(("x", "y")):
        cells = pa.array([word]).dictionary_encode()
        pq.write_table(pa.table({"a.b": cells, "a": [at]}), tmp_path / f"{at}.parquet")
    table, _ = open_files(tmp_path, "*.parquet").read(["a.b"])
    assert table.to_pydict() == {"a.b": ["x", "y"]}


def test_only_what_is_asked_for_is_read(contract_of, save, facts):
    """Columns that the contract does not name are not read."""
    save(facts, "parquet")
    raw = read_source(contract_of("parquet"))
    assert raw["leads"].rows.column_names == ["lead_id", "created_at"]


def test_a_header_alone(contract_of, write):
    """No events and no outcomes is a fact; no leads is an error."""
    write()
    assert read_source(contract_of())["events"].rows.num_rows == 0
    write(leads="lead_id,created_at\n")
    with pytest.raises(SchemaError, match=r"leads\.csv has 0 leads\. Expected at least one"):
        read_source(contract_of())
