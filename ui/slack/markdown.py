"""Markdown of an answer, cut into pieces that Slack can show.

Slack reads `&`, `<` and `>` as control characters everywhere, so they are escaped in code as well;
nothing in an answer can become a mention or a link it was not. Slack shows bold text beside
Japanese letters only with a space between them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ui.markdown import BlockReader, Line, Table, plain

_FENCE = re.compile(r"^\s*(~{3,}|`{3,}(?=[^`]*$))")
_RULE = re.compile(r"^\s*([-*_])(\s*\1){2,}\s*$")
_RUN = re.compile(
    r"(?P<code>`+[^`\n]*`+)|(?P<bold>\*\*(?=\S)(?:(?>`[^`\n]*`|[^*\n]|\*(?!\*)))+?(?<=\S)\*\*)"
)
_AUTOLINK = re.compile(r"<(https?://[^>\s]+)>")
_QUOTE = re.compile(r"^(\s*>)+\s?")
_ENTITY_CUT = re.compile(r"&\w{0,4}$")
_SENTENCE = re.compile(r"[。！？]|[.!?](?=\s)")


@dataclass(frozen=True, slots=True)
class Prose:
    """Text for a markdown block, escaped."""

    text: str


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code, not escaped."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line."""


Segment = Prose | Fence | Rule | Table


def escape(text: str) -> str:
    """Return text in which Slack sees no control characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def segments(markdown: str) -> Iterator[Segment]:
    """Yield the pieces of a text in order."""
    prose: list[str] = []
    lines = iter(markdown.split("\n"))
    for line in lines:
        if fence := _FENCE.match(line):
            yield from _finished(prose)
            yield Fence(tuple(_until_closed(lines, fence.group(1))))
        elif line.lstrip().startswith("|"):
            prose.append(line)
        elif _RULE.match(line):
            yield from _finished(prose)
            yield Rule()
        else:
            if prose and prose[-1].lstrip().startswith("|"):
                yield from _finished(prose)
            prose.append(line)
    yield from _finished(prose)


def spaced_bold(line: str) -> str:
    """Return a line in which bold text touches no letter, so that Slack shows it bold."""
    parts: list[str] = []
    place = 0
    for match in _RUN.finditer(line):
        start, end = match.span()
        parts.append(line[place:start])
        bold = match.group("bold") is not None
        if bold and start and _touches(line[start - 1]):
            parts.append(" ")
        parts.append(match.group())
        if bold and end < len(line) and _touches(line[end]):
            parts.append(" ")
        place = end
    return "".join(parts) + line[place:]


def split_text(text: str, limit: int) -> list[str]:
    """Return escaped prose in pieces of at most `limit` characters.

    A piece ends at an empty line, else at a line end, else after a sentence; only a sentence longer
    than the limit is cut, and never inside an entity.
    """
    pieces: list[str] = []
    while len(text) > limit:
        end = _cut(text, limit)
        pieces.append(text[:end].rstrip("\n"))
        text = text[end:].lstrip("\n")
    return [piece for piece in (*pieces, text) if piece.strip()]


def split_fence(fence: Fence, limit: int) -> list[str]:
    """Return code as fenced, escaped texts of at most `limit` characters, cut at line ends."""
    ticks = "`" * max(3, 1 + max((_longest_ticks(line) for line in fence.lines), default=0))
    room = limit - 2 * len(ticks) - 2
    pieces: list[list[str]] = [[]]
    used = 0
    for line in _bounded(fence.lines, room):
        if used + len(line) + 1 > room and pieces[-1]:
            pieces.append([])
            used = 0
        pieces[-1].append(line)
        used += len(line) + 1
    return ["\n".join((ticks, *lines, ticks)) for lines in pieces if lines]


def _finished(lines: list[str]) -> Iterator[Segment]:
    """Yield what the collected lines are, and forget them."""
    taken, lines[:] = lines[:], []
    first = next((i for i, line in enumerate(taken) if line.lstrip().startswith("|")), len(taken))
    yield from _prose(taken[:first])
    if first == len(taken):
        return
    reader = BlockReader()
    for line in taken[first:]:
        reader.feed(line)
    for block in reader.close():
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Line):
            yield Prose(escape(plain(block.spans)))


def _prose(lines: list[str]) -> Iterator[Segment]:
    text = "\n".join(map(_prose_line, lines)).strip("\n")
    if text.strip():
        yield Prose(text)


def _prose_line(line: str) -> str:
    line = _AUTOLINK.sub(r"[\1](\1)", line)
    quote = _QUOTE.match(line)
    lead = quote.group() if quote else ""
    return lead + escape(spaced_bold(line[len(lead) :]))


def _until_closed(lines: Iterator[str], ticks: str) -> Iterator[str]:
    for line in lines:
        if line.strip().startswith(ticks) and not line.strip().strip(ticks[0]):
            return
        yield line


def _touches(char: str) -> bool:
    return not char.isspace() and not unicodedata.category(char).startswith("P")


def _cut(text: str, limit: int) -> int:
    """Return where to end a piece."""
    head = text[:limit]
    for mark in ("\n\n", "\n"):
        if (place := head.rfind(mark)) > limit // 4:
            return place + len(mark)
    ends = [match.end() for match in _SENTENCE.finditer(head)]
    for end in reversed(ends):
        if head[:end].count("**") % 2 == 0 and head[:end].count("`") % 2 == 0:
            return end
    entity = _ENTITY_CUT.search(head)
    return entity.start() if entity and entity.start() else limit


def _bounded(lines: tuple[str, ...], room: int) -> Iterator[str]:
    """Yield escaped lines, those longer than a whole piece in parts."""
    for line in lines:
        text = escape(line)
        while len(text) > room:
            entity = _ENTITY_CUT.search(text[:room])
            end = entity.start() if entity and entity.start() else room
            yield text[:end]
            text = text[end:]
        yield text


def _longest_ticks(line: str) -> int:
    return max(map(len, re.findall(r"`+", line)), default=0)
