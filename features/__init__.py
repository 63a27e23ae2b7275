"""How it looked then: features of a lead's past at a cutoff.

definitions  one frozen value per kind of feature; names derive from it
catalog      the page a data scientist edits: which features there are
feature_set  an ordered tuple of definitions with names, types and a fingerprint
vocabulary   category levels and their codes, learned once, stored in the bundle
plan         definitions lowered to arrays
kernel       the compiled fold that computes them
fold         the same fold in plain Python: the executable specification
local        feed: tables on this machine
online       feed: one lead's own events
"""
