"""One module per verb, or per small group of verbs; each imports what it needs in its body.

terminal  what the verbs share: tables, progress, the last line
setup     init, check: a contract, and the facts it finds
market    simulate: a market whose truth is known
features  features: the catalog, and one lead's values
feature_tables  features --output: the feature table of every row
score     score: every open lead at a moment, as a table
engines   where a verb computes: this machine, Dask, Spark
train     train: a trial, a bundle, a registered version
backtest  backtest: the training repeated as of several moments of the past
compare   compare: what one version would change against another
promote   promote: whether a version may take over, the move, and the way back
retrain   retrain: the loop, for a scheduler
define    define: what each definition of ready would have meant
contest   the table of a trial against its rivals
serve     serve: the champion over HTTP
keys      keys create, list, revoke
platforms platforms hubspot-action, marketo-openapi, salesforce-openapi: documents to set them up with
passing   pass: every open lead of the store looked at once
watch     watch: what became of what was served, drift, sources, contacts
watching  what that looks at
ui        ui: MLflow's own pages
demo      demo: everything, on this machine
"""
