"""A seeded market whose truth is known: a hidden Markov model in continuous time.

states         the hidden states of a lead
world          what a world is made of: signals, moves, touches, attributes, the company
steady         a long business cycle, touched at random
quick          a short, noisy cycle
drifting       rates and sources change at a date, a new channel appears
points_driven  the company's points decide every week whom sales calls
worlds         the four worlds by name
compiled       one way to compile a function
rates          a world as arrays that compiled code reads
population     who the leads are: accounts, attributes, arrivals, multipliers
draws          random numbers for the walk: shared, or a stream of each lead's own
walk           the compiled walk of one lead through its states
crowd          many leads moved forward together, touched, and what they left behind
fork           leads that can be copied as they stand, so that several policies meet the same market
loop           the closed loop: week by week somebody chooses whom sales calls, and the market responds
tally          what came of the calls, counted against the truth
points         the company's hand-made points and their text
company        a fast ledger of the points, and whom the company calls
ledgers        the facts of a market as tables: values, late and repeated rows
leaks          fields that the CRM fills too late
market         a whole market from a world and a seed
record         what was observed of each lead, as arrays
exponential    the action of a matrix exponential on six states, by uniformisation
filtering      the exact forward filter
forecast       P(won within a horizon) from the filtered state
rehearsal      many copies of a market simulated side by side
forward        the same by simulation, where touches follow the history
truth          the best possible readiness on a spine
folder         a market written to files, with its contract
"""
