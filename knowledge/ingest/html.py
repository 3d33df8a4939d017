"""HTML to Markdown through Beautiful Soup: headings, text, lists, tables and code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from knowledge.errors import KnowledgeError
from knowledge.ingest.encoding import decode
from knowledge.ingest.markdown import fenced, table
from knowledge.ingest.report import SkipError

_NOISE = (
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "footer",
    "header",
    "aside",
    "form",
    "svg",
    "iframe",
)
_BLOCKS = frozenset((
    "p", "div", "section", "article", "main", "body", "ul", "ol", "li", "table", "pre",
    "blockquote", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6",
    "figure", "figcaption", "details", "summary", "html",
))  # fmt: skip


def html_to_markdown(content: bytes) -> str:
    """Return the main content of an HTML page as Markdown."""
    try:
        from bs4 import BeautifulSoup
    except ImportError as error:
        raise KnowledgeError(
            "Reading HTML needs more packages: pip install beautifulsoup4 pypdf python-docx"
        ) from error
    soup: Any = BeautifulSoup(_text(content), "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(_NOISE):
        tag.decompose()
    root = soup.find("main") or soup.find("article") or soup.body or soup
    parts = [part for part in _blocks(root) if part.strip()]
    if title and not any(part.startswith("# ") for part in parts):
        parts.insert(0, f"# {title}")
    return "\n\n".join(parts)


def _text(content: bytes) -> str:
    """Return the page's text; an encoding of another script is left to the parser to detect."""
    try:
        return decode(content)
    except SkipError:
        from bs4.dammit import UnicodeDammit

        found = UnicodeDammit(content).unicode_markup
        if found is None:
            raise
        return found


def _blocks(node: Any) -> Iterator[str]:
    inline: list[str] = []
    for child in node.children:
        name = getattr(child, "name", None)
        if name not in _BLOCKS:
            if type(child).__name__ in ("Tag", "NavigableString"):
                inline.append(child.get_text(" ") if name else str(child))
            continue
        yield from _flushed(inline)
        yield from _block(child, name)
    yield from _flushed(inline)


def _block(tag: Any, name: str) -> Iterator[str]:
    if name in ("h1", "h2", "h3", "h4", "h5", "h6"):
        yield f"{'#' * int(name[1])} {_words(tag)}"
    elif name == "pre":
        yield fenced(tag.get_text())
    elif name == "table":
        rows = [[_words(cell) for cell in row.find_all(("th", "td"))] for row in tag.find_all("tr")]
        rows = [row for row in rows if row]
        yield table(rows) if rows else ""
    elif name in ("ul", "ol"):
        yield "\n".join(_items(tag, ordered=name == "ol"))
    elif tag.find(_BLOCKS):
        yield from _blocks(tag)
    else:
        yield _words(tag)


def _items(tag: Any, *, ordered: bool, depth: int = 0) -> Iterator[str]:
    for number, item in enumerate(tag.find_all("li", recursive=False), start=1):
        nested = item.find_all(("ul", "ol"), recursive=False)
        for inner in nested:
            inner.extract()
        yield f"{'  ' * depth}{f'{number}.' if ordered else '-'} {_words(item)}"
        for inner in nested:
            yield from _items(inner, ordered=inner.name == "ol", depth=depth + 1)


def _flushed(inline: list[str]) -> Iterator[str]:
    text = " ".join(" ".join(inline).split())
    inline.clear()
    if text:
        yield text


def _words(tag: Any) -> str:
    return " ".join(tag.get_text(" ", strip=True).split())
