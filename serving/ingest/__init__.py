"""News from outside, made rows of the store.

items       what every door (our own, and each platform's) makes of what it is sent
tally       what became of each item: taken, known already, refused and why
judging     an item that can be stored, with its moments, id and content; or the reason why not
take        items into the store, in the transaction that is open
happenings  events and outcomes
people      leads and accounts
attributes  what their attributes were and when that was known
links       visitors who turn out to be leads, leads who turn out to be one
erasing     a person who wants to be forgotten
schemas     what is sent to our own doors and what they answer
reading     the body of a call as items
storing     items into the store of a running service
routes      the doors
loading     checked facts of files, as a past
"""
