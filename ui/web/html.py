"""Markdown of answers as HTML, and the escaping that everything written to the page goes through.

The reader is the one of the terminal, so that `$`, `~` and `**「…」**です` mean the same in both.
No HTML in the source survives: text is escaped first, tags come from here alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape as _escape

from ui.markdown import INLINE, Block, BlockReader, Code, Line, Rule, Span, Spans, Table

_CITED = re.compile(r"\[(\d{1,2})\]")
_SAFE_URL = re.compile(r"https?://", re.IGNORECASE)
Cite = Callable[[int], str | None]
"""Returns the HTML of the mark `[n]`; None where there is no such citation."""


def esc(text: object) -> str:
    """Return text as it may stand in HTML, in attributes too."""
    return _escape(str(text), quote=True)


def link(url: str, label: str) -> str:
    """Return a link that opens beside the page; an address that is no web address stays text."""
    if not _SAFE_URL.match(url):
        return esc(label)
    return f'<a href="{esc(url)}" target="_blank" rel="noopener noreferrer">{esc(label)}</a>'


def no_marks(number: int) -> None:
    """Cite nothing: `[n]` stays as it is written."""


def render_html(markdown: str, cite: Cite = no_marks, *, table_label: str = "") -> str:
    """Return Markdown as HTML."""
    reader = BlockReader(inline=lambda text, style: [Span(_inline(text, cite), style)])
    blocks = [block for line in markdown.split("\n") for block in reader.feed(line)]
    return "".join(_groups([*blocks, *reader.close()], table_label))


def render_table(rows: list[list[str]], caption: str, *, visible: bool = False) -> str:
    """Return plain rows, the first one naming the columns, as a table."""
    head = "".join(f'<th scope="col">{esc(cell)}</th>' for cell in rows[0])
    body = "".join(f"<tr>{_cells(map(esc, row))}</tr>" for row in rows[1:])
    shown = "" if visible else ' class="unseen"'
    return scroller(
        f"<table><caption{shown}>{esc(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>",
        caption,
    )


def scroller(table: str, label: str) -> str:
    """Return a wide table in a frame that scrolls, by keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{esc(label)}">{table}</div>'


def _groups(blocks: Iterable[Block], table_label: str) -> Iterable[str]:
    """Yield paragraphs, lists and quotes: neighbouring lines of one kind belong together."""
    lines: list[Line] = []
    for block in blocks:
        if not isinstance(block, Line):
            yield from _close(lines)
            yield _single(block, table_label)
        elif (not block.spans and not block.lead) or _blank(block):
            yield from _close(lines)
        else:
            if lines and _group_of(lines[-1]) != _group_of(block):
                yield from _close(lines)
            lines.append(block)
    yield from _close(lines)


def _close(lines: list[Line]) -> Iterable[str]:
    if not lines:
        return
    group, items = _group_of(lines[0]), [_text(line.spans) for line in lines]
    leads = [line.lead for line in lines]
    lines.clear()
    match group:
        case "ul" | "ol":
            rows = zip(leads, items, strict=True)
            yield f"<{group}>{''.join(_item(lead, item) for lead, item in rows)}</{group}>"
        case "quote":
            yield f"<blockquote><p>{'<br>'.join(items)}</p></blockquote>"
        case "heading":
            yield from (f"<h3>{item}</h3>" for item in items)
        case _:
            yield f"<p>{'<br>'.join(items)}</p>"


def _item(lead: str, item: str) -> str:
    depth = (len(lead) - len(lead.lstrip())) // 2
    number = re.match(r"\s*(\d+)", lead)
    value = f' value="{number.group(1)}"' if number else ""
    nested = f' class="deep{min(depth, 3)}"' if depth else ""
    return f"<li{value}{nested}>{item}</li>"


def _group_of(line: Line) -> str:
    if line.kind == "item":
        return "ol" if re.match(r"\s*\d", line.lead) else "ul"
    return line.kind


def _single(block: Table | Code | Rule, label: str) -> str:
    if isinstance(block, Rule):
        return "<hr>"
    if isinstance(block, Code):
        code = esc("\n".join(block.lines))
        return f'<pre tabindex="0"><code>{code}</code></pre>'
    return _table(block, label)


def _table(table: Table, label: str) -> str:
    styles = [f' class="{a}"' if a != "left" else "" for a in table.alignments]
    head = "".join(
        f'<th scope="col"{style}>{_text(cell)}</th>'
        for cell, style in zip(table.header, styles, strict=True)
    )
    rows = "".join(
        f"<tr>{_cells([_text(cell) for cell in row], styles)}</tr>" for row in table.rows
    )
    return scroller(
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>", label or "table"
    )


def _cells(cells: Iterable[str], styles: list[str] | None = None) -> str:
    first, *rest = cells
    row = f'<th scope="row">{first}</th>'
    for index, cell in enumerate(rest, 1):
        row += f"<td{styles[index] if styles else ''}>{cell}</td>"
    return row


def _text(spans: Spans) -> str:
    """Return spans whose text is HTML already."""
    return "".join(span.text for span in spans)


def _blank(line: Line) -> bool:
    return not line.lead and not _text(line.spans).strip()


def _inline(text: str, cite: Cite) -> str:
    parts: list[str] = []
    place = 0
    for match in INLINE.finditer(text):
        parts.append(_plain(text[place : match.start()], cite))
        parts.append(_marked(match, cite))
        place = match.end()
    parts.append(_plain(text[place:], cite))
    return "".join(parts)


def _marked(match: re.Match[str], cite: Cite) -> str:
    found = {name: text for name, text in match.groupdict().items() if text is not None}
    if "escaped" in found:
        return esc(found["escaped"])
    if "code" in found:
        return f"<code>{esc(found['code'].strip() or found['code'])}</code>"
    for name, tag in (("strong", "strong"), ("em", "em")):
        if name in found:
            return f"<{tag}>{_inline(found[name], cite)}</{tag}>"
    url = found.get("url") or found["auto"]
    return link(url, found.get("label") or url)


def _plain(text: str, cite: Cite) -> str:
    """Return escaped text with the marks of citations made into buttons."""
    parts: list[str] = []
    place = 0
    for match in _CITED.finditer(text):
        mark = cite(int(match.group(1)))
        if mark is not None:
            parts += [esc(text[place : match.start()]), mark]
            place = match.end()
    return "".join([*parts, esc(text[place:])])
