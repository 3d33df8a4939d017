"""比較: two to six instance types, families or GPUs side by side, differences marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from ui.web.html import esc, scroller
from ui.web.tabs.bench import PRIVATE, Bench

if TYPE_CHECKING:
    from assistant.results import Comparison

MOST = 6
_TABLE = re.compile(r"^\|.*\n?", re.MULTILINE)
"""Of the answer in words: the tab has a table of all attributes."""


def build(bench: Bench) -> None:
    """Add the tab."""
    say = bench.say
    with gr.Column(elem_classes="bench"):
        with gr.Row(equal_height=False):
            names = gr.Dropdown(
                bench.instance_names(),
                value=["g5.xlarge", "g6.xlarge"],
                multiselect=True,
                max_choices=MOST,
                allow_custom_value=True,
                label=say("instances"),
                info=say("compare_hint"),
                scale=3,
            )
            region = bench.regions(scale=1)
        with gr.Row(elem_classes="acts"):
            run = gr.Button(say("run_compare"), variant="primary", scale=0, min_width=140)
            ask = gr.Button(say("ask_in_chat"), scale=0, min_width=160)
            only = gr.Checkbox(False, label=say("compare_only"), container=False, scale=0)
        result = bench.result("compare_empty")

    def compare(chosen: list[str] | None, where: str, differing: bool) -> str:
        return bench.guard(lambda: show(bench, chosen or [], where, only=differing))

    event = run.click(compare, [names, region, only], result, **PRIVATE)
    only.change(compare, [names, region, only], result, show_progress="hidden", **PRIVATE)
    bench.address(event, "compare", {"names": names, "region": region})

    def question(chosen: list[str] | None) -> str:
        return _question(bench, chosen or [])

    bench.hand_over(ask, question, [names])

    def prefill(query: Mapping[str, str]) -> list[Any]:
        chosen = [name for name in query.get("names", "").split(",") if name][:MOST]
        where = query.get("region") or bench.assistant.settings.region
        return [chosen, where, compare(chosen, where, differing=False)]

    bench.from_address("compare", [names, region, result], prefill)


def show(bench: Bench, names: list[str], region: str, *, only: bool) -> str:
    """Return the table, the picture and the conclusions of a comparison."""
    from assistant.comparison_table import comparison_table

    request = {"names": names[:MOST], "region": region}
    result = cast("Comparison", bench.assistant.run_tool("compare_instances", request))
    table = comparison_table(result, bench.say.language)
    head = "".join(f'<th scope="col">{esc(name)}</th>' for name in table.columns)
    rows = ""
    for row in table.rows:
        if only and not row.differs:
            continue
        cells = "".join(
            f"<td{' class=best' if best else ''}>{esc(cell)}</td>"
            for cell, best in zip(row.cells, row.best, strict=True)
        )
        mark = ' class="differs"' if row.differs else ""
        rows += f'<tr{mark}><th scope="row">{esc(row.label)}</th>{cells}</tr>'
    say = bench.say
    label = _question(bench, list(table.columns))
    drawn = scroller(
        f'<table><thead><tr><th scope="col">{esc(say("attribute"))}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>",
        label,
    )
    note = f'<p class="stamp">{esc(say("compare_note"))}</p>'
    return f"{bench.described(result, without=_TABLE)}{note}{drawn}"


def _question(bench: Bench, names: list[str]) -> str:
    joined = " と ".join(names) if bench.say.language == "ja" else " and ".join(names)
    return bench.say("question_compare", names=joined)
