"""Markdown as answers use it, read line by line into blocks.

Covered: headings, lists, quotes, rules, fenced code, pipe tables, bold, italic, code, links. A line
break in the source stays a line break, as answers put their sources on lines of their own. Anything
else is shown as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Style = Literal["", "strong", "em", "code", "heading", "link", "faint"]
Alignment = Literal["left", "right", "center"]

INLINE = re.compile(
    r"\\(?P<escaped>[\\`*_{}\[\]()#+.!|<>~-])"
    r"|(?P<ticks>`+)(?P<code>.+?)(?P=ticks)"
    r"|\*\*(?P<strong>(?:(?>\\\*|`[^`]*`|[^*]|\*(?!\*)))+?)\*\*"
    r"|(?<![\w*])\*(?=\S)(?P<em>[^*\n]+?)(?<=\S)\*(?![\w*])"
    r"|!?\[(?P<label>[^\]\n]*)\]\((?P<url>[^)\s]+)(?: \"[^\"]*\")?\)"
    r"|<(?P<auto>https?://[^>\s]+)>"
)
_CELL_END = re.compile(r"(?<!\\)\|")
_SEPARATOR = re.compile(r"^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$")
_FENCE = re.compile(r"^\s*(```+|~~~+)\s*(\S*)")


class Span(NamedTuple):
    """A run of text in one style."""

    text: str
    style: Style = ""


Spans = list[Span]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of prose: a paragraph line, heading, quote or list item. An empty one separates."""

    spans: Spans
    kind: Literal["text", "heading", "quote", "item"] = "text"
    lead: str = ""
    """What stands before the text, for example `  • `."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal rule."""


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced block of code."""

    lines: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A pipe table; every row has as many cells as the header."""

    header: list[Spans]
    rows: list[list[Spans]]
    alignments: list[Alignment]


Block = Line | Rule | Code | Table


def parse_inline(text: str, style: Style = "") -> Spans:
    """Return the styled runs of one line."""
    spans: Spans = []
    place = 0
    for match in INLINE.finditer(text):
        if match.start() > place:
            spans.append(Span(text[place : match.start()], style))
        spans.extend(_inline_spans(match, style))
        place = match.end()
    if place < len(text):
        spans.append(Span(text[place:], style))
    return spans


def plain(spans: Spans) -> str:
    """Return the text of the runs without their styles."""
    return "".join(span.text for span in spans)


def _inline_spans(match: re.Match[str], style: Style) -> Spans:
    found = {name: text for name, text in match.groupdict().items() if text is not None}
    if "escaped" in found:
        return [Span(found["escaped"], style)]
    if "code" in found:
        return [Span(found["code"].strip() or found["code"], "code")]
    if "strong" in found:
        return parse_inline(found["strong"], "strong")
    if "em" in found:
        return parse_inline(found["em"], "em")
    url = found.get("url") or found["auto"]
    label = found.get("label") or url
    if label == url:
        return [Span(url, "link")]
    return [*parse_inline(label, style), Span(" <", "faint"), Span(url, "link"), Span(">", "faint")]


Inline = Callable[[str, Style], Spans]
"""Reads one line; other outputs than a terminal bring their own."""


@dataclass(slots=True)
class BlockReader:
    """Turns lines into blocks as soon as each block is known to be complete."""

    inline: Inline = parse_inline
    _table: list[str] = field(default_factory=list[str])
    _code: list[str] | None = None
    _fence: str = ""

    @property
    def inside(self) -> bool:
        """Whether the next line may belong to an unfinished table or block of code."""
        return bool(self._table) or self._code is not None

    def feed(self, line: str) -> list[Block]:
        """Return the blocks that `line` (without its line end) completes."""
        if self._code is not None:
            return self._feed_code(line)
        if line.lstrip().startswith("|"):
            self._table.append(line.strip())
            return []
        done = self._finish_table()
        if fence := _FENCE.match(line):
            self._code, self._fence = [], fence.group(1)
            return done
        return [*done, _line_block(line, self.inline)]

    def close(self) -> list[Block]:
        """Return what is left when the text ends."""
        code, self._code = self._code, None
        return [Code(code)] if code is not None else self._finish_table()

    def _feed_code(self, line: str) -> list[Block]:
        assert self._code is not None
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            return self.close()
        self._code.append(line)
        return []

    def _finish_table(self) -> list[Block]:
        lines, self._table = self._table, []
        if len(lines) < 2 or not _SEPARATOR.match(lines[1]):
            return [Line(self.inline(line, "")) for line in lines]
        header = [self.inline(cell, "strong") for cell in _cells(lines[0])]
        rows = [_row(line, len(header), self.inline) for line in lines[2:]]
        return [Table(header, rows, _alignments(lines[1], len(header)))]


def _line_block(line: str, inline: Inline) -> Block:
    text = line.rstrip()
    if heading := _HEADING.match(text):
        return Line(inline(heading.group(2), "heading"), "heading")
    if re.fullmatch(r"\s*([-*_])(\s*\1){2,}", text):
        return Rule()
    if item := _ITEM.match(text):
        indent, marker, rest = item.groups()
        bullet = "•" if marker in "-*+" else marker
        return Line(inline(rest, ""), "item", f"{indent.expandtabs(4)}{bullet} ")
    if text.lstrip().startswith(">"):
        return Line(inline(text.lstrip()[1:].lstrip(), ""), "quote", "│ ")
    return Line(inline(text, ""))


def _cells(line: str) -> list[str]:
    inner = line.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip() for cell in _CELL_END.split(inner)]


def _row(line: str, columns: int, inline: Inline) -> list[Spans]:
    cells = [inline(cell.replace("<br>", " "), "") for cell in _cells(line)]
    return (cells + [[] for _ in range(columns)])[:columns]


def _alignments(line: str, columns: int) -> list[Alignment]:
    found: list[Alignment] = [_alignment(cell) for cell in _cells(line)]
    missing: list[Alignment] = ["left"] * columns
    return (found + missing)[:columns]


def _alignment(cell: str) -> Alignment:
    if cell.endswith(":"):
        return "center" if cell.startswith(":") else "right"
    return "left"
