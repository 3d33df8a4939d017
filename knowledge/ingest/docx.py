"""DOCX to Markdown through python-docx: headings, paragraphs, lists and tables in order."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from knowledge.errors import KnowledgeError
from knowledge.ingest.markdown import table
from knowledge.ingest.report import SkipError

_OLE = b"\xd0\xcf\x11\xe0"
"""How Office wraps an encrypted document (and an old .doc under a wrong name)."""
_HEADING = re.compile(r"(?:Heading|見出し)\s*(\d)", re.IGNORECASE)
MAX_UNPACKED = 300 * 1024 * 1024
"""Refuse archives that unpack to more: a DOCX can be a zip bomb."""


def docx_to_markdown(content: bytes) -> str:
    """Return a Word document as Markdown. Raises SkipError (encrypted, damaged)."""
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
    except ImportError as error:
        raise KnowledgeError(
            "Reading DOCX needs more packages: pip install beautifulsoup4 pypdf python-docx"
        ) from error
    if content.startswith(_OLE):
        raise SkipError("encrypted")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED:
                raise SkipError("too_large", "unpacked")
        document: Any = docx.Document(io.BytesIO(content))
        return "\n\n".join(part for part in _parts(document) if part.strip())
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError) as error:
        raise SkipError("damaged", type(error).__name__) from error


def _parts(document: Any) -> Iterator[str]:
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            rows = [[cell.text for cell in row.cells] for row in block.rows]
            yield table(rows) if rows else ""
            continue
        text = block.text.strip()
        style = block.style.name if block.style is not None else ""
        if match := _HEADING.match(style):
            yield f"{'#' * min(int(match[1]), 6)} {text}" if text else ""
        elif style == "Title":
            yield f"# {text}"
        elif style.startswith("List"):
            yield f"- {text}"
        else:
            yield text
