"""料金: up to six lines of usage, added up or set side by side, in USD and JPY, with exports."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from ui.web.chat import session_of
from ui.web.tabs.bench import PRIVATE, SKIP, Bench

if TYPE_CHECKING:
    from assistant.results import CostEstimate

LINES = 6
SHOWN = 2
VALID_DAYS = 30
_COLUMNS = ("name", "count", "hours", "days", "months", "term")
_FIRST = ("g5.xlarge", "g6.xlarge")
_USUAL: tuple[int, int, int, int, str] = (1, 8, 20, 3, "on-demand")
"""Count, hours a day, days a month, months, term of a new line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the form."""

    name: str
    count: int
    hours: float | None
    days: float | None
    months: float
    term: str

    def as_line(self) -> dict[str, Any]:
        """Return the line of the tool's request."""
        schedule: dict[str, Any] = {"months": str(self.months)}
        if self.hours:
            schedule["hours_per_day"] = str(self.hours)
        if self.days:
            schedule["days_per_month"] = str(self.days)
        line = {"name": self.name, "count": self.count, "term": self.term}
        return line | {"schedule": schedule}

    def as_text(self) -> str:
        """Return the line as it stands in the address."""
        values = (self.name, self.count, self.hours or "", self.days or "", self.months, self.term)
        return "*".join(map(str, values))


def build(bench: Bench) -> None:
    """Add the tab."""
    say = bench.say
    cells: list[Any] = []
    rows: list[gr.Row] = []
    with gr.Column(elem_classes="bench"):
        for number in range(LINES):
            with gr.Row(visible=number < SHOWN, elem_classes="usage") as row:
                cells += _row(bench, number)
            rows.append(row)
        shown = gr.State(SHOWN)
        with gr.Row(elem_classes="acts"):
            more = gr.Button(say("add_line"), scale=0, min_width=130, size="sm")
        with gr.Row():
            region = bench.regions()
            rate = bench.assistant.settings.jpy_per_usd
            written = f"{rate.jpy_per_usd}@{rate.as_of}" if rate and rate.as_of else ""
            jpy = gr.Textbox(written, label=say("jpy"), info=say("jpy_hint"))
            budget = gr.Number(None, label=say("budget"), minimum=0)
            apart = gr.Checkbox(True, label=say("compare_lines"))
        with gr.Row(elem_classes="acts"):
            run = gr.Button(say("run_cost"), variant="primary", scale=0, min_width=140)
            ask = gr.Button(say("ask_in_chat"), scale=0, min_width=160)
            report = gr.DownloadButton(
                say("report"), scale=0, min_width=160, visible=False, elem_id="cost-report"
            )
            table = gr.DownloadButton(
                say("csv"), scale=0, min_width=130, visible=False, elem_id="cost-csv"
            )
        result = bench.result("cost_empty")
        written_lines = gr.Textbox(visible=False)
    form: list[Any] = [region, jpy, budget, apart, *cells]

    def compute(
        request: gr.Request,
        where: str,
        yen: str,
        limit: float | None,
        separate: bool,
        *values: Any,
    ) -> list[Any]:
        entries = read_lines(values)
        made: list[CostEstimate] = []

        def work() -> str:
            made.append(_estimate(bench, entries, where, yen, limit, apart=separate))
            return bench.described(made[0])

        html = bench.guard(work)
        files = _files(bench, made[0], session_of(request)) if made else ("", "")
        buttons = [gr.DownloadButton(value=f or None, visible=bool(f)) for f in files]
        return [html, *buttons, ";".join(entry.as_text() for entry in entries)]

    outputs = [result, report, table, written_lines]
    event = run.click(compute, form, outputs, **PRIVATE)
    bench.address(event, "cost", {"lines": written_lines, "region": region, "jpy": jpy})

    def add(count: int) -> list[Any]:
        count = min(count + 1, LINES)
        return [count, *(gr.Row(visible=number < count) for number in range(LINES))]

    more.click(add, shown, [shown, *rows], show_progress="hidden", **PRIVATE)

    def question(*values: Any) -> str:
        return _question(bench, read_lines(values))

    bench.hand_over(ask, question, cells)

    def prefill(query: Mapping[str, str]) -> list[Any]:
        entries = parse_lines(query.get("lines", ""))
        values: list[Any] = []
        for number in range(LINES):
            values += _values(entries[number]) if number < len(entries) else [None, *_USUAL]
        visible = max(len(entries), SHOWN)
        return [
            query.get("region") or bench.assistant.settings.region,
            query.get("jpy", ""),
            *values,
            visible,
            *(gr.Row(visible=number < visible) for number in range(LINES)),
            bench.guard(
                lambda: bench.described(
                    _estimate(
                        bench,
                        entries,
                        query.get("region") or bench.assistant.settings.region,
                        query.get("jpy", ""),
                        None,
                        apart=True,
                    )
                )
            )
            if entries
            else SKIP,
        ]

    bench.from_address("cost", [region, jpy, *cells, shown, *rows, result], prefill)


