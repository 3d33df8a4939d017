"""Text as the knowledge base compares it: folded width and case, and search tokens for Japanese."""

from __future__ import annotations

import re
import unicodedata

_SEPARATORS = re.compile(r"[\s\-_・/()「」『』\"'“”]+")
_TOKEN = re.compile(
    r"[a-z0-9]+(?:[.][a-z0-9]+)*"  # words, numbers and instance names: g5.xlarge, 2.5
    r"|[\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"  # a run of kana and kanji
    r"|[^\W\d_a-z]+"  # other scripts, as whole words
)


def fold(text: str) -> str:
    """Return `text` in NFKC and without case."""
    return unicodedata.normalize("NFKC", text).casefold()


def squeeze(text: str) -> str:
    """Return `text` folded and without separators: `Zero 3`, `zero-3` and `ZeRO-3` are one."""
    return _SEPARATORS.sub("", fold(text))


def tokens(text: str) -> list[str]:
    """Return search tokens: ASCII words whole, Japanese runs as character bigrams."""
    found: list[str] = []
    for match in _TOKEN.finditer(fold(text)):
        run = match[0]
        if run[0] < "\u3005" or len(run) == 1:
            found.append(run)
        else:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
    return found
