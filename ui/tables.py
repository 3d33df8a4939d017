"""Tables laid out for a terminal: aligned columns, wrapped cells, or records when it is narrow."""

from __future__ import annotations

from collections.abc import Iterator

from ui.markdown import Alignment, Span, Spans, Table, plain
from ui.width import line_slices, longest_token, text_width

_GAP = 2
_NARROWEST = 12  # a wrapped column below this many columns reads worse than a record


def lay_out_table(table: Table, width: int) -> Iterator[Spans]:
    """Yield the lines of a table that fits into `width` columns."""
    widths = column_widths(table, width)
    if widths is None:
        yield from _records(table, width)
        return
    yield from _row_lines(table.header, widths, table.alignments)
    yield [Span((" " * _GAP).join("─" * columns for columns in widths), "faint")]
    for row in table.rows:
        yield from _row_lines(row, widths, table.alignments)


def column_widths(table: Table, width: int) -> list[int] | None:
    """Return the width of each column, the widest ones reduced; None: it cannot fit."""
    columns = [
        [plain(cells[i]) for cells in (table.header, *table.rows)] for i in range(len(table.header))
    ]
    widths = [max(map(text_width, cells)) for cells in columns]
    floors = [
        min(natural, max(_NARROWEST, *map(longest_token, cells)))
        for natural, cells in zip(widths, columns, strict=True)
    ]
    excess = sum(widths) + _GAP * (len(widths) - 1) - width
    while excess > 0:
        room = [natural - floor for natural, floor in zip(widths, floors, strict=True)]
        if not any(room):
            return None
        widest = max((i for i, spare in enumerate(room) if spare), key=lambda i: widths[i])
        widths[widest] -= 1
        excess -= 1
    return widths


def wrap_spans(spans: Spans, width: int, column: int = 0) -> list[Spans]:
    """Return the runs broken into lines of at most `width` columns."""
    text = plain(spans)
    return [_cut(spans, part) for part in line_slices(text, width, column)]


def _cut(spans: Spans, part: slice) -> Spans:
    kept: Spans = []
    place = 0
    for span in spans:
        text = span.text[max(part.start - place, 0) : max(part.stop - place, 0)]
        place += len(span.text)
        if text:
            kept.append(Span(text, span.style))
    return kept


def _row_lines(
    cells: list[Spans], widths: list[int], alignments: list[Alignment]
) -> Iterator[Spans]:
    wrapped = [wrap_spans(cell, columns) for cell, columns in zip(cells, widths, strict=True)]
    for i in range(max(map(len, wrapped))):
        line: Spans = []
        for lines, columns, alignment in zip(wrapped, widths, alignments, strict=True):
            gap = [Span(" " * _GAP)] if line else []
            line += [*gap, *_padded(lines[i] if i < len(lines) else [], columns, alignment)]
        yield _without_trailing_space(line)


def _padded(spans: Spans, columns: int, alignment: Alignment) -> Spans:
    spare = columns - text_width(plain(spans))
    before = {"left": 0, "right": spare, "center": spare // 2}[alignment]
    return [Span(" " * before), *spans, Span(" " * (spare - before))]


def _without_trailing_space(line: Spans) -> Spans:
    while line and not line[-1].text.strip():
        line = line[:-1]
    return line


def _records(table: Table, width: int) -> Iterator[Spans]:
    """Yield each row as a record: its first cell, then one line for each further column."""
    for i, row in enumerate(table.rows):
        if i:
            yield []
        yield from wrap_spans([Span(span.text, "strong") for span in row[0]], width)
        for name, cell in zip(table.header[1:], row[1:], strict=True):
            if plain(cell):
                yield from _field(name, cell, width)


def _field(name: Spans, cell: Spans, width: int) -> Iterator[Spans]:
    label = [Span("  "), *name, Span(": ")] if plain(name) else [Span("  ")]
    used = text_width(plain(label))
    first, *rest = wrap_spans(cell, max(width - 4, 8), max(used - 4, 0))
    yield [*label, *first]
    for line in rest:
        yield [Span("    "), *line]
