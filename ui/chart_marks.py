"""The marks of a picture: bars on their side, stacks, dots, and the rules across them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ui.chart_words import Data, amount, axis_title, category, distinct, said
from ui.width import text_width

if TYPE_CHECKING:
    import altair as alt

WIDTH = 520
"""Pixels of the drawing area; front ends scale the picture to their width."""
_LEGEND_COLUMNS = 3
_SERIES = (
    "#2f6fb3",
    "#d98324",
    "#3c8d7d",
    "#b3446c",
    "#7a6bb8",
    "#8c8c3a",
    "#5aa2d4",
    "#c46b4e",
    "#6f8f5a",
    "#9a7b9f",
    "#4f5d75",
    "#b9a44c",
)
"""Told apart by lightness as well as by hue, and clear of both a white and a dark page."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of everything but the marks."""

    text: str
    faint: str
    grid: str
    alarm: str
    page: str


def draw_bars(chart: Data, language: str, theme: Theme) -> list[Any]:
    """Return the layers of bars, or of stacks with their sums."""
    import altair as alt

    stacked = chart["kind"] == "stacked_bar"
    names, rows = _bar_rows(chart, language)
    categories = distinct(row["name"] for row in rows)
    y = alt.Y(
        "name:N",
        sort=categories,
        title=None,
        axis=alt.Axis(labelLimit=220, ticks=False, domain=False, labelPadding=8),
        scale=alt.Scale(paddingInner=0.28, paddingOuter=0.2),
    )
    x = alt.X(
        "value:Q",
        title=axis_title(chart, language),
        stack="zero" if stacked else None,
        axis=alt.Axis(tickCount=6),
        scale=alt.Scale(domainMin=0, nice=True),
    )
    encoded: dict[str, Any] = {
        "y": y,
        "x": x,
        "color": _colour(names),
        "tooltip": [alt.Tooltip(f"{field}:N") for field in ("name", "series", "shown")],
    }
    if stacked:
        encoded["order"] = alt.Order("order:Q")
    elif len(rows) > len(categories):
        encoded["yOffset"] = alt.YOffset("series:N", sort=names)
    base = alt.Chart(alt.Data(values=rows))
    bars = base.mark_bar(cornerRadiusEnd=0 if stacked else 2).encode(**encoded)
    labels = _totals(chart, rows, y, theme) if stacked else _values(base, encoded, theme)
    return [bars, labels]


def _bar_rows(chart: Data, language: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the series, and a row a bar; bars of one category are named by their series."""
    points: Sequence[Data] = chart["points"]
    alone = chart["kind"] == "bar" and len({str(p["x"]) for p in points}) == 1 < len(points)
    names = [said(chart["y_title"], language)] if alone else _series_of(chart, language)
    rows: list[dict[str, Any]] = []
    for p in points:
        series = said(p["series"], language)
        rows.append(
            {
                "name": series if alone else category(p, language),
                "value": p["y"],
                "series": names[0] if alone else series,
                "order": 0 if alone else names.index(series),
                "shown": p["label"] if p.get("x_label") else amount(p["y"], chart["unit"]),
            }
        )
    return names, rows


def _series_of(chart: Data, language: str) -> list[str]:
    return distinct(said(p["series"], language) for p in chart["points"])


def _values(base: alt.Chart, encoded: dict[str, Any], theme: Theme) -> alt.Chart:
    """Return the figure at the end of every bar."""
    place = {key: value for key, value in encoded.items() if key in ("x", "y", "yOffset")}
    return base.mark_text(align="left", dx=5, fontSize=12, color=theme.text).encode(
        **place, text="shown:N"
    )


def _totals(chart: Data, rows: list[dict[str, Any]], y: Any, theme: Theme) -> alt.Chart:
    """Return the sum of every stack at the right edge, clear of capacities and budgets."""
    import altair as alt

    sums: dict[str, float] = {}
    for row in rows:
        sums[row["name"]] = sums.get(row["name"], 0) + row["value"]
    values = [
        {"name": name, "sum": total, "shown": amount(total, chart["unit"])}
        for name, total in sums.items()
    ]
    return (
        alt.Chart(alt.Data(values=values))
        .mark_text(align="left", dx=5, fontSize=12, fontWeight="bold", color=theme.text)
        .encode(y=y, x=alt.value(WIDTH), text="shown:N")
    )


def draw_scatter(chart: Data, language: str, theme: Theme) -> list[Any]:
    """Return the layers of dots and their names."""
    import altair as alt

    rows = [
        {
            "x": p["x"],
            "y": p["y"],
            "series": said(p["series"], language),
            "label": p["label"],
            "shown": amount(p["y"], chart["unit"]),
        }
        for p in chart["points"]
    ]
    names = distinct(row["series"] for row in rows)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(
            "x:Q",
            title=said(chart["x_title"], language),
            scale=alt.Scale(nice=True, zero=True),
            axis=alt.Axis(tickCount=6),
        ),
        y=alt.Y("y:Q", title=axis_title(chart, language), scale=alt.Scale(nice=True, zero=True)),
    )
    dots = base.mark_circle(size=90, opacity=0.95).encode(
        color=_colour(names), tooltip=["label:N", "series:N", "x:Q", "shown:N"]
    )
    labels = base.mark_text(align="left", dx=8, fontSize=11, color=theme.text).encode(
        text="label:N"
    )
    return [dots, labels]


def draw_rules(chart: Data, language: str, theme: Theme) -> list[Any]:
    """Return the layers of the lines across the picture."""
    import altair as alt

    if not chart.get("rules"):
        return []
    across = "y" if chart["kind"] == "scatter" else "x"
    values = [
        {
            "at": rule["y"],
            "shown": f"{said(rule['label'], language)} {amount(rule['y'], chart['unit'])}",
        }
        for rule in chart["rules"]
    ]
    base = alt.Chart(alt.Data(values=values))
    place: Any = alt.Y("at:Q") if across == "y" else alt.X("at:Q")
    line = base.mark_rule(strokeDash=[5, 3], strokeWidth=1.5, color=theme.alarm)
    style: dict[str, Any] = {"fontSize": 11, "color": theme.alarm, "baseline": "bottom"}
    if across == "y":
        name = base.mark_text(align="left", dx=4, dy=-3, **style).encode(
            y=place, x=alt.value(0), text="shown:N"
        )
        return [line.encode(y=place), name]
    names = [
        alt.Chart(alt.Data(values=[row]))
        .mark_text(align="right", dx=-3, dy=-4 - 14 * index, **style)
        .encode(x=place, y=alt.value(0), text="shown:N")
        for index, row in enumerate(values)
    ]
    return [line.encode(x=place), *names]


def _colour(names: Sequence[str]) -> Any:
    import altair as alt

    shades = [_SERIES[index % len(_SERIES)] for index in range(len(names))]
    legend = alt.Legend(
        title=None, orient="bottom", columns=_legend_columns(names), symbolType="square"
    )
    return alt.Color(
        "series:N",
        sort=list(names),
        scale=alt.Scale(domain=list(names), range=shades),
        legend=legend if len(names) > 1 else None,
    )


def _legend_columns(names: Sequence[str]) -> int:
    """Return how many entries stand in a row without leaving the picture."""
    widest = max(map(text_width, names)) * 7 + 40
    return max(1, min(len(names), _LEGEND_COLUMNS + 1, WIDTH // widest))
