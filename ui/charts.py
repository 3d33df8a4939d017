"""Pictures of an answer: a chart's data -> a Vega-Lite chart, SVG, PNG, and the table behind it.

What enters is `Answer.charts`: plain dicts in the form of `tools.charts.Chart`. Bars lie on their
side, so that names such as `p4de.24xlarge` and Japanese labels stay readable on a phone; a rule (a
capacity, a budget) then stands upright. Altair and vl-convert come with the extras `web` and
`slack`; they are imported when a picture is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from ui.chart_marks import WIDTH, Theme, draw_bars, draw_rules, draw_scatter
from ui.chart_words import Data, amount, category, distinct, number, said

if TYPE_CHECKING:
    import altair as alt

FONTS = (
    "'Noto Sans JP','Noto Sans CJK JP','Hiragino Sans','Yu Gothic UI',Meiryo,"
    "'IPAexGothic','Segoe UI',sans-serif"
)
_BAR_STEP = 30
_GROUPED_STEP = 24
_SCATTER_HEIGHT = 280

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

    draw = draw_scatter if chart["kind"] == "scatter" else draw_bars
    picture: Any = alt.layer(*draw(chart, language, theme), *draw_rules(chart, language, theme))
    title = alt.TitleParams(
        said(chart["title"], language), subtitle=_source(chart, language), anchor="start"
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
    value = said(chart["y_title"], language)
    points: Sequence[Data] = chart["points"]
    if chart["kind"] == "scatter":
        rows = [
            [
                p["label"] or str(p["x"]),
                said(p["series"], language),
                number(p["x"]),
                amount(p["y"], chart["unit"]),
            ]
            for p in points
        ]
        return [[*heads, said(chart["x_title"], language), value], *rows]
    rows = [
        [
            category(p, language),
            said(p["series"], language),
            p["label"] if p.get("x_label") else amount(p["y"], chart["unit"]),
        ]
        for p in points
    ]
    rules = [
        [said(rule["label"], language), "—", amount(rule["y"], chart["unit"])]
        for rule in chart.get("rules", ())
    ]
    return [[*heads, value], *rows, *rules]


def chart_summary(chart: Data, language: str = "ja") -> str:
    """Return one sentence for those who do not see the picture."""
    shown = "series" if chart["kind"] == "bar" else "x"
    names = distinct(
        said(p["series"], language) if shown == "series" else str(p["label"] or p["x"])
        for p in chart["points"]
    )
    listed = ("、" if language != "en" else ", ").join(names[:6])
    return f"{said(chart['title'], language)}: {listed}"


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


def _height(chart: Data) -> int:
    if chart["kind"] == "scatter":
        return _SCATTER_HEIGHT
    points: Sequence[Data] = chart["points"]
    if chart["kind"] == "bar":
        grouped = len({str(p["x"]) for p in points}) < len(points)
        return len(points) * (_GROUPED_STEP if grouped else _BAR_STEP) + 12
    return len({str(p["x"]) for p in points}) * _BAR_STEP + 12


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
    return said(source, language) if source else ""
