"""料金: up to six lines of usage, added up or set side by side, in USD and JPY, with exports."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from ui.web.chat import session_of
from ui.web.tabs.bench import PRIVATE, SKIP, Bench
from ui.web.tabs.usage_lines import LINES, USUAL, Entry, parse_lines, question_of, read_lines

if TYPE_CHECKING:
    from assistant.results import CostEstimate

SHOWN = 2
VALID_DAYS = 30
_FIRST = ("g5.xlarge", "g6.xlarge")


def build(bench: Bench) -> None:
    """Add the tab."""
    CostTab(bench)


class CostTab:
    """The form, its buttons and its result."""

    def __init__(self, bench: Bench) -> None:
        """Add everything to the page that is being built."""
        self.bench, self.say = bench, bench.say
        self.cells: list[Any] = []
        self.rows: list[gr.Row] = []
        with gr.Column(elem_classes="bench"):
            self._lines()
            self._conditions()
            self._buttons()
            self.result = bench.result("cost_empty")
            self.address = gr.Textbox(visible=False)
        self._connect()

    def _lines(self) -> None:
        for number in range(LINES):
            with gr.Row(visible=number < SHOWN, elem_classes="usage") as row:
                self.cells += self._line(number)
            self.rows.append(row)
        self.shown = gr.State(SHOWN)
        with gr.Row(elem_classes="acts"):
            self.more = gr.Button(self.say("add_line"), scale=0, min_width=130, size="sm")

    def _line(self, number: int) -> list[Any]:
        name = gr.Dropdown(
            self.bench.instance_names(),
            value=_FIRST[number] if number < len(_FIRST) else None,
            allow_custom_value=True,
            label=f"{self.say('col_name')} {number + 1}",
            scale=3,
            min_width=150,
            interactive=True,
        )
        term = {
            "choices": self.say.choices("terms"),
            "value": USUAL[4],
            "label": self.say("col_term"),
        }
        return [
            name,
            self._number("col_count", USUAL[0], minimum=1, precision=0),
            self._number("col_hours", USUAL[1], minimum=0, maximum=24),
            self._number("col_days", USUAL[2], minimum=0, maximum=31),
            self._number("col_months", USUAL[3], minimum=0.1),
            gr.Dropdown(**term, scale=2, min_width=170, interactive=True),  # type: ignore[arg-type]
        ]

    def _number(self, label: str, value: int, **more: Any) -> gr.Number:
        return gr.Number(value, label=self.say(label), min_width=84, interactive=True, **more)

    def _conditions(self) -> None:
        rate = self.bench.assistant.settings.jpy_per_usd
        with gr.Row(equal_height=False):
            self.region = self.bench.regions()
            self.jpy = gr.Textbox(
                f"{rate.jpy_per_usd}@{rate.as_of}" if rate and rate.as_of else "",
                label=self.say("jpy"),
                placeholder="150@2026-11-20",
            )
            self.budget = gr.Textbox("", label=self.say("budget"))
            self.apart = gr.Checkbox(True, label=self.say("compare_lines"))

    def _buttons(self) -> None:
        say, hidden = self.say, {"scale": 0, "min_width": 150, "visible": False}
        with gr.Row(elem_classes="acts"):
            self.run = gr.Button(say("run_cost"), variant="primary", scale=0, min_width=140)
            self.ask = gr.Button(say("ask_in_chat"), scale=0, min_width=160)
            self.report = gr.DownloadButton(say("report"), elem_id="cost-report", **hidden)  # type: ignore[arg-type]
            self.table = gr.DownloadButton(say("csv"), elem_id="cost-csv", **hidden)  # type: ignore[arg-type]

    def _connect(self) -> None:
        form = [self.region, self.jpy, self.budget, self.apart, *self.cells]
        outputs = [self.result, self.report, self.table, self.address]
        event = self.run.click(self.compute, form, outputs, **PRIVATE)
        kept = {"lines": self.address, "region": self.region, "jpy": self.jpy}
        self.bench.address(event, "cost", kept)
        self.more.click(
            self.add, self.shown, [self.shown, *self.rows], show_progress="hidden", **PRIVATE
        )
        self.bench.hand_over(self.ask, self.question, self.cells)
        filled = [self.region, self.jpy, *self.cells, self.shown, *self.rows, self.result]
        self.bench.from_address("cost", filled, self.prefill)

    def compute(
        self, request: gr.Request, region: str, jpy: str, budget: str, apart: bool, *values: Any
    ) -> list[Any]:
        """Return the estimate, its files, and the lines for the address."""
        entries = read_lines(values)
        made: list[CostEstimate] = []

        def work() -> str:
            made.append(self.estimate(entries, region, jpy, budget, apart=apart))
            return self.bench.described(made[0])

        html = self.bench.guard(work)
        files = self._files(made[0], session_of(request)) if made else (None, None)
        buttons = [gr.DownloadButton(value=f, visible=f is not None) for f in files]
        return [html, *buttons, ";".join(entry.as_text() for entry in entries)]

    def add(self, count: int) -> list[Any]:
        """Show one line more."""
        count = min(count + 1, LINES)
        return [count, *(gr.Row(visible=number < count) for number in range(LINES))]

    def question(self, *values: Any) -> str:
        """Return the question that the form stands for."""
        return question_of(read_lines(values), self.say)

    def prefill(self, query: Mapping[str, str]) -> list[Any]:
        """Return the form as the address says."""
        entries = parse_lines(query.get("lines", ""))
        region = query.get("region") or self.bench.assistant.settings.region
        jpy = query.get("jpy", "")
        values: list[Any] = []
        for number in range(LINES):
            known = number < len(entries)
            values += entries[number].as_values() if known else [None, *USUAL]
        if not entries:
            values = [SKIP] * len(values)
        count = max(len(entries), SHOWN)
        rows = [gr.Row(visible=number < count) for number in range(LINES)]
        shown: Any = SKIP
        if entries:
            shown = self.bench.guard(
                lambda: self.bench.described(self.estimate(entries, region, jpy, "", apart=True))
            )
        return [region, jpy, *values, count, *rows, shown]

    def estimate(
        self, entries: list[Entry], region: str, jpy: str, budget: str, *, apart: bool
    ) -> CostEstimate:
        """Return the estimate of the form."""
        from assistant.errors import UsageError
        from assistant.settings import parse_jpy_rate

        if not entries:
            raise UsageError("インスタンスを 1 つ以上選んでください。", "Choose an instance first.")
        request: dict[str, Any] = {
            "lines": [entry.as_line() for entry in entries],
            "region": region,
            "alternatives": apart and len(entries) > 1,
        }
        if jpy.strip():
            rate = parse_jpy_rate(jpy.strip())
            request["jpy"] = {"jpy_per_usd": rate.jpy_per_usd, "as_of": rate.as_of}
        if budget.strip():
            request["budget_usd"] = budget.strip().replace(",", "")
        return cast("CostEstimate", self.bench.assistant.run_tool("estimate_cost", request))

    def _files(self, result: CostEstimate, session: str) -> tuple[str, str]:
        """Return the approval sheet and the CSV, written where only this tab's files are."""
        from ui.cost_report import Frame, render_cost_csv, render_report

        folder = self.bench.site.sessions.directory(session)
        today = datetime.now().astimezone().date()
        until = today + timedelta(days=VALID_DAYS)
        frame = Frame("GPU インスタンス利用料の見積もり", today, until, uuid.uuid4().hex[:12])
        regions = self.bench.assistant.catalogue.regions
        page, table = folder / f"ringi-{today:%Y%m%d}.md", folder / f"cost-{today:%Y%m%d}.csv"
        page.write_text(render_report(result, frame, regions=regions), "utf-8")
        table.write_text(render_cost_csv(result), "utf-8-sig")  # the mark is for spreadsheets
        return str(page), str(table)
