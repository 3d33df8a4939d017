"""What Slack's reference says a message, a view or a stream may contain.

Sources, at docs.slack.dev: /reference/block-kit (blocks, elements, composition objects),
/reference/views, /reference/methods (chat.*, assistant.threads.*), "Formatting message text".
Written from those pages; nothing here is imported from the bot.
"""

from __future__ import annotations

import json
import re
from typing import Any

Json = dict[str, Any]
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MARKDOWN_TOTAL = 12_000
TABLE_ROWS, TABLE_CELLS, TABLE_CHARACTERS = 100, 20, 10_000
TEXT = 40_000
_RAW_CONTROL = re.compile(r"<(?!(?:https?://|mailto:)[^<>|\s]+(?:\|[^<>]*)?>|@[UW][A-Z0-9]+>)")
_RAW_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_SEPARATOR = re.compile(r"^\s*\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?\s*)?$")
_BOLD = re.compile(r"(?<!\\)\*\*(?=\S)(?:(?>`[^`\n]*`|[^*\n]|\*(?!\*)))+?(?<=\S)\*\*")


class Violation(AssertionError):
    """A payload that Slack would refuse, or show wrongly."""


def need(truth: object, path: str, rule: str) -> None:
    """Raise Violation unless a rule holds."""
    if not truth:
        raise Violation(f"{path}: {rule}")


def of(value: object, kind: str) -> bool:
    """Return whether a JSON value is a `str`, `list` or `dict`."""
    return type(value).__name__ == kind


def check_message(payload: Json) -> None:
    """Check the text, blocks and metadata of a message."""
    text, blocks = payload.get("text"), payload.get("blocks")
    need(text or blocks or payload.get("markdown_text"), "message", "no_text")
    if text is not None:
        need(of(text, "str") and len(text) <= TEXT, "text", f"at most {TEXT} characters")
        check_mrkdwn(text, "text")
    if blocks is not None:
        check_blocks(blocks, MESSAGE_BLOCKS)
    if "metadata" in payload and payload["metadata"] is not None:
        check_metadata(payload["metadata"])


def check_metadata(metadata: Json) -> None:
    """Check message metadata."""
    need(of(metadata, "dict"), "metadata", "is an object")
    need(set(metadata) == {"event_type", "event_payload"}, "metadata", "type and payload")
    need(re.fullmatch(r"[\w.-]{1,255}", metadata["event_type"]), "metadata", "event_type")
    need(of(metadata["event_payload"], "dict"), "metadata", "event_payload is an object")


def check_blocks(blocks: Any, most: int) -> None:
    """Check the blocks of a message or a view."""
    need(of(blocks, "list") and blocks, "blocks", "a list that is not empty")
    need(len(blocks) <= most, "blocks", f"at most {most}")
    total = sum(len(b.get("text", "")) for b in blocks if b.get("type") == "markdown")
    need(total <= MARKDOWN_TOTAL, "blocks", f"markdown blocks hold {MARKDOWN_TOTAL} characters")
    tables = [b for b in blocks if b.get("type") == "table"]
    need(len(tables) <= 1, "blocks", "only_one_table_allowed")
    ids = [b["block_id"] for b in blocks if "block_id" in b]
    need(len(ids) == len(set(ids)), "blocks", "block_id is unique")
    for place, block in enumerate(blocks):
        need(len(block.get("block_id", "")) <= 255, f"blocks/{place}", "block_id at most 255")
        kind = block.get("type")
        need(kind in _BLOCKS, f"blocks/{place}", f"unknown type {kind}")
        _BLOCKS[kind](block, f"blocks/{place}")


