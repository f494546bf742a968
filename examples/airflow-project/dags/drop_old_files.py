"""Removes order files that were loaded more than 30 days ago."""

import time
from datetime import datetime

from airflow.sdk import dag, task

from shop.settings import ARCHIVE

KEEP_DAYS = 30


@dag(schedule="@weekly", start_date=datetime(2025, 1, 1), catchup=False, tags=["shop", "housekeeping"])
def drop_old_files():
    @task
    def drop() -> int:
        oldest = time.time() - KEEP_DAYS * 24 * 3600
        old = [path for path in ARCHIVE.glob("*.csv") if path.stat().st_mtime < oldest]
        for path in old:
            path.unlink()
        return len(old)

    drop()


drop_old_files()
