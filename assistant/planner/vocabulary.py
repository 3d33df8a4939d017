"""Load the planner's vocabulary: the TOML files in data/, as typed tables. No rules live there."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """Return a data file as a dict."""
    return tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))


@cache
def spoken_forms() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return the pattern of kana spellings and what each stands for."""
    forms: dict[str, str] = table("spoken")["forms"]
    return any_of(forms), forms


@cache
def words(name: str) -> dict[str, re.Pattern[str]]:
    """Return a compiled pattern per key of a file that maps keys to lists of words."""
    return {key: any_of(entries) for key, entries in table(name).items()}


@cache
def word_index(name: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return one pattern over all words of a file, and the key of each word."""
    index = {word: key for key, entries in table(name).items() for word in entries}
    return any_of(index), index


def any_of(entries: Any) -> re.Pattern[str]:
    """Return a pattern that finds any of the words, longest first; ASCII words as whole words."""
    alternatives = (_whole(word) for word in sorted(entries, key=len, reverse=True))
    return re.compile("|".join(alternatives) or r"(?!)")


def _whole(word: str) -> str:
    escaped = re.escape(word).replace(r"\ ", r"\s*").replace("gpu1", r"gpu\s*1")
    left = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", word) else ""
    right = r"(?![a-z0-9])" if re.search(r"[a-z0-9]$", word) else ""
    return f"{left}{escaped}{right}"


def respace(word: str, index: dict[str, str]) -> str:
    """Return the listed spelling of a word that was written with other spaces."""
    squeezed = re.sub(r"\s+", "", word)
    return next(entry for entry in index if re.sub(r"\s+", "", entry) == squeezed)
