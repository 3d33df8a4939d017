"""What the output stream can show, decided once: width, colour, layout."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from typing import Literal, TextIO

ColorChoice = Literal["auto", "always", "never"]
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_WIDEST_PROSE = 100  # longer lines are hard to read; tables may use the whole width


@dataclass(frozen=True, slots=True)
class Terminal:
    """How text is shown on one stream."""

    width: int = 80
    color: bool = False
    laid_out: bool = False
    """Rendered for a reader at a screen; otherwise the Markdown text is written as it is."""
    cursor: bool = False
    """Lines can be erased: a real terminal."""

    @property
    def prose_width(self) -> int:
        """Columns of running text."""
        return min(self.width, _WIDEST_PROSE)


def terminal_for(stream: TextIO, color: ColorChoice = "auto") -> Terminal:
    """Return what `stream` can show, given `--color`, NO_COLOR and TERM."""
    screen = is_tty(stream)
    dumb = os.environ.get("TERM") == "dumb"
    allowed = screen and not dumb and not os.environ.get("NO_COLOR")
    return Terminal(
        width=max(shutil.get_terminal_size((80, 24)).columns, 20),
        color=color == "always" or (color == "auto" and allowed),
        laid_out=screen or color == "always",
        cursor=screen and not dumb,
    )


def is_tty(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal; a closed stream is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def force_utf8() -> None:
    """Make the standard streams UTF-8 whatever the locale; unencodable input never fails output."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def clean_text(text: str) -> str:
    """Return `text` with undecodable bytes and lone surrogates replaced, so it can be written."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    try:  # what a locale without UTF-8 could not read of the command line
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
