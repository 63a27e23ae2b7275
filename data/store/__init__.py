"""The service's own store, as far as it holds facts.

    tables   leads, events, outcomes, changes and accounts as SQL tables
    address  from a URL to an engine that keeps what it acknowledges

What the service remembers besides (scores, standings, messages) is in ``serving.store``.
"""
