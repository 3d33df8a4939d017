"""Columns that text takes on a terminal, and line breaking for mixed Japanese and English.

Ambiguous characters (`×`, `→`, `─`) count one column, as in current terminals. Emoji sequences are
counted by their parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

_OPEN = "(\\[{（「『【〔〈《［｛"
_CLOSE = (
    ")\\]}、。，．,.!?！？）」』】〕〉》］｝:;：；…‥ー%％々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
)
_WIDE = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
    "\U0001f300-\U0001faff\U00020000-\U0003fffd"
)
_AMOUNT = rf"\d[\d,.]*\s[A-Za-z][^\s{_WIDE}{_OPEN}]*"  # a number stays with its unit
_WORD = rf"[^\s{_WIDE}{_OPEN}]+"
_BREAKABLE = re.compile(r"(?<=[/_\-.])")


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """Return the columns of one character: 0, 1 or 2."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def text_width(text: str) -> int:
    """Return the columns of a line of text."""
    return len(text) if text.isascii() else sum(map(char_width, text))


def fit(text: str, width: int) -> str:
    """Return `text` cut to `width` columns, with `…` where something was cut."""
    if text_width(text) <= width:
        return text
    kept, used = "", 0
    for char in text:
        used += char_width(char)
        if used > width - 1:
            break
        kept += char
    return kept + "…"


def tokens(text: str) -> Iterator[str]:
    """Yield the pieces between which a line may break: words, Japanese characters, spaces.

    A closing mark stays with the piece before it, an opening one with the piece after it.
    """
    return (match.group() for match in _token_pattern().finditer(text))


@cache
def _token_pattern() -> re.Pattern[str]:
    # Compiling takes 9 ms, which an answer into a pipe need not pay.
    piece = f"(?:[{_WIDE}]|{_AMOUNT}|{_WORD})"
    return re.compile(rf"\s+|[{_OPEN}]*{piece}[{_CLOSE}]*|[{_OPEN}]+")


def longest_token(text: str) -> int:
    """Return the columns of the widest piece that cannot be broken well."""
    return max((text_width(token) for token in tokens(text) if not token.isspace()), default=0)


def line_slices(text: str, width: int, column: int = 0) -> list[slice]:
    """Return the parts of `text` that fill lines of `width` columns; the first starts at `column`.

    Spaces at a break belong to no line. Only a first line that has no room may be empty.
    """
    slices: list[slice] = []
    start = end = place = 0
    for token in _pieces(tokens(text), width):
        columns = text_width(token)
        if token.isspace():
            place, column = place + len(token), column + columns
            continue
        if column + columns > width and column:
            slices.append(slice(start, end))
            start, column = place, 0
        place += len(token)
        end, column = place, column + columns
    return [*slices, slice(start, end)]


def _pieces(parts: Iterable[str], width: int) -> Iterator[str]:
    """Split tokens that are wider than a line, at a path separator where there is one."""
    for part in parts:
        if text_width(part) <= width or part.isspace():
            yield part
            continue
        for piece in _BREAKABLE.split(part):
            yield from [piece] if text_width(piece) <= width else _chopped(piece, width)


def _chopped(text: str, width: int) -> list[str]:
    pieces, used = [""], 0
    for char in text:
        used += char_width(char)
        if used > width and pieces[-1]:
            pieces.append("")
            used = char_width(char)
        pieces[-1] += char
    return pieces
