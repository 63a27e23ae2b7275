"""Airflow: retrain every Monday at 03:00 UTC. One task; it fails when the command does.

The worker needs the project installed and the folder of the contract. Credentials come from Airflow's connections or
from the environment, where the contract reads them as ``$NAME``.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="readiness_retrain",
    schedule="0 3 * * 1",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a turn that was missed is not made up for: the next one has all facts
    max_active_runs=1,
    tags=["readiness"],
):
    BashOperator(
        task_id="retrain",
        bash_command="readiness retrain --contract {{ var.value.readiness_contract }} --json --quiet",
        execution_timeout=timedelta(hours=6),
        retries=1,  # a turn that was cut short is gone on with
        retry_delay=timedelta(minutes=15),
    )
