"""The section of a contract that says where the service keeps what it is told."""

import os

from data.errors import ContractError
from data.terms import Section


class Serving(Section):
    """How the product is served."""

    store: str | None = None
    """The URL of the store, or ``$NAME`` of the environment. Default: SQLite, ``.readiness/store.db``."""

    def resolved_store(self) -> str | None:
        """The store's URL with ``$NAME`` read from the environment. Raises ContractError when it is not set."""
        if self.store is None or not self.store.startswith("$"):
            return self.store
        if self.store[1:] not in os.environ:
            raise ContractError(
                f"[serving] store is {self.store}, but the environment has no {self.store[1:]}. "
                "Set it to the store's URL."
            )
        return os.environ[self.store[1:]]