def _row(bench: Bench, number: int) -> list[Any]:
    say = bench.say
    name = _FIRST[number] if number < len(_FIRST) else None
    mark: dict[str, Any] = {"interactive": True}
    return [
        gr.Dropdown(
            bench.instance_names(),
            value=name,
            allow_custom_value=True,
            label=f"{say('col_name')} {number + 1}",
            scale=3,
            min_width=150,
            **mark,
        ),
        gr.Number(_USUAL[0], label=say("col_count"), minimum=1, precision=0, min_width=80, **mark),
        gr.Number(_USUAL[1], label=say("col_hours"), minimum=0, maximum=24, min_width=90, **mark),
        gr.Number(_USUAL[2], label=say("col_days"), minimum=0, maximum=31, min_width=90, **mark),
        gr.Number(_USUAL[3], label=say("col_months"), minimum=0.1, min_width=80, **mark),
        gr.Dropdown(
            say.choices("terms"),
            value=_USUAL[4],
            label=say("col_term"),
            scale=2,
            min_width=170,
            **mark,
        ),
    ]


def _values(entry: Entry) -> list[Any]:
    return [entry.name, entry.count, entry.hours, entry.days, entry.months, entry.term]


def read_lines(values: Sequence[Any]) -> list[Entry]:
    """Return the lines of the form that name something."""
    width = len(_COLUMNS)
    rows = [values[start : start + width] for start in range(0, len(values), width)]
    found: list[Entry] = []
    for name, count, hours, days, months, term in rows:
        if name:
            found.append(
                Entry(str(name), int(count or 1), hours, days, months or 1, term or "on-demand")
            )
    return found


def parse_lines(text: str) -> list[Entry]:
    """Return the lines that an address holds; what cannot be read is left out."""
    found: list[Entry] = []
    for part in text.split(";")[:LINES]:
        cells = part.split("*")
        numbers = cells[1:5]
        if len(cells) == len(_COLUMNS) and cells[0] and all(map(_is_number_or_empty, numbers)):
            count, hours, days, months = (float(n) if n else None for n in numbers)
            found.append(Entry(cells[0], int(count or 1), hours, days, months or 1, cells[5]))
    return found


def _is_number_or_empty(text: str) -> bool:
    return text == "" or _is_number(text)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _estimate(
    bench: Bench, entries: list[Entry], region: str, yen: str, budget: float | None, *, apart: bool
) -> CostEstimate:
    from assistant.errors import UsageError
    from assistant.settings import parse_jpy_rate

    if not entries:
        raise UsageError("インスタンスを 1 つ以上選んでください。", "Choose an instance first.")
    request: dict[str, Any] = {
        "lines": [entry.as_line() for entry in entries],
        "region": region,
        "alternatives": apart and len(entries) > 1,
    }
    if yen.strip():
        rate = parse_jpy_rate(yen.strip())
        request["jpy"] = {"jpy_per_usd": rate.jpy_per_usd, "as_of": rate.as_of}
    if budget:
        request["budget_usd"] = str(budget)
    return cast("CostEstimate", bench.assistant.run_tool("estimate_cost", request))


def _files(bench: Bench, result: CostEstimate, session: str) -> tuple[str, str]:
    """Return the approval sheet and the CSV, written where only this tab's files are."""
    from ui.cost_report import Frame, render_cost_csv, render_report

    folder: Path = bench.site.sessions.directory(session)
    today: date = datetime.now().astimezone().date()
    frame = Frame(
        "GPU インスタンス利用料の見積もり",
        today,
        today + timedelta(days=VALID_DAYS),
        uuid.uuid4().hex[:12],
    )
    page = folder / f"ringi-{today:%Y%m%d}.md"
    page.write_text(
        render_report(result, frame, regions=bench.assistant.catalogue.regions), "utf-8"
    )
    table = folder / f"cost-{today:%Y%m%d}.csv"
    table.write_text(render_cost_csv(result), "utf-8-sig")  # the mark is for spreadsheets
    return str(page), str(table)


def _question(bench: Bench, entries: list[Entry]) -> str:
    ja = bench.say.language == "ja"
    parts: list[str] = []
    for entry in entries:
        if ja:
            rhythm = f"1日{entry.hours:g}時間" if entry.hours else ""
            days = f"・月{entry.days:g}日" if entry.days else ""
            parts.append(f"{entry.name}を{entry.count}台、{rhythm}{days}で{entry.months:g}か月")
        else:
            hours = f"{entry.hours:g} hours a day" if entry.hours else "around the clock"
            days = f", {entry.days:g} days a month" if entry.days else ""
            parts.append(f"{entry.count} {entry.name} {hours}{days} for {entry.months:g} months")
    joined = ("、" if ja else " and ").join(parts)
    return bench.say("question_cost", lines=joined)
