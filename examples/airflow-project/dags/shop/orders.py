"""Functions that read order files. Tests can call them without Airflow."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Order:
    order_id: str
    customer: str
    day: date
    amount: Decimal


def read_orders(path: Path) -> Iterator[Order]:
    """Yields the orders of one CSV file with the columns order_id, customer, day, amount."""
    with path.open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                yield Order(
                    order_id=row["order_id"].strip(),
                    customer=row["customer"].strip(),
                    day=date.fromisoformat(row["day"]),
                    amount=Decimal(row["amount"]),
                )
            except (KeyError, ArithmeticError, ValueError) as problem:
                raise ValueError(f"{path.name}, line {line}: {problem}") from problem
