"""PDF to Markdown through pypdf: one section a page, so that a citation names the page."""

from __future__ import annotations

import io
import re

from knowledge.errors import KnowledgeError
from knowledge.ingest.report import SkipError

_BROKEN_LINE = re.compile(r"(?<=[\u3041-\u30ff\u4e00-\u9fff、])\n(?=[\u3041-\u30ff\u4e00-\u9fff])")

_BROKEN = (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError)
"""What pypdf raises for files that are not as they should be, beside its own errors."""


def pdf_to_markdown(content: bytes) -> str:
    """Return the text of a PDF with a heading per page. Raises SkipError."""
    try:
        from pypdf import PdfReader
        from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError
    except ImportError as error:
        raise KnowledgeError(
            "Reading PDF needs more packages: pip install beautifulsoup4 pypdf python-docx"
        ) from error
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise SkipError("encrypted")
        pages = [page.extract_text() for page in reader.pages]
    except (DependencyError, FileNotDecryptedError) as error:
        raise SkipError("encrypted") from error
    except (PyPdfError, *_BROKEN) as error:
        raise SkipError("damaged", type(error).__name__) from error
    return "\n\n".join(
        f"## p. {number}\n\n{_joined(text)}" for number, text in enumerate(pages, 1) if text.strip()
    )


def _joined(text: str) -> str:
    """Return a page's text, Japanese sentences joined over line ends, without false headings."""
    joined = _BROKEN_LINE.sub("", text.strip())
    return re.sub(r"^(?=[#|])", r"\\", joined, flags=re.MULTILINE)
