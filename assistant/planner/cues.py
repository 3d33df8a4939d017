"""Cue words: which kinds of words of a data file a text has, and superlatives."""

from __future__ import annotations

import re

from assistant.planner.vocabulary import words


def cues(name: str, text: str) -> frozenset[str]:
    """Return the keys of a word file whose words occur in the text."""
    return frozenset(key for key, pattern in words(name).items() if pattern.search(text))


_MOST = r"(?:一番|最も|もっとも|1番)[^、。]{0,10}?"
_EXTREMES = {
    "superlative_high": re.compile(
        _MOST + r"(?:多|大き|大容量|でか|太|高性能|高速|速|広|太|強|上位)"
    ),
    "superlative_low": re.compile(_MOST + r"(?:安|小さ|少な|低)"),
}


def superlatives(text: str) -> frozenset[str]:
    """Return the superlative cues whose words stand apart (`一番vCPUが多い`)."""
    return frozenset(key for key, pattern in _EXTREMES.items() if pattern.search(text))
