"""The warehouse, a SQLite file in this example."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

from shop.orders import Order

SCHEMA = """
create table if not exists raw_orders (
    order_id text primary key,
    customer text not null,
    day text not null,
    amount_cents integer not null
)
"""


def load(database: Path, orders: Iterable[Order]) -> int:
    """Adds orders and returns the number of written rows. Loading an order twice changes nothing."""
    database.parent.mkdir(parents=True, exist_ok=True)
    rows = [(o.order_id, o.customer, o.day.isoformat(), int(o.amount * 100)) for o in orders]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(SCHEMA)
        connection.executemany("insert or replace into raw_orders values (?, ?, ?, ?)", rows)
    return len(rows)


def revenue(database: Path, day: date) -> Decimal:
    """Returns the sales of a day."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(SCHEMA)
        (cents,) = connection.execute(
            "select coalesce(sum(amount_cents), 0) from raw_orders where day = ?", (day.isoformat(),)
        ).fetchone()
    return Decimal(cents) / 100
