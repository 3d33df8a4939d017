"""Pictures hold the figures of their data, speak both languages and follow the page's colours."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("altair", reason="the extras web and slack are not installed")

from ui.charts import DARK, chart_png, chart_svg, chart_table, render_chart

PNG = b"\x89PNG\r\n\x1a\n"


def text(ja: str, en: str) -> dict[str, str]:
    return {"ja": ja, "en": en}


def point(x: str | float, y: float, series: dict[str, str], label: str = "") -> dict[str, Any]:
    return {"x": x, "y": y, "series": series, "label": label, "x_label": None}


MEMORY: dict[str, Any] = {
    "kind": "stacked_bar",
    "id": "memory",
    "title": text("GPU あたりのメモリ", "Memory per GPU"),
    "x_title": text("", ""),
    "y_title": text("メモリ", "Memory"),
    "unit": "GiB",
    "points": [
        point("g5.xlarge", 4.25, text("パラメータ", "Parameters")),
        point("g5.xlarge", 7.5, text("活性化", "Activations")),
    ],
    "rules": [{"y": 22.0, "label": text("使える量", "usable")}],
    "source": None,
}
COST = MEMORY | {
    "kind": "bar",
    "unit": "USD",
    "points": [
        point("g5.xlarge", 1065.07, text("オンデマンド", "On-demand")),
        point("g5.xlarge", 0.4125, text("スポット", "Spot")),
    ],
    "rules": [],
}
SPEED = MEMORY | {
    "kind": "scatter",
    "unit": "tokens/s",
    "points": [point(1.459, 2200.0, text("A10G", "A10G"), "g5.xlarge")],
    "rules": [],
}


@pytest.mark.parametrize("chart", [MEMORY, COST, SPEED], ids=["memory", "cost", "speed"])
def test_every_kind_becomes_svg_and_png(chart: dict[str, Any]) -> None:
    svg = chart_svg(chart)
    assert svg.startswith("<svg ") and 'role="img"' in svg
    assert chart_png(chart, "en", DARK).startswith(PNG)


def test_the_svg_takes_its_colours_from_the_page() -> None:
    svg = chart_svg(MEMORY)
    assert "var(--ask-text)" in svg and "var(--ask-alarm)" in svg
    assert "#01020" not in svg


def test_labels_are_in_the_language_asked_for() -> None:
    assert "活性化" in chart_svg(MEMORY, "ja") and "使える量 22 GiB" in chart_svg(MEMORY, "ja")
    english = chart_svg(MEMORY, "en")
    assert "Activations" in english and "活性化" not in english


def test_a_stack_shows_its_sum() -> None:
    assert "11.75 GiB" in chart_svg(MEMORY)


def test_bars_of_one_category_are_named_by_what_tells_them_apart() -> None:
    spec = str(render_chart(COST).to_dict())
    assert "'name': 'オンデマンド'" in spec and "'name': 'スポット'" in spec


def test_the_table_repeats_every_figure_and_rule() -> None:
    assert chart_table(MEMORY) == [
        ["名前", "区分", "メモリ"],
        ["g5.xlarge", "パラメータ", "4.25 GiB"],
        ["g5.xlarge", "活性化", "7.5 GiB"],
        ["使える量", "—", "22 GiB"],
    ]
    assert chart_table(SPEED)[1] == ["g5.xlarge", "A10G", "1.46", "2,200 tokens/s"]


def test_money_keeps_its_cents_and_small_rates_their_digits() -> None:
    assert [row[2] for row in chart_table(COST)[1:]] == ["1,065.07 USD", "0.4125 USD"]


def test_labels_cannot_break_out_of_the_picture() -> None:
    evil = COST | {"title": text("<script>alert(1)</script>", "")}
    assert "<script>" not in chart_svg(evil)
