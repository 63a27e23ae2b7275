"""What the service remembers, in SQLite or PostgreSQL.

tables      every table of a store
failures    what can go wrong with it, as three plain errors
writer      one thread that writes: many changes, one commit
store       the open store: reads and writes
upsert      insert unless it is there, for both databases
schema      bringing a database to this version's tables
alone       whether somebody else has the database open
migrations  the steps between versions
"""
