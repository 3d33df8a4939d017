"""Words and figures of a chart, as its picture and its table show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Data = Mapping[str, Any]


def category(point: Data, language: str) -> str:
    """Return the category of a bar as people read it."""
    label = point.get("x_label")
    return said(label, language) if label else str(point["x"])


def said(text: Data, language: str) -> str:
    """Return a text in the language asked for."""
    return text["en"] if language == "en" else text["ja"]


def number(value: float | str) -> str:
    """Return a figure with four significant digits and separators: labels, not calculations."""
    if isinstance(value, str):
        return value
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: float, unit: str) -> str:
    """Return a figure with its unit; money to the cent."""
    if unit.startswith("USD") and abs(value) >= 1:
        return f"{value:,.2f} {unit}"
    return f"{number(value)} {unit}".strip()


def distinct(values: Iterable[str]) -> list[str]:
    """Return each value once, in order."""
    return list(dict.fromkeys(values))


def axis_title(chart: Data, language: str) -> str:
    """Return the title of the axis of values, with its unit."""
    title = said(chart["y_title"], language)
    unit = chart["unit"]
    return title if not unit or unit in title else f"{title} ({unit})"
