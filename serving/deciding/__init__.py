"""Leads of the store: read, scored and decided about.

statements    the hot reads, compiled once
event_rows    rows of the events table made values
attributes    attributes as of a moment
account_facts what a lead's account brings
needs         what a bundle's features read
fingerprint   what was scored, as one SHA-256
owners        ids that mean another lead
histories     a lead's history as it was known
rules         what moves leads apart from the model
standings     where leads stand, as rows
transitions   crossings, written once and told
words         what sales said
hand_offs     the hand-offs that the policy made, each with its chance
marks         leads that wait for a look
score_rows    scores as rows
looking       what is seen, and what follows
decide        both, in the transaction that brought the news
waiting       those leads looked at, long histories apart
passing       every open lead, nightly and by a new model
tallies       what came of looks, counted
answers       what is answered about a stored lead, flat
asking        a stored lead asked about
recorder      scores that were told and moved nothing, written soon after
payloads      scores of leads that were sent along
explaining    a score as it was told, and computed again
pruning       old scores taken away
work_list     leads by where they stand
stories       what happened to a lead
leads         all that the store says of one lead
cursors       where a page ends
schemas       what is answered
shown         rows and scores in the words of the schemas
routes        the endpoints
"""
