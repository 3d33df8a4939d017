"""Charts: the data of a picture, drawn by the front ends (ui/charts.py).

A tool fills a `Chart` from figures of its own result, so a picture never shows a number that the
result does not hold. Texts are in both languages; units stand in the field names or in `unit`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tools.profiles import Model

ChartKind = Literal["stacked_bar", "bar", "scatter"]


class Text(Model):
    """A label in both languages."""

    ja: str
    en: str


class Point(Model):
    """One mark: a bar's part, a bar or a dot."""

    x: str | float
    """Category (bars) or measured value (scatter)."""
    y: float
    series: Text
    """Which part of the stack, which bar colour or which group of dots."""
    label: str = ""
    """What the mark is called in tooltips and in the table (an instance type, say)."""
    x_label: Text | None = None
    """The category as people read it, where `x` is not a name in itself."""


class Rule(Model):
    """A horizontal line across the chart: a capacity, a budget, a deadline."""

    y: float
    label: Text


class Chart(Model):
    """One picture and the table behind it."""

    kind: ChartKind
    id: str
    """What it shows, for links and file names: `training-memory`."""
    title: Text
    x_title: Text
    y_title: Text
    unit: str
    """Unit of `y`: `GiB`, `USD`, `tokens/s`."""
    points: tuple[Point, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    source: Text | None = None
    """Where the figures come from, with the date."""
