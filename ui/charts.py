"""Pictures of an answer: a chart's data -> a Vega-Lite chart, SVG, PNG, and the table behind it.

What enters is `Answer.charts`: plain dicts in the form of `tools.charts.Chart`. Bars lie on their
side, so that names such as `p4de.24xlarge` and Japanese labels stay readable on a phone; a rule (a
capacity, a budget) then stands upright. Altair and vl-convert come with the extras `web` and
`slack`; they are imported when a picture is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from ui.width import text_width

if TYPE_CHECKING:
    import altair as alt

Data = Mapping[str, Any]

FONTS = (
    "'Noto Sans JP','Noto Sans CJK JP','Hiragino Sans','Yu Gothic UI',Meiryo,"
    "'IPAexGothic','Segoe UI',sans-serif"
)
WIDTH = 520
"""Pixels of the drawing area; front ends scale the picture to their width."""
_BAR_STEP = 30
_GROUPED_STEP = 24
_SCATTER_HEIGHT = 280
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


LIGHT = Theme(text="#1f2933", faint="#52606d", grid="#e4e7eb", alarm="#b42318", page="#ffffff")
DARK = Theme(text="#e6e9ee", faint="#a3adba", grid="#333b47", alarm="#ff8a7a", page="#14181f")
# Colours that occur nowhere else, replaced in the SVG by the variables of the page's style sheet.
_MARKED = Theme(
    text="#010203", faint="#010204", grid="#010205", alarm="#010206", page="transparent"
)
_VARIABLES = {
    _MARKED.text: "var(--ask-text)",
    _MARKED.faint: "var(--ask-faint)",
    _MARKED.grid: "var(--ask-line)",
    _MARKED.alarm: "var(--ask-alarm)",
}


def render_chart(chart: Data, language: str = "ja", theme: Theme = LIGHT) -> alt.LayerChart:
    """Return the Vega-Lite chart of a chart's data."""
    import altair as alt

    draw = _scatter if chart["kind"] == "scatter" else _bars
    picture: Any = alt.layer(*draw(chart, language, theme), *_rules(chart, language, theme))
    title = alt.TitleParams(
        _said(chart["title"], language), subtitle=_source(chart, language), anchor="start"
    )
    sized = picture.properties(title=title, width=WIDTH, height=_height(chart))
    return sized.configure(**_config(theme))


def chart_svg(chart: Data, language: str = "ja") -> str:
    """Return the chart as SVG that follows the colours of the page it stands in."""
    return _svg(json.dumps(dict(chart), sort_keys=True, default=str), language)


def chart_png(chart: Data, language: str = "ja", theme: Theme = LIGHT) -> bytes:
    """Return the chart as a PNG of twice its size, for screens of any density."""
    import vl_convert

    spec = render_chart(chart, language, theme).to_json()
    return vl_convert.vegalite_to_png(spec, scale=2)


def chart_table(chart: Data, language: str = "ja") -> list[list[str]]:
    """Return the figures as rows, the first one naming the columns."""
    heads = {
        "ja": ("名前", "区分"),
        "en": ("Name", "Part"),
    }["en" if language == "en" else "ja"]
    value = _said(chart["y_title"], language)
    points: Sequence[Data] = chart["points"]
    if chart["kind"] == "scatter":
        rows = [
            [
                p["label"] or str(p["x"]),
                _said(p["series"], language),
                _number(p["x"]),
                _amount(p["y"], chart["unit"]),
            ]
            for p in points
        ]
        return [[*heads, _said(chart["x_title"], language), value], *rows]
    rows = [
        [
            _category(p, language),
            _said(p["series"], language),
            p["label"] if p.get("x_label") else _amount(p["y"], chart["unit"]),
        ]
        for p in points
    ]
    rules = [
        [_said(rule["label"], language), "—", _amount(rule["y"], chart["unit"])]
        for rule in chart.get("rules", ())
    ]
    return [[*heads, value], *rows, *rules]


def chart_summary(chart: Data, language: str = "ja") -> str:
    """Return one sentence for those who do not see the picture."""
    shown = "series" if chart["kind"] == "bar" else "x"
    names = _distinct(
        _said(p["series"], language) if shown == "series" else str(p["label"] or p["x"])
        for p in chart["points"]
    )
    listed = ("、" if language != "en" else ", ").join(names[:6])
    return f"{_said(chart['title'], language)}: {listed}"