def check_view(view: Json) -> None:
    """Check a modal or a Home tab."""
    need(view["type"] in ("modal", "home"), "view", "type")
    check_blocks(view["blocks"], VIEW_BLOCKS)
    need(len(view.get("private_metadata", "")) <= 3000, "view", "private_metadata at most 3000")
    need(len(view.get("callback_id", "")) <= 255, "view", "callback_id at most 255")
    if view["type"] == "modal":
        check_text(view["title"], "view/title", 24, only="plain_text")
        for name in ("submit", "close"):
            if name in view:
                check_text(view[name], f"view/{name}", 24, only="plain_text")
        inputs = any(block["type"] == "input" for block in view["blocks"])
        need("submit" in view or not inputs, "view", "submit is required with an input block")


def check_chunks(chunks: Any) -> None:
    """Check the chunks of a stream."""
    need(of(chunks, "list"), "chunks", "a list")
    for place, chunk in enumerate(chunks):
        path = f"chunks/{place}"
        kind = chunk.get("type")
        need(kind in ("markdown_text", "task_update", "plan_update", "blocks"), path, "type")
        if kind == "markdown_text":
            need(0 < len(chunk["text"]) <= MARKDOWN_TOTAL, path, "1 to 12,000 characters")
            check_markdown(chunk["text"], path)
        elif kind == "task_update":
            need(chunk.get("id") and chunk.get("title"), path, "id and title")
            states = ("pending", "in_progress", "complete", "error")
            need(chunk.get("status") in states, path, "status")
            for source in chunk.get("sources", ()):
                need(source.get("type") == "url" and source.get("url"), path, "source")
                need(source.get("text"), path, "text of a source")


def check_prompts(prompts: Any) -> None:
    """Check suggested prompts."""
    need(of(prompts, "list") and 1 <= len(prompts) <= 4, "prompts", "one to four")
    for prompt in prompts:
        need(prompt.get("title") and prompt.get("message"), "prompts", "title and message")


def check_mrkdwn(text: str, path: str) -> None:
    """Check that only links and mentions of users use Slack's control characters."""
    need(not _RAW_CONTROL.search(text), path, "< must be escaped")
    need(not _RAW_AMPERSAND.search(text), path, "& must be escaped")


def check_markdown(text: str, path: str) -> None:
    """Check a markdown text: escaped, fences closed, bold text not touching letters."""
    need("<" not in text and not _RAW_AMPERSAND.search(text), path, "control characters escaped")
    fence, before = "", ""
    for line in text.split("\n"):
        if fence:
            marks = line.strip()
            if set(marks) == {fence[0]} and len(marks) >= len(fence):
                fence = ""
        elif opening := re.match(r"^\s*(~{3,}|`{3,}(?=[^`]*$))", line):
            fence = opening.group(1)
        else:
            begun = _SEPARATOR.match(line) and "|" in before
            need(not begun, path, "tables are not supported")
            _check_bold(line, path)
        before = line
    need(not fence, path, "a fence is cut")


def _check_bold(line: str, path: str) -> None:
    outside = re.sub(r"`[^`\n]*`", lambda m: "x" * len(m.group()), line)
    for match in _BOLD.finditer(outside):
        around = (outside[match.start() - 1 : match.start()], outside[match.end() :][:1])
        need(not any(re.match(r"\w", char) for char in around), path, "bold touches a letter")


def check_text(item: Any, path: str, most: int, only: str = "") -> None:
    """Check a text object."""
    need(of(item, "dict"), path, "a text object")
    need(item.get("type") in ((only,) if only else ("plain_text", "mrkdwn")), path, "type")
    need(set(item) <= {"type", "text", "emoji", "verbatim"}, path, "fields of a text object")
    need(of(item["text"], "str") and 1 <= len(item["text"]) <= most, path, f"1 to {most}")
    if item["type"] == "mrkdwn":
        need("emoji" not in item, path, "emoji is for plain_text")
        check_mrkdwn(item["text"], path)


def _section(block: Json, path: str) -> None:
    need("text" in block or "fields" in block, path, "text or fields")
    if "text" in block:
        check_text(block["text"], path, 3000)
    fields = block.get("fields", [])
    need(len(fields) <= 10, path, "at most 10 fields")
    for item in fields:
        check_text(item, path, 2000)


