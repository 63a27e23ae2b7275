"""How it is used: the HTTP service and the command line.

    settings  what the service is told when it starts
    keys      API keys and their scopes
    key_store keys in the store; key_file keys where there is no store
    keyring   whose key a request presents
    access    who may ask what
    problems  errors as application/problem+json
    heads     the headers of a request by name, walked once
    body      the JSON of a request, read within its limits
    schemas   what is asked and what is answered, as OpenAPI shows it
    scoring   a request made a lead's history, a score made an answer
    usual     a lead as nearly everybody sends it, read in one go
    live      the bundle that answers, and how another takes its place
    shadowing a challenger that scores beside it, and whom nobody hears
    agreeing  the capacity that people agreed on, which decides whatever bundle serves
    service   model, store and keys, as the endpoints share them
    requests  the gate: ids, limits, deadlines, the log, the metrics
    waiting   a deadline only for what really waits
    beside    work in a thread that a request may give up waiting for
    protocol  how large and how slow the head of a request may be
    whole     a body taken and an answer written in one piece
    logs      JSON lines without what was sent
    access_log those about requests, written together
    lots      counting in lots: the metrics here, the drift in live/
    metrics   requests counted; gauges what is read at a scrape
    hot       POST /v1/score without detours
    routes    the endpoints
    reference the page at /docs
    app       create_app: all of the above, put together
    launch    the app on a port, until it is told to stop
    collecting when Python looks for garbage
    staying   how whatever stays ends in order
    ingest    news from outside, made rows of the store
    outbox    what others are told: messages and their delivery
    cli       the command line; one module per verb in commands/

`app` and what it imports never know the trainer, MLflow, pandas or polars.
"""
