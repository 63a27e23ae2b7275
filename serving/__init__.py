"""How it is used: the HTTP service and the command line.

    settings  what the service is told when it starts
    keys      API keys: made once, kept as hashes
    access    who may ask: the key of a request
    problems  errors as application/problem+json
    body      the JSON of a request, read within its limits
    schemas   what is asked and what is answered, as OpenAPI shows it
    scoring   a request made a lead's history, a score made an answer
    service   the loaded bundle and its state
    requests  request ids and the access log
    routes    the endpoints
    app       create_app: all of the above, put together
    launch    the app on a port, until it is told to stop
    outbox    what others are told: messages and their delivery
    cli       the command line; one module per verb in commands/

`app` and what it imports never know the trainer, MLflow, pandas or polars.
"""
