"""The pages that are written from the code: ``python -m serving.documents`` writes them, ``--check`` only compares.

pages      which pages there are, and how each is made
contract   docs/contract.md: every section and key of readiness.toml
verbs      docs/cli.md: the help of every verb
api        docs/http-api.md: every operation of the service
features   docs/features.md: the feature dictionary of a simulated market
index      docs/index.md: all pages, also those that people write
"""
