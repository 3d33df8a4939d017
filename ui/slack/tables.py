"""Tables of an answer as Slack table blocks: 100 rows, 20 cells a row, 10,000 characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ui.markdown import Span, Spans, Table, plain
from ui.slack.markdown import escape

MAX_ROWS, MAX_CELLS, MAX_CHARACTERS = 100, 20, 10_000
_EMPTY = "—"


def split_table(table: Table) -> Iterator[Table]:
    """Yield tables that Slack accepts; every one has the header, and the first column."""
    for columns in _column_groups(len(table.header)):
        part = Table(
            [table.header[i] for i in columns],
            [[row[i] for i in columns] for row in table.rows],
            [table.alignments[i] for i in columns],
        )
        yield from _row_groups(part)


def table_characters(table: Table) -> int | None:
    """Return the characters of all cells; None: more than Slack accepts."""
    total = _characters(table.header) + sum(map(_characters, table.rows))
    return total if total <= MAX_CHARACTERS else None


def table_block(table: Table, corner: str) -> dict[str, Any]:
    """Return the table block; `corner` stands in an empty first cell of the header."""
    header = [_cell(cell) for cell in table.header]
    if not plain(table.header[0]).strip():
        header[0] = _cell([Span(corner, "strong")])
    return {
        "type": "table",
        "rows": [header, *([_cell(cell) for cell in row] for row in table.rows)],
        "column_settings": [{"align": a, "is_wrapped": True} for a in table.alignments],
    }


def records(table: Table) -> str:
    """Return the rows as text, for a table whose rows are too long for a table block."""
    lines: list[str] = []
    for row in table.rows:
        lines.append(f"- {escape(plain(row[0]))}")
        lines += [
            f"  - {escape(plain(name))}: {escape(plain(cell))}"
            for name, cell in zip(table.header[1:], row[1:], strict=True)
            if plain(cell)
        ]
    return "\n".join(lines)


def _column_groups(number: int) -> Iterator[list[int]]:
    if number <= MAX_CELLS:
        yield list(range(number))
        return
    room = MAX_CELLS - 1
    for start in range(1, number, room):
        yield [0, *range(start, min(start + room, number))]


def _row_groups(table: Table) -> Iterator[Table]:
    fixed = _characters(table.header)
    rows: list[list[Spans]] = []
    used = fixed
    for row in table.rows:
        size = _characters(row)
        if rows and (len(rows) >= MAX_ROWS - 1 or used + size > MAX_CHARACTERS):
            yield replace(table, rows=rows)
            rows, used = [], fixed
        rows.append(row)
        used += size
    yield replace(table, rows=rows)


def _characters(cells: list[Spans]) -> int:
    return sum(max(len(plain(cell)), 2) for cell in cells)


def _cell(spans: Spans) -> dict[str, Any]:
    text = plain(spans).strip()
    if not text:
        return {"type": "raw_text", "text": _EMPTY}
    if all(not span.style or span.style == "faint" for span in spans):
        return {"type": "raw_text", "text": text}
    elements = [_element(span) for span in spans if span.text]
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "elements": [section]}


def _element(span: Span) -> dict[str, Any]:
    if span.style == "link" and span.text.startswith(("https://", "http://")):
        return {"type": "link", "url": span.text}
    element: dict[str, Any] = {"type": "text", "text": span.text}
    if span.style in ("strong", "heading"):
        element["style"] = {"bold": True}
    elif span.style in ("em", "code"):
        element["style"] = {"italic" if span.style == "em" else "code": True}
    return element
