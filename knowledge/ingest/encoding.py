"""Text of unknown encoding: UTF-8, UTF-16, Shift_JIS, EUC-JP and ISO-2022-JP are told apart."""

from __future__ import annotations

import re

from knowledge.ingest.report import SkipError


def decode(content: bytes) -> str:
    """Return text in UTF-8, UTF-16, Shift_JIS, EUC-JP or ISO-2022-JP. Raises SkipError."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decoded(content, "utf-16")
    if b"\x00" in content[:4096]:
        raise SkipError("binary")
    if b"\x1b$" in content[:65_536]:
        return _decoded(content, "iso2022_jp")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _japanese(content)


def _japanese(content: bytes) -> str:
    """Return Shift_JIS or EUC-JP text: one often decodes as the other, into rare characters."""
    found: list[tuple[float, str]] = []
    for encoding in ("cp932", "euc_jp"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        found.append((_strangeness(text), text))
    if not found or min(found)[0] > 0.3:
        raise SkipError("encoding")
    return min(found)[1]


_USUAL = re.compile(r"[\x20-\x7e\s\u3000-\u30ff\uff01-\uff5e\u4e00-\u9fff]")
_KANA_OR_ASCII = re.compile(r"[\x20-\x7e\s\u3001\u3002\u3041-\u30ff]")


def _strangeness(text: str) -> float:
    """Return the share of characters that Japanese prose does not use; kanji alone count too."""
    unusual = sum(not _USUAL.match(letter) for letter in text)
    halfwidth = sum("\uff61" <= letter <= "\uff9f" for letter in text)
    plain = sum(bool(_KANA_OR_ASCII.match(letter)) for letter in text)
    return (unusual + halfwidth) / len(text) + 0.2 * (1 - plain / len(text))


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SkipError("encoding", encoding) from error
