"""Paths of the shop's files and of its warehouse."""

import os
from pathlib import Path

from airflow.sdk import Asset

INBOX = Path(os.environ.get("SHOP_INBOX", "/tmp/shop/inbox"))
ARCHIVE = Path(os.environ.get("SHOP_ARCHIVE", "/tmp/shop/archive"))
WAREHOUSE = Path(os.environ.get("SHOP_WAREHOUSE", "/tmp/shop/warehouse.db"))
DBT_PROJECT = Path(os.environ.get("AIRFLOW_HOME", "/usr/local/airflow")) / "dbt" / "shop"

RAW_ORDERS = Asset("shop://warehouse/raw_orders")
MODELS = Asset("shop://warehouse/models")
