"""Tool results as CSV: a line for each instance type (or GPU), a column for each plain field."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

_SKIPPED = {"kind", "source", "good_for", "good_for_en", "caution", "caution_en", "urls"}


def render_csv(result: Mapping[str, Any]) -> str:
    """Return the records of a dumped tool result as CSV with a header line."""
    rows = [dict(flatten(record)) for record in instances(result)]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def instances(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the instance profiles inside a result, in order; GPUs where it has no instances."""
    found = list(_of_kind(value, "instance"))
    yield from found or _of_kind(value, "gpu")


def _of_kind(value: Any, kind: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("kind") == kind:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _of_kind(item, kind)


def flatten(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the plain fields of a record, nested ones as `gpu.memory_gb`, lists joined."""
    for key, value in record.items():
        name = f"{prefix}{key}"
        if key in _SKIPPED:
            continue
        if key == "quotes":
            yield from _price_fields(value)
        elif isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        elif isinstance(value, list | tuple):
            if all(isinstance(item, str | int | float) for item in value):
                yield name, " ".join(map(str, value))
        else:
            yield name, value


def _price_fields(quotes: Any) -> Iterator[tuple[str, Any]]:
    for quote in quotes:
        name = f"usd_per_hour.{quote['term']}.{quote['region']}"
        purchase = quote["purchase"]
        yield name, purchase.get("usd_per_hour", purchase.get("kind", ""))
