"""What became of what was served, and whether the world is still the one that the model was made in.

told      served scores as a table, each lead once a week for each version
alarms    what is alarming: a budget of false alarms, and what stood before
chance    matured rows of leads: how much they are worth together, and whether a share is what was told
ledger    matured scores with their outcomes: reliability, log loss and lift as lived
drift     how far inputs and scores have moved from the bundle's reference rows, and how far chance alone moves them
binning   the classes that drift is counted in
sources   kinds of events that stopped arriving
news      kinds and levels that the model was not made with
contact   whom sales spoke to, by readiness; who was handed off and never was
watch     all of it, as one value
words     that value in sentences and tables
page      that value as one HTML page
picture   reliability as lived, drawn
runs      a look as a run in MLflow
"""
