"""Pictures on the page: SVG in the page's colours, and behind each the table of its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ui.charts import chart_svg, chart_table
from ui.web.html import esc, render_table
from ui.web.texts import Texts


def figures(charts: Sequence[dict[str, Any]], language: str, say: Texts) -> str:
    """Return charts with their tables."""
    if not charts:
        return ""
    several = " several" if len(charts) > 1 else ""
    drawn = "".join(_figure(chart, language, say) for chart in charts)
    return f'<div class="figures{several}">{drawn}</div>'


def _figure(chart: dict[str, Any], language: str, say: Texts) -> str:
    title = chart["title"]["en" if language == "en" else "ja"]
    table = render_table(chart_table(chart, language), title)
    return (
        f'<figure class="chart" data-chart="{esc(chart["id"])}">'
        f'<div class="picture" tabindex="0" role="group" aria-label="{esc(title)}">'
        f"{chart_svg(chart, language)}</div>"
        f"<details><summary>{esc(say('chart_table'))}</summary>{table}</details></figure>"
    )
