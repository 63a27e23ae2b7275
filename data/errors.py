"""The errors of the project.

    ReadinessError
    ├── ContractError     readiness.toml asks for something impossible or unknown
    ├── SchemaError       a table does not have the columns or types it must have
    ├── LeakError         something would let the future into the past
    ├── NotMaturedError   a question whose answer cannot be known yet
    └── BundleError       a bundle is damaged, foreign, or not made for this

Every message says what was found (how many, the first example), what was expected and what to do.
"""


class ReadinessError(Exception):
    """Anything that a user can mend; the command line prints it as one sentence and exits with 1."""


class ContractError(ReadinessError):
    """The contract asks for something impossible or unknown."""


class SchemaError(ReadinessError):
    """A table does not have the columns or types it must have."""


class LeakError(ReadinessError):
    """Something would let the future into the past."""


class NotMaturedError(ReadinessError):
    """A question was asked whose answer cannot be known yet."""


class BundleError(ReadinessError):
    """A bundle is damaged, foreign, or not made for this."""
