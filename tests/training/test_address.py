import os
import subprocess
import sys

import pytest

from data.contract import parse_contract
from data.errors import ContractError
from training.address import registry_uri, without_password

CONTRACT = """
[ready]
outcome = ["won"]
terminal = ["won"]
horizons = ["30d"]
primary = "30d"
product = "crm"
[source]
leads = {table = "leads.parquet"}
outcomes = {table = "outcomes.parquet"}
"""


def _contract(folder, uri=None):
    return parse_contract(CONTRACT + (f'[mlflow]\nuri = "{uri}"\n' if uri else ""), folder)


def test_the_contract_comes_before_the_environment_and_that_before_the_default(tmp_path, monkeypatch):
    """The contract's uri wins; MLFLOW_TRACKING_URI comes next; then SQLite beside the contract."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000")
    assert registry_uri(_contract(tmp_path, "http://ours:5000")) == "http://ours:5000"
    assert registry_uri(_contract(tmp_path)) == "http://elsewhere:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert registry_uri(_contract(tmp_path)) == f"sqlite:///{tmp_path}/.readiness/mlflow.db"


def test_a_database_beside_the_contract_does_not_move_with_the_working_directory(tmp_path):
    """A relative SQLite path in the contract starts at the contract's folder, an absolute one stays as it is."""
    assert registry_uri(_contract(tmp_path, "sqlite:///ours/x.db")) == f"sqlite:///{tmp_path}/ours/x.db"
    assert registry_uri(_contract(tmp_path, "sqlite:////srv/x.db")) == "sqlite:////srv/x.db"


@pytest.mark.parametrize("uri", ["file:///somewhere", "mlruns", "./mlruns", "ftp://host/x"])
def test_addresses_that_keep_no_versions_are_refused(tmp_path, uri):
    """A folder of files, which MLflow no longer keeps versions in, is refused with the fix."""
    with pytest.raises(ContractError, match=r"Expected a tracking server .* Mend \[mlflow\] uri"):
        registry_uri(_contract(tmp_path, uri))


def test_passwords_are_never_shown():
    """An address in a message has stars for its password."""
    assert without_password("postgresql://me:secret@host:5432/x") == "postgresql://me:***@host:5432/x"
    assert without_password("http://host:5000") == "http://host:5000"


def test_the_address_is_known_without_mlflow():
    """What must be quick (`readiness ui`, `--help`) does not import MLflow to know where versions are kept."""
    code = "import sys, training.address; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_mlflow_is_quiet_once_it_is_imported_through_our_door():
    """MLflow's telemetry is off and it prints nothing to stdout, without the user's doing."""
    code = (
        "import os, training.tracking\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "assert get_telemetry_client() is None\n"
        "assert os.environ['MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT'] == 'true'\n"
    )
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PYTEST_", "CI"))}
    done = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
