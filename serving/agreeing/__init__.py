"""What people agreed on, which decides from then on.

versions   what was agreed, when, by whom and why, as rows of the store
following  the bundle in use, deciding by what was agreed last
"""