@lru_cache(maxsize=256)
def _svg(text: str, language: str) -> str:
    """Draw once per chart: the same question is asked by many, and drawing takes 20 ms."""
    import vl_convert

    chart = json.loads(text)
    svg: str = vl_convert.vegalite_to_svg(render_chart(chart, language, _MARKED).to_json())
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    label = escape(chart_summary(chart, language), quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _bars(chart: Data, language: str, theme: Theme) -> list[Any]:
    import altair as alt

    stacked = chart["kind"] == "stacked_bar"
    names, rows = _bar_rows(chart, language)
    categories = _distinct(row["name"] for row in rows)
    y = alt.Y(
        "name:N",
        sort=categories,
        title=None,
        axis=alt.Axis(labelLimit=220, ticks=False, domain=False, labelPadding=8),
        scale=alt.Scale(paddingInner=0.28, paddingOuter=0.2),
    )
    x = alt.X(
        "value:Q",
        title=_axis_title(chart, language),
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
    names = [_said(chart["y_title"], language)] if alone else _series_of(chart, language)
    rows: list[dict[str, Any]] = []
    for p in points:
        series = _said(p["series"], language)
        rows.append(
            {
                "name": series if alone else _category(p, language),
                "value": p["y"],
                "series": names[0] if alone else series,
                "order": 0 if alone else names.index(series),
                "shown": p["label"] if p.get("x_label") else _amount(p["y"], chart["unit"]),
            }
        )
    return names, rows


def _series_of(chart: Data, language: str) -> list[str]:
    return _distinct(_said(p["series"], language) for p in chart["points"])


def _category(point: Data, language: str) -> str:
    label = point.get("x_label")
    return _said(label, language) if label else str(point["x"])


def _values(base: alt.Chart, encoded: dict[str, Any], theme: Theme) -> alt.Chart:
    """Return the figure at the end of every bar."""
    place = {key: value for key, value in encoded.items() if key in ("x", "y", "yOffset")}
    return base.mark_text(align="left", dx=5, fontSize=12, color=theme.text).encode(
        **place, text="shown:N"
    )


def _totals(chart: Data, rows: list[dict[str, Any]], y: Any, theme: Theme) -> alt.Chart:
    """Return the sum at the end of every stack."""
    import altair as alt

    sums: dict[str, float] = {}
    for row in rows:
        sums[row["name"]] = sums.get(row["name"], 0) + row["value"]
    values = [
        {"name": name, "sum": total, "shown": _amount(total, chart["unit"])}
        for name, total in sums.items()
    ]
    return (
        alt.Chart(alt.Data(values=values))
        .mark_text(align="left", dx=5, fontSize=12, fontWeight="bold", color=theme.text)
        .encode(y=y, x=alt.X("sum:Q"), text="shown:N")
    )


def _scatter(chart: Data, language: str, theme: Theme) -> list[Any]:
    import altair as alt

    rows = [
        {
            "x": p["x"],
            "y": p["y"],
            "series": _said(p["series"], language),
            "label": p["label"],
            "shown": _amount(p["y"], chart["unit"]),
        }
        for p in chart["points"]
    ]
    names = _distinct(row["series"] for row in rows)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(
            "x:Q", title=_said(chart["x_title"], language), scale=alt.Scale(nice=True, zero=True)
        ),
        y=alt.Y("y:Q", title=_axis_title(chart, language), scale=alt.Scale(nice=True, zero=True)),
    )
    dots = base.mark_circle(size=90, opacity=0.95).encode(
        color=_colour(names), tooltip=["label:N", "series:N", "x:Q", "shown:N"]
    )
    labels = base.mark_text(align="left", dx=8, fontSize=11, color=theme.text).encode(
        text="label:N"
    )
    return [dots, labels]


def _rules(chart: Data, language: str, theme: Theme) -> list[Any]:
    import altair as alt

    if not chart.get("rules"):
        return []
    across = "y" if chart["kind"] == "scatter" else "x"
    values = [
        {
            "at": rule["y"],
            "shown": f"{_said(rule['label'], language)} {_amount(rule['y'], chart['unit'])}",
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


def _height(chart: Data) -> int:
    if chart["kind"] == "scatter":
        return _SCATTER_HEIGHT
    points: Sequence[Data] = chart["points"]
    if chart["kind"] == "bar":
        grouped = len({str(p["x"]) for p in points}) < len(points)
        return len(points) * (_GROUPED_STEP if grouped else _BAR_STEP) + 12
    return len({str(p["x"]) for p in points}) * _BAR_STEP + 12


def _axis_title(chart: Data, language: str) -> str:
    title = _said(chart["y_title"], language)
    unit = chart["unit"]
    return title if not unit or unit in title else f"{title} ({unit})"


def _config(theme: Theme) -> dict[str, Any]:
    words = {"font": FONTS}
    return {
        "background": theme.page,
        "font": FONTS,
        "padding": {"left": 4, "right": 72, "top": 4, "bottom": 4},
        "view": {"stroke": None},
        "title": {
            **words,
            "color": theme.text,
            "subtitleColor": theme.faint,
            "subtitleFont": FONTS,
            "fontSize": 14,
            "subtitleFontSize": 11,
            "fontWeight": 600,
            "offset": 18,
        },
        "axis": {
            "labelFont": FONTS,
            "titleFont": FONTS,
            "labelColor": theme.text,
            "titleColor": theme.faint,
            "gridColor": theme.grid,
            "domainColor": theme.grid,
            "tickColor": theme.grid,
            "labelFontSize": 12,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "titlePadding": 8,
        },
        "legend": {
            "labelFont": FONTS,
            "labelColor": theme.text,
            "labelFontSize": 12,
            "labelLimit": 300,
        },
        "text": {"font": FONTS},
    }


def _source(chart: Data, language: str) -> str:
    source = chart.get("source")
    return _said(source, language) if source else ""


def _said(text: Data, language: str) -> str:
    return text["en"] if language == "en" else text["ja"]


def _number(value: float | str) -> str:
    """Return a figure with four significant digits and separators: labels, not calculations."""
    if isinstance(value, str):
        return value
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _amount(value: float, unit: str) -> str:
    """Return a figure with its unit; money to the cent."""
    if unit.startswith("USD") and abs(value) >= 1:
        return f"{value:,.2f} {unit}"
    return f"{_number(value)} {unit}".strip()


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
