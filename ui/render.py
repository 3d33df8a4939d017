"""Answers as text: for a terminal, as Markdown, as JSON. Amounts arrive rounded in the text.

Rendering for a terminal is incremental, so that a streamed answer appears as it comes: whole lines
of prose, and finished sentences of the line being written; tables when they are complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ui.markdown import (
    Block,
    BlockReader,
    Line,
    Rule,
    Span,
    Spans,
    Style,
    Table,
    parse_inline,
    plain,
)
from ui.tables import lay_out_table, wrap_spans
from ui.terminal import Terminal
from ui.width import text_width

if TYPE_CHECKING:
    from assistant.answer import Answer

_SGR: dict[Style, str] = {
    "strong": "1",
    "em": "3",
    "code": "36",
    "heading": "1;36",
    "link": "4",
    "faint": "2",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SENTENCE_END = re.compile(r"(?:[。!?！？]|[.!?](?=\s))(?:\s|[」』）)])*")
_PROSE_START = re.compile(r"(?:\*\*)?[^\s|#>*+`~\d-]|\d+[^\s.)\d]")
_SOURCES = re.compile(r"(?:出典|Sources?)\s*[::：]")


def render_terminal(markdown: str, terminal: Terminal) -> str:
    """Return `markdown` laid out for `terminal`, ending with a line break."""
    parts: list[str] = []
    screen = Screen(terminal, parts.append)
    screen.feed(markdown)
    screen.finish()
    return "".join(parts)


def render_markdown(answer: Answer) -> str:
    """Return the answer's text, ending with a line break."""
    return answer.answer.rstrip() + "\n"


def render_json(answer: Answer) -> str:
    """Return the answer as one JSON object, ending with a line break."""
    return answer.model_dump_json(indent=2) + "\n"


class Screen:
    """Writes Markdown to a terminal while it arrives."""

    def __init__(self, terminal: Terminal, write: Callable[[str], object]) -> None:
        """Write through `write`, which is called with pieces of text."""
        self._terminal = terminal
        self._write = write
        self._reader = BlockReader()
        self._pending = ""
        self._column = 0
        self._open = False
        self._begun = False
        self._gap = False

    def feed(self, text: str) -> None:
        """Show what `text` completes."""
        *lines, self._pending = (self._pending + _CONTROL.sub("", text)).split("\n")
        for line in lines:
            self._take_line(line)
        self._show_sentences()

    def finish(self) -> None:
        """Show the rest and end the last line."""
        rest, self._pending = self._pending, ""
        if rest or self._open:
            self._take_line(rest)
        for block in self._reader.close():
            self._show(block)

    def _take_line(self, line: str) -> None:
        if self._open:
            self._show_prose(parse_inline(line.rstrip()))
            self._write("\n")
            self._open, self._column = False, 0
            return
        for block in self._reader.feed(line):
            self._show(block)

    def _show_sentences(self) -> None:
        """Show the finished sentences of a line that is still being written."""
        if self._reader.inside or not (self._open or _PROSE_START.match(self._pending)):
            return
        if _SOURCES.match(self._pending) and not self._open:
            return
        ends = [match.end() for match in _SENTENCE_END.finditer(self._pending)]
        for end in reversed(ends):
            if _balanced(self._pending[:end]):
                self._begin()
                self._show_prose(parse_inline(self._pending[:end]))
                self._pending, self._open = self._pending[end:], True
                return

    def _show_prose(self, spans: Spans) -> None:
        width = self._terminal.prose_width
        lines = wrap_spans(spans, width, self._column)
        trailing = plain(spans)[len(plain(spans).rstrip()) :]
        self._write("\n".join(map(self._styled, lines)) + trailing)
        start = self._column if len(lines) == 1 else 0
        self._column = start + text_width(plain(lines[-1]) + trailing)

    def _begin(self) -> None:
        """Write the empty line that stands before a block; none at the start and the end."""
        if self._gap and self._begun and not self._open:
            self._write("\n")
        self._gap, self._begun = False, True

    def _show(self, block: Block) -> None:
        if isinstance(block, Line) and not block.spans and not block.lead:
            self._gap = True
            return
        self._begin()
        if isinstance(block, Line):
            self._show_line(block)
        elif isinstance(block, Table):
            for line in lay_out_table(block, self._terminal.width):
                self._write(self._styled(line) + "\n")
        elif isinstance(block, Rule):
            self._write(self._styled([Span("─" * min(self._terminal.width, 40), "faint")]) + "\n")
        else:
            for line in block.lines:
                self._write(self._styled([Span(f"    {line}", "code")]) + "\n")

    def _show_line(self, line: Line) -> None:
        faint = _SOURCES.match(plain(line.spans)) or line.kind == "quote"
        spans = [Span(s.text, s.style or "faint") for s in line.spans] if faint else line.spans
        indent = text_width(line.lead)
        lines = wrap_spans(spans, max(self._terminal.prose_width - indent, 12))
        lead = line.lead
        for part in lines:
            self._write(lead + self._styled(part) + "\n")
            lead = line.lead if line.kind == "quote" else " " * indent

    def _styled(self, spans: Spans) -> str:
        if not self._terminal.color:
            return plain(spans)
        return "".join(
            f"\x1b[{_SGR[style]}m{text}\x1b[0m" if style else text for text, style in spans
        )


def _balanced(text: str) -> bool:
    """Return whether no bold, code or link is left open at the end of `text`."""
    marks = text.count("**") % 2 == 0 and text.count("`") % 2 == 0
    return marks and text.count("[") == text.count("]") and not text.endswith("]")
