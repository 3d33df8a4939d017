"""Readers: the bytes of a file become Markdown, by the file's extension.

Markdown and text are kept as they are; HTML, DOCX, notebooks and CSV are written as Markdown with
their headings, tables and code, so that chunks follow the structure of the original.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from knowledge.ingest.encoding import decode
from knowledge.ingest.markdown import fenced, table
from knowledge.ingest.report import SkipError

CSV_ROWS = 25
"""Rows of a CSV file in one passage: each repeats the header, so that a row can be cited."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as Markdown."""

    markdown: str
    title: str
    media_type: str


def parse(name: str, content: bytes) -> Parsed:
    """Return the document in `content` as Markdown. Raises SkipError with the reason."""
    if not content.strip():
        raise SkipError("empty")
    suffix = PurePosixPath(name).suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        raise SkipError("unsupported", suffix or "no extension")
    media_type, read = reader
    markdown = read(content)
    if not markdown.strip():
        raise SkipError("no_text")
    return Parsed(markdown, _title(markdown) or PurePosixPath(name).stem, media_type)


def _html(content: bytes) -> str:
    from knowledge.ingest.html import html_to_markdown

    return html_to_markdown(content)


def _pdf(content: bytes) -> str:
    from knowledge.ingest.pdf import pdf_to_markdown

    return pdf_to_markdown(content)


def _docx(content: bytes) -> str:
    from knowledge.ingest.docx import docx_to_markdown

    return docx_to_markdown(content)


def _notebook(content: bytes) -> str:
    """Return a Jupyter notebook: Markdown cells as they are, code and its text output in fences."""
    try:
        cells: list[dict[str, Any]] = json.loads(decode(content))["cells"]
        language = "python"
        return "\n\n".join(part for cell in cells for part in _cell(cell, language))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SkipError("damaged", type(error).__name__) from error


def _cell(cell: dict[str, Any], language: str) -> Iterator[str]:
    source = _joined(cell.get("source", ""))
    if cell.get("cell_type") != "code":
        yield source
        return
    if source.strip():
        yield fenced(source, language)
    for output in cell.get("outputs", []):
        text = _joined(output.get("text") or output.get("data", {}).get("text/plain", ""))
        if text.strip():
            yield fenced(text, "text")


def _joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _csv(content: bytes) -> str:
    """Return a CSV file as tables of some rows, each with the header, under the rows' numbers."""
    text = decode(content)
    first = text.lstrip().split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(row)]
    if not rows:
        raise SkipError("empty")
    header, body = rows[0], rows[1:]
    parts = [
        f"## {begin + 1}-{begin + len(block)} 行\n\n{table([header, *block])}"
        for begin in range(0, len(body), CSV_ROWS)
        if (block := body[begin : begin + CSV_ROWS])
    ]
    return "\n\n".join(parts or [table([header])])


def _title(markdown: str) -> str:
    match = re.search(r"^#\s+(.+?)\s*#*$", markdown, re.MULTILINE)
    return match[1].strip() if match else ""


READERS: dict[str, tuple[str, Callable[[bytes], str]]] = {
    ".md": ("text/markdown", decode),
    ".markdown": ("text/markdown", decode),
    ".txt": ("text/plain", decode),
    ".text": ("text/plain", decode),
    ".rst": ("text/plain", decode),
    ".log": ("text/plain", decode),
    ".html": ("text/html", _html),
    ".htm": ("text/html", _html),
    ".xhtml": ("text/html", _html),
    ".pdf": ("application/pdf", _pdf),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", _docx),
    ".ipynb": ("application/x-ipynb+json", _notebook),
    ".csv": ("text/csv", _csv),
    ".tsv": ("text/tab-separated-values", _csv),
}
