"""News from outside, made rows of the store.

items  what every door (our own, and each platform's) makes of what it is sent
"""
