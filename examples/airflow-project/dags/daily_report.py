"""Reports the sales of the previous day every morning."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

from shop.settings import WAREHOUSE
from shop.warehouse import revenue


@dag(schedule="0 6 * * *", start_date=datetime(2025, 1, 1), catchup=False, tags=["shop", "report"])
def daily_report():
    @task
    def sum_up(logical_date=None) -> str:
        day = (logical_date or datetime.now()).date() - timedelta(days=1)
        return f"{day}: {revenue(WAREHOUSE, day):.2f}"

    @task
    def publish(line: str) -> None:
        print(line)

    publish(sum_up())


daily_report()
