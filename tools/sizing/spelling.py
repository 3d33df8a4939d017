"""Spellings of model names: one key for `meta-llama/Meta-Llama-3-8B`, `llama3 8b` and `ラマ3 8B`.

A key is the words of a name in lower case, numbers apart from letters (`llama 3 8b`). Words that
say nothing about the size of a model (`instruct`, `hf`) may be left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_KANA = (
    ("ディープシーク", "deepseek"),
    ("ステーブルディフュージョン", "stable diffusion"),
    ("スワロー", "swallow"),
    ("ミクストラル", "mixtral"),
    ("ミストラル", "mistral"),
    ("クウェン", "qwen"),
    ("クエン", "qwen"),
    ("ジェンマ", "gemma"),
    ("ジェマ", "gemma"),
    ("ロベルタ", "roberta"),
    ("ファルコン", "falcon"),
    ("バート", "bert"),
    ("ファイ", "phi"),
    ("リャマ", "llama"),
    ("ラマ", "llama"),
)
_TOKEN = re.compile(r"\d+x\d+b?(?![a-z])|\d+(?:\.\d+)?[bmk](?![a-z])|\d+(?:\.\d+)?|[a-z]+")
_NOISE = frozenset(
    "meta facebook instruct chat it hf pt base sft dpo text model preview hosted latest original "
    "モデル v".split()
)
_VERSION = re.compile(r"[-_ ]v0\.\d+$|[-_ ]\d{4}$|[-_ ]\d{4}-\d{2}$")
_ORG = re.compile(r"^[\w.-]{3,}/(?=[a-z])", re.ASCII)
_MAX_WORDS = 8
_NAME_CHARACTERS = re.compile(r"[a-z0-9.\-_/ ]+")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a name stands in a text."""

    start: int
    end: int


def spellings(name: str) -> list[str]:
    """Return the keys of a name, most literal first."""
    word = _ORG.sub("", fold(name).strip())
    word = re.sub(r"\b(\d+(?:\.\d+)?)\s+([bm])\b", r"\1\2", word)
    keys = [_key(word, drop=False), _key(word, drop=True), _key(_VERSION.sub("", word), drop=True)]
    return [key for key in dict.fromkeys(keys) if key]


def fold(text: str) -> str:
    """Return `text` in half width, lower case, with names in kana spelt in letters."""
    word = unicodedata.normalize("NFKC", text).lower()
    for kana, letters in _KANA:
        word = word.replace(kana, letters)
    return word


def runs(text: str) -> Iterator[tuple[Span, str]]:
    """Yield every run of up to eight words that could be a name, longest first, with its key.

    Spans refer to `fold(text)`.
    """
    word = fold(text)
    tokens = list(_TOKEN.finditer(word))
    for length in range(min(_MAX_WORDS, len(tokens)), 0, -1):
        for first in range(len(tokens) - length + 1):
            span = Span(tokens[first].start(), tokens[first + length - 1].end())
            if _NAME_CHARACTERS.fullmatch(word, span.start, span.end) and _stands_alone(word, span):
                key = spellings(word[span.start : span.end])
                yield span, key[-1] if key else ""


def _stands_alone(word: str, span: Span) -> bool:
    before, after = word[span.start - 1 : span.start], word[span.end : span.end + 1]
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())


def _key(word: str, *, drop: bool) -> str:
    tokens = _TOKEN.findall(word)
    if drop:
        kept = [token for token in tokens if token not in _NOISE]
        tokens = kept or tokens
    return " ".join(tokens)
