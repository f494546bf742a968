"""Reads new order files into the warehouse, one mapped task per file."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import dag, task

from shop.orders import read_orders
from shop.settings import ARCHIVE, INBOX, RAW_ORDERS, WAREHOUSE
from shop.warehouse import load


@dag(
    schedule="@hourly",
    start_date=datetime(2025, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["shop", "ingest"],
)
def ingest_orders():
    @task
    def list_files() -> list[str]:
        return sorted(str(path) for path in INBOX.glob("*.csv"))

    @task
    def load_file(path: str) -> int:
        rows = load(WAREHOUSE, read_orders(Path(path)))
        ARCHIVE.mkdir(parents=True, exist_ok=True)
        shutil.move(path, ARCHIVE / Path(path).name)
        return rows

    @task(outlets=[RAW_ORDERS])
    def count(rows: list[int]) -> int:
        total = sum(rows)
        print(f"{total} orders loaded")
        return total

    count(load_file.expand(path=list_files()))


ingest_orders()
