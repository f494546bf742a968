"""Runs the dbt project whenever new orders are in the warehouse."""

from datetime import datetime

from airflow.sdk import dag, task

from shop.settings import DBT_PROJECT, MODELS, RAW_ORDERS


@dag(
    schedule=[RAW_ORDERS],
    start_date=datetime(2025, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["shop", "dbt"],
)
def build_models():
    @task.bash
    def check_sources() -> str:
        return f"dbt test --select source:warehouse --project-dir {DBT_PROJECT}"

    @task.bash(outlets=[MODELS])
    def run_models() -> str:
        return f"dbt build --project-dir {DBT_PROJECT}"

    check_sources() >> run_models()


build_models()
