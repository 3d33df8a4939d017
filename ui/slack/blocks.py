"""An answer as Slack messages: markdown and table blocks, sources, buttons, the answer's id.

The limits are those of Slack's reference (Block Kit, chat.postMessage). A message holds one table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.answer import Answer, Citation
from ui.language import Text
from ui.markdown import Table, parse_inline, plain
from ui.slack.events import SUGGESTION_ACTION
from ui.slack.markdown import (
    Fence,
    Prose,
    Segment,
    escape,
    segments,
    split_fence,
    split_text,
)
from ui.slack.tables import records, split_table, table_block, table_characters

Block = dict[str, Any]
MAX_BLOCKS = 50
MAX_MARKDOWN = 12_000  # characters of all markdown blocks of one payload together
MAX_SECTION, MAX_BUTTON_TEXT, MAX_BUTTON_VALUE = 3_000, 75, 2_000
MAX_CONTEXT_ELEMENTS = 10
FEEDBACK_ACTION, FOOTER_BLOCKS = "feedback", 6
_PIECE = 6_000  # a markdown block Slack can still lay out at once
_SUMMARY = 300
_SOURCES = re.compile(r"^(出典|Sources?)\s*[::：]")
_SUGGESTED = 5


@dataclass(slots=True)
class Message:
    """One message: its blocks and the text for notifications and screen readers."""

    blocks: list[Block] = field(default_factory=list[Block])
    text: str = ""
    markdown: int = 0
    has_table: bool = False

    def has_room(self, block: Block) -> bool:
        """Return whether a block still fits, with room left for the footer."""
        if len(self.blocks) >= MAX_BLOCKS - FOOTER_BLOCKS:
            return False
        if block["type"] == "markdown":
            return self.markdown + len(block["text"]) <= MAX_MARKDOWN
        return not (block["type"] == "table" and self.has_table)

    def add(self, block: Block) -> None:
        """Append a block."""
        self.blocks.append(block)
        self.has_table |= block["type"] == "table"
        self.markdown += len(block["text"]) if block["type"] == "markdown" else 0


def lay_out(answer: Answer, skipped: str = "") -> list[Message]:
    """Return the messages that show an answer; `skipped` is text at its start shown already."""
    body = _body(answer)
    shown = body.removeprefix(skipped).lstrip("\n") if skipped else body
    messages = [Message()]
    for segment in segments(shown):
        for block in _blocks(segment, answer.language):
            if not messages[-1].has_room(block):
                messages.append(Message())
            messages[-1].add(block)
    for block in footer(answer):
        messages[-1].add(block)
    text = summary(body)
    for message in messages:
        message.text = text
    return messages


def notice(text: str) -> Message:
    """Return a message of plain prose: an error, a hint."""
    message = Message(text=escape(_clipped(text, _SUMMARY)))
    for piece in split_text(escape(text), MAX_SECTION) or ["…"]:
        message.add({"type": "section", "text": {"type": "mrkdwn", "text": piece}})
    return message


def echo(user: str, text: str, quoted: str = "") -> Message:
    """Return the message that shows a question that nobody typed into the conversation."""
    lines = _clipped(text, 2_000)
    message = Message(text=escape(_clipped(text, _SUMMARY)))
    about = {"type": "mrkdwn", "text": f"<@{user}>"}
    message.add({"type": "context", "elements": [about]})
    message.add({"type": "section", "text": {"type": "plain_text", "text": lines, "emoji": False}})
    if quoted:
        part = {"type": "plain_text", "text": f"「{_clipped(quoted, 200)}」", "emoji": False}
        message.add({"type": "context", "elements": [part]})
    return message


def footer(answer: Answer) -> Iterator[Block]:
    """Yield sources, warnings, suggestions, the id and the feedback buttons."""
    yield from _contexts([_citation(i, c) for i, c in enumerate(answer.citations, 1)])[:2]
    warnings = [w for w in answer.warnings if w not in answer.answer]
    yield from _contexts([f"⚠️ {escape(_clipped(w, 500))}" for w in warnings])[:1]
    if buttons := suggestion_buttons(answer.suggestions):
        yield {"type": "actions", "elements": buttons}
    yield _context([_identity(answer)])
    if not answer.abstained or answer.citations:
        yield _feedback(answer)


def suggestion_buttons(suggestions: Sequence[str]) -> list[Block]:
    """Return a button for each follow-up question."""
    return [
        {
            "type": "button",
            "action_id": f"{SUGGESTION_ACTION}_{i}",
            "text": {
                "type": "plain_text",
                "text": _clipped(text, MAX_BUTTON_TEXT),
                "emoji": False,
            },
            "value": text,
        }
        for i, text in enumerate(suggestions[:_SUGGESTED])
        if text.strip() and len(text) <= MAX_BUTTON_VALUE
    ]


def summary(markdown: str) -> str:
    """Return the first sentence or so without marks."""
    for paragraph in markdown.split("\n"):
        if paragraph.lstrip().startswith("|"):
            continue
        text = plain(parse_inline(paragraph[: 4 * _SUMMARY].lstrip("#> "))).strip()
        if text and not text.startswith(("```", "~~~")):
            return escape(_clipped(text, _SUMMARY))
    return escape(_clipped(markdown.strip() or "…", _SUMMARY))


def _body(answer: Answer) -> str:
    """Return the text without what the footer shows in its own way."""
    paragraphs = answer.answer.strip().split("\n\n")
    if answer.citations:
        paragraphs = [p for p in paragraphs if not _SOURCES.match(p)]
    if answer.suggestions and len(paragraphs) > 1:
        paragraphs = [p for p in paragraphs if not all(s in p for s in answer.suggestions)]
    return "\n\n".join(paragraphs)


def _blocks(segment: Segment, language: str) -> Iterator[Block]:
    if isinstance(segment, Prose):
        for piece in split_text(segment.text, _PIECE):
            yield {"type": "markdown", "text": piece}
    elif isinstance(segment, Fence):
        for piece in split_fence(segment, _PIECE):
            yield {"type": "markdown", "text": piece}
    elif isinstance(segment, Table):
        yield from _table_blocks(segment, language)
    else:
        yield {"type": "divider"}


def _table_blocks(table: Table, language: str) -> Iterator[Block]:
    for part in split_table(table):
        if table_characters(part) is not None:
            yield table_block(part, str(Text("項目", "Item")[language == "en"]))
            continue
        for piece in split_text(records(part), _PIECE):
            yield {"type": "markdown", "text": piece}


def _citation(number: int, citation: Citation) -> str:
    title = escape(_clipped(citation.title, 200)).replace("|", "/")
    if citation.url and citation.url.startswith("https://") and len(citation.url) <= 500:
        title = f"<{escape(citation.url).replace('|', '%7C')}|{title}>"
    section = f" {escape(_clipped(citation.section, 80))}" if citation.section else ""
    as_of = f" ({citation.as_of})" if citation.as_of else ""
    return f"[{number}] {title}{section}{as_of}"


def _identity(answer: Answer) -> str:
    name = Text("回答", "Answer")[answer.language == "en"]
    return f"{name} {escape(answer.answer_id)} ・ {escape(answer.model)}"


def _contexts(texts: Sequence[str]) -> list[Block]:
    """Return context blocks of at most ten elements."""
    size = MAX_CONTEXT_ELEMENTS
    return [_context(texts[i : i + size]) for i in range(0, len(texts), size)]


def _context(texts: Sequence[str]) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}


def _feedback(answer: Answer) -> Block:
    english = answer.language == "en"

    def button(text: Text, vote: str) -> Block:
        return {
            "text": {"type": "plain_text", "text": text[english]},
            "value": f"{vote}:{answer.answer_id}",
        }

    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": FEEDBACK_ACTION,
                "positive_button": button(Text("役に立った", "Helpful"), "up"),
                "negative_button": button(Text("違う・足りない", "Wrong or incomplete"), "down"),
            }
        ],
    }


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
