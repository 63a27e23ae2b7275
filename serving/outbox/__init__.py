"""What others are told: messages written with their cause, delivered at least once.

kinds        which kinds of message there are
messages     a crossing as a CloudEvent, in the transaction that made it
alarms       what readiness watch tells, likewise
subscribers  who is told, where, of what, signed with which secret
signing      that secret, and two while one is exchanged for another
queue        deliveries: due, claimed, settled
schedule     what follows from an answer, and when
webhooks     a message signed and sent once
delivery     the loop: a lane for each subscriber
backlog      dead letters, replay, clearing away
"""
