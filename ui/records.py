"""Tool results as CSV: a line for each instance type (or GPU), a column for each plain field."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TypeAlias

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
Record = dict[str, Json]
_SKIPPED = {"kind", "regions", "source", "good_for", "good_for_en", "caution", "caution_en", "urls"}


def render_csv(result: Record) -> str:
    """Return the records of a dumped tool result as CSV with a header line."""
    rows = [dict(flatten(record)) for record in instances(result)]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def instances(value: Json) -> Iterator[Record]:
    """Yield the instance profiles inside a result, in order; GPUs where it has no instances."""
    found = list(_of_kind(value, "instance"))
    yield from found or _of_kind(value, "gpu")


def _of_kind(value: Json, kind: str) -> Iterator[Record]:
    if isinstance(value, dict):
        if value.get("kind") == kind:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _of_kind(item, kind)


def flatten(record: Record, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Yield the plain fields of a record, nested ones as `gpu.memory_gb`, lists joined."""
    for key, value in record.items():
        name = f"{prefix}{key}"
        if key in _SKIPPED:
            continue
        if key == "quotes":
            yield from _price_fields(value)
        elif isinstance(value, dict):
            yield from flatten(value, f"{name}.")
        elif not isinstance(value, list):
            yield name, value
        elif not any(isinstance(item, dict | list) for item in value):
            yield name, " ".join(map(str, value))


def _price_fields(quotes: Json) -> Iterator[tuple[str, Json]]:
    for quote in quotes if isinstance(quotes, list) else ():
        if isinstance(quote, dict) and isinstance(purchase := quote["purchase"], dict):
            name = f"usd_per_hour.{quote['term']}.{quote['region']}"
            yield name, purchase.get("usd_per_hour", purchase.get("kind", ""))
