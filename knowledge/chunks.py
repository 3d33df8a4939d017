"""Chunks: a Markdown document cut along its structure into passages that can be cited.

Headings bound chunks; tables and code blocks stay whole; paragraphs under one heading are joined
up to `MAX_CHARS`. An id is made of the document and the content, so a passage that did not change
keeps it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

MAX_CHARS = 900
"""Joined paragraphs end here: about what fits on a terminal page as a quotation."""

_HEADING = re.compile(r"(#{1,6})(?:\s+(.*?)\s*#*\s*)?$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_SENTENCE_END = re.compile(r"(?<=[。!?!?])|(?<=\.)\s")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A citable passage with what is known about its document."""

    id: str
    document: str
    """Id of the glossary entry, or of the ingested document."""
    title: str
    section: str
    """Headings above the passage, outermost first, joined by ` > `; empty before the first."""
    text: str
    """Markdown, verbatim."""
    hints: str = ""
    """Words that find the passage but are not part of it: aliases, questions, summaries."""
    series: tuple[str, ...] = ()
    category: str = ""
    """The glossary's section (`network`), or `document` for an ingested one."""
    source: str = ""
    """Title of the source that is cited."""
    url: str = ""
    as_of: str = ""
    """ISO date, or empty."""


@dataclass(slots=True)
class _Block:
    kind: str
    text: str


@dataclass(slots=True)
class _Part:
    """Blocks under one heading path."""

    path: tuple[str, ...]
    blocks: list[_Block] = field(default_factory=list[_Block])


def cut(template: Chunk, markdown: str, max_chars: int = MAX_CHARS) -> list[Chunk]:
    """Return the chunks of a document; each takes the document's fields from `template`."""
    chunks: list[Chunk] = []
    seen: set[str] = set()
    for path, text in passages(markdown, max_chars):
        section = " > ".join(path)
        chunk_id = _unique(f"{template.document}#{_digest(section, text)}", seen)
        chunks.append(replace(template, id=chunk_id, section=section, text=text))
    return chunks


def passage_text(chunk: Chunk) -> str:
    """Return the text of a passage that is embedded: headings give it its topic."""
    return f"{chunk.title} {chunk.section} {chunk.text}"


def passages(markdown: str, max_chars: int = MAX_CHARS) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (headings, text) of each passage of a Markdown document."""
    for part in _parts(markdown):
        held: list[str] = []
        for text in (piece for block in part.blocks for piece in _fit(block, max_chars)):
            if held and sum(map(len, held)) + len(text) > max_chars:
                yield part.path, "\n\n".join(held)
                held = []
            held.append(text)
        if held:
            yield part.path, "\n\n".join(held)


def _parts(markdown: str) -> Iterator[_Part]:
    path: list[tuple[int, str]] = []
    part = _Part(())
    for block in _blocks(markdown):
        if block.kind != "heading":
            part.blocks.append(block)
            continue
        if part.blocks:
            yield part
        match = _HEADING.match(block.text)
        assert match
        path = [item for item in path if item[0] < len(match[1])] + [
            (len(match[1]), match[2] or "")
        ]
        part = _Part(tuple(title for _, title in path if title))
    if part.blocks:
        yield part


def _blocks(markdown: str) -> Iterator[_Block]:
    """Yield headings, tables, code blocks and paragraphs (a list is a paragraph)."""
    kind, lines, fence = "", list[str](), ""
    for line in markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if fence:
            lines.append(line)
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence, kind = "", "closed"
            continue
        found = _kind(line)
        if found != kind and lines:
            yield _Block("code" if kind == "closed" else kind, "\n".join(lines))
            lines = []
        kind = found
        if match := _FENCE.match(line):
            fence = match[1]
        if kind == "heading":
            yield _Block(kind, line.strip())
        elif kind:
            lines.append(line.rstrip())
    if lines:
        yield _Block(kind, "\n".join(lines))


def _kind(line: str) -> str:
    """Return what a line outside code belongs to; empty for a blank line."""
    if not line.strip():
        return ""
    if _FENCE.match(line):
        return "code"
    if _HEADING.match(line):
        return "heading"
    return "table" if line.lstrip().startswith("|") else "paragraph"


def _fit(block: _Block, max_chars: int) -> Iterator[str]:
    """Yield a block whole, or a long paragraph in pieces that end with a sentence or a line."""
    if block.kind != "paragraph" or len(block.text) <= max_chars:
        yield block.text
        return
    held = ""
    for piece in _pieces(block.text, max_chars):
        if held and len(held) + len(piece) > max_chars:
            yield held.strip()
            held = ""
        held += piece
    if held.strip():
        yield held.strip()


def _pieces(text: str, max_chars: int) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        for sentence in _SENTENCE_END.split(line):
            # Text without any sentence end (a log, a base64 blob) is cut by length.
            yield from (sentence[i : i + max_chars] for i in range(0, len(sentence), max_chars))


def _digest(section: str, text: str) -> str:
    return hashlib.sha256(f"{section}\n{text}".encode()).hexdigest()[:10]


def _unique(chunk_id: str, seen: set[str]) -> str:
    """Return the id, numbered if the same text stood in the document before."""
    found, number = chunk_id, 1
    while found in seen:
        number += 1
        found = f"{chunk_id}-{number}"
    seen.add(found)
    return found
