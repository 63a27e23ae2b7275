"""Where facts come from: files and databases, read as they are and mapped, with nothing judged yet.

read      the fact tables that a contract names
raw       a table as it was read, and which of its columns mean what
mapping   from their columns, kinds and rows to ours
files     Parquet and CSV: a file, a folder, a glob
csvs      CSV as text, with one clear error for what is broken
database  PostgreSQL and SQLite
"""
