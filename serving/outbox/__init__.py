"""What others are told: messages written with their cause, delivered at least once.

kinds     which kinds of message there are
messages  a crossing as a CloudEvent, in the transaction that made it
"""
