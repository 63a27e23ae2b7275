"""Where facts come from: files and databases, read as they are and mapped, with nothing judged yet.

read              the fact tables that a contract names
raw               a table as it was read, and which of its columns mean what
mapping           from their columns, kinds and rows to ours
files             Parquet and CSV: a file, a folder, a glob
csvs              CSV as text, with one clear error for what is broken
database          PostgreSQL and SQLite
stored            the service's own store
stored_columns    its rows as Arrow columns
stored_facts      the store as a folder of facts, a batch at a time
loaded            exports of a warehouse loader, whose tables are known
loading           what such exports have in common
hubspot           which of its tables becomes what
hubspot_deals     its deals as outcomes
salesforce        which of its tables becomes what
salesforce_deals  its opportunities as outcomes
marketo           which of its tables becomes what
described         docs/importers.md, as far as the importers declare it
messages          Segment and RudderStack: messages as facts
spoken            one message, from a file or over HTTP
jsonlines         messages, one JSON object a line
whose             visitors, users and aliases: whose a message is
"""
