"""Where versions are kept. Free of MLflow, which takes seconds to import.

The registry is the contract's ``[mlflow] uri``; without one MLflow's own ``MLFLOW_TRACKING_URI``; without either an
SQLite database in the state folder, ``.readiness/mlflow.db``, with its artifacts beside it. MLflow writes absolute
paths into that database, so a state folder that moves loses its artifacts: keep versions that must outlive a move on
a tracking server.
"""

import os
from urllib.parse import urlsplit, urlunsplit

from data.contract import Contract
from data.errors import ContractError

EMBEDDED_PAGES = "http://127.0.0.1:5000"
"""Where ``readiness ui`` shows the embedded registry."""
PAGE_MODE = "?workflowType=machine_learning"
"""Without it MLflow opens in its mode for language models, where runs and models have other names."""
SQLITE = "sqlite:///"
SERVERS = ("http", "https", "databricks", "databricks-uc")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def registry_uri(contract: Contract) -> str:
    """The address of the contract's registry, by the rule at the top of this file.

    Raises ContractError for an address that MLflow cannot keep versions at.
    """
    uri = contract.mlflow.uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        return f"{SQLITE}{(contract.state_folder / 'mlflow.db').resolve().as_posix()}"
    if contract.mlflow.uri and uri.startswith(SQLITE):  # a relative path starts at the contract, as all of its paths do
        return f"{SQLITE}{contract.resolve(uri.removeprefix(SQLITE)).as_posix()}"
    scheme = uri.split(":", 1)[0].split("+", 1)[0] if ":" in uri else uri
    if scheme not in (*SERVERS, *DATABASES):
        raise ContractError(
            f"The MLflow address is {without_password(uri)!r}, a {scheme!r} address. Expected a tracking server "
            "(http://...) or a database (sqlite:///..., postgresql://...). Mend [mlflow] uri, or leave it out."
        )
    return uri


def without_password(uri: str) -> str:
    """``uri`` as it may be shown: a password in it is replaced by stars."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}"))
