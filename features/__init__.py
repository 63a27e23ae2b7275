"""How it looked then: features of a lead's past at a cutoff.

catalog      the page a data scientist edits: which features there are
profile      what a history has to offer to the catalog
feature      what all features share: name, type, unit, null, sign, question; which events
definitions  one frozen value per kind of feature over events
compared     features that compare two windows or two features
context      attributes, tenure, calendar
custom       own features: a Python class with one method
feature_set  an ordered tuple of definitions with names, types and a fingerprint
dictionary   what each feature means, as Markdown
vocabulary   category levels and their codes, stored in the bundle
levels       learning them from what was known then
lowering     what each kind of feature asks of the events: steps, what is kept, what is derived
plan         the definitions of a set lowered to tables, for leads and for accounts
block        entities as arrays: what every feed makes and the kernel reads
kernel       the compiled fold that computes them
compiled     the one way in which code is compiled
fold         the same fold in plain Python: the executable specification
reading      how one raw value becomes a number, a text or a moment
buckets      a stable hash of ids: which bucket a key goes to, in every feed
columns      Arrow columns read by these rules
ids          ids as row numbers of a table
arrange      events by entity, then by time, their values numbered
attributes   attributes and their changes as arrays
events       event tables as arrays, packed for a plan
encode       fact tables as arrays, and ranges of them as blocks
warm         all of it compiled for this machine, at installation
local        feed: tables on this machine
partition    one bucket of leads at a time, for every feed that cuts the facts
tables       tables as files, their label with them
shuffle      rows of one bucket brought together through storage
draw         a seeded draw of leads that memory holds
dask_feed    feed: a Dask cluster
spark_session a Spark session, its tables, its files
spark_feed   feed: tables on Spark
lead         one lead's own facts as plain values
event_columns one lead's events by column
moments      times of many events read in one pass
own_order    one lead's events in order, each event_id once
own_tables   the definitions of a plan as tables over codes
own_room     memory that compiled code reads and writes
own_kernel   one lead's events coded and made records in one compiled call
own_block    one lead's facts as a block
spill        feed: more facts than memory holds
online       feed: one lead's own events
"""
