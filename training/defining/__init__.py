"""The definition workshop: what each way of saying "ready" would have meant, before anybody agrees on one.

candidates  outcomes, horizons and thresholds that could be agreed on
quick       a quick model's readiness on later rows, one for each outcome and horizon
meaning     what a threshold would have meant there: hand-offs, precision, lead time, wins caught
labelled    leads that sales called ready or not, and how far a definition agrees with them
workshop    all of it as one JSON object
words       the same as rows of a table
writing     the chosen definition written into the contract, the one before kept
"""