def _header(block: Json, path: str) -> None:
    check_text(block["text"], path, 150, only="plain_text")


def _markdown(block: Json, path: str) -> None:
    need(1 <= len(block["text"]) <= MARKDOWN_TOTAL, path, "1 to 12,000 characters")
    need("block_id" not in block, path, "block_id is ignored")
    check_markdown(block["text"], path)


def _context(block: Json, path: str) -> None:
    need(1 <= len(block["elements"]) <= 10, path, "1 to 10 elements")
    for element in block["elements"]:
        if element["type"] == "image":
            need(element.get("alt_text"), path, "alt_text")
        else:
            check_text(element, path, 3000)


def _actions(block: Json, path: str) -> None:
    need(1 <= len(block["elements"]) <= 25, path, "1 to 25 elements")
    names = [element.get("action_id") for element in block["elements"]]
    need(len(names) == len(set(names)), path, "action_id is unique in its block")
    for element in block["elements"]:
        need(element["type"] == "button", path, "only buttons are used")
        check_text(element["text"], path, 75, only="plain_text")
        need(len(element.get("action_id", "")) <= 255, path, "action_id at most 255")
        need(len(element.get("value", "")) <= 2000, path, "value at most 2000")
        need(len(element.get("url", "")) <= 3000, path, "url at most 3000")


def _context_actions(block: Json, path: str) -> None:
    need(1 <= len(block["elements"]) <= 5, path, "1 to 5 elements")
    for element in block["elements"]:
        need(element["type"] == "feedback_buttons", path, "type")
        for name in ("positive_button", "negative_button"):
            check_text(element[name]["text"], path, 75, only="plain_text")
            need(len(element[name]["value"]) <= 2000, path, "value at most 2000")


def _table(block: Json, path: str) -> None:
    rows = block["rows"]
    need(1 <= len(rows) <= TABLE_ROWS, path, f"at most {TABLE_ROWS} rows")
    need(len({len(row) for row in rows}) == 1, path, "rows are equally long")
    settings = block.get("column_settings", [])
    need(len(settings) <= TABLE_CELLS, path, "at most 20 column settings")
    for setting in settings:
        need(set(setting) <= {"align", "is_wrapped"}, path, "column setting")
        need(setting.get("align", "left") in ("left", "center", "right"), path, "align")
    characters = 0
    for row in rows:
        need(1 <= len(row) <= TABLE_CELLS, path, f"at most {TABLE_CELLS} cells")
        characters += sum(_cell(cell, path) for cell in row)
    need(characters <= TABLE_CHARACTERS, path, f"at most {TABLE_CHARACTERS} characters")


def _cell(cell: Json, path: str) -> int:
    need(cell["type"] in ("raw_text", "rich_text"), path, "cell type")
    if cell["type"] == "raw_text":
        need(cell["text"], path, "a cell has text")
        return len(cell["text"])
    length = 0
    for section in cell["elements"]:
        need(section["type"] == "rich_text_section" and section["elements"], path, "section")
        for element in section["elements"]:
            need(element["type"] in ("text", "link"), path, "element")
            shown = element.get("text") or element.get("url")
            need(shown, path, "an element has text")
            length += len(shown)
    return length


def _input(block: Json, path: str) -> None:
    check_text(block["label"], path, 2000, only="plain_text")
    element = block["element"]
    need(element["type"] == "plain_text_input", path, "element")
    need(1 <= element.get("max_length", 1) <= 3000, path, "max_length 1 to 3000")


def _divider(block: Json, path: str) -> None:
    need(set(block) <= {"type", "block_id"}, path, "a divider has nothing else")


_BLOCKS: dict[Any, Any] = {
    "section": _section,
    "header": _header,
    "markdown": _markdown,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "table": _table,
    "input": _input,
    "divider": _divider,
}


def decoded(value: Any) -> Any:
    """Return a form field that may hold JSON as what it holds."""
    if of(value, "str") and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
