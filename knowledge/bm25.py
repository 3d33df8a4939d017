"""BM25 in memory, without numpy: for the few hundred passages of the packaged glossary.

Ingested documents use the same formula over arrays on disk (knowledge/postings.py).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

K1 = 1.2
B = 0.6
"""Below the usual 0.75: long passages here are tables, which are not long-winded."""
KANA_WEIGHT = 0.35
"""Bigrams of hiragana alone are mostly grammar (です, する, とは)."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A document's number, its BM25 score and the share of the query's weight that it covers."""

    number: int
    score: float
    coverage: float


class Bm25:
    """An inverted index over weighted tokens."""

    def __init__(self, documents: Iterable[Sequence[tuple[Sequence[str], float]]]) -> None:
        """Index documents, each given as (tokens, weight) fields."""
        self._postings: dict[str, dict[int, float]] = {}
        self._lengths: list[float] = []
        for number, fields in enumerate(documents):
            length = 0.0
            for words, weight in fields:
                length += weight * len(words)
                for word in words:
                    row = self._postings.setdefault(word, {})
                    row[number] = row.get(number, 0.0) + weight
            self._lengths.append(length)
        self._mean = sum(self._lengths) / max(len(self._lengths), 1) or 1.0

    def search(
        self, query: Sequence[str], limit: int, allowed: Container[int] | None = None
    ) -> list[Scored]:
        """Return the best documents, best first; `allowed` restricts them."""
        weights = {word: self.weight(word) for word in dict.fromkeys(query)}
        total = sum(weights.values()) or 1.0
        scores: dict[int, float] = {}
        covered: dict[int, float] = {}
        for word, weight in weights.items():
            for number, count in self._postings.get(word, {}).items():
                if allowed is not None and number not in allowed:
                    continue
                norm = K1 * (1 - B + B * self._lengths[number] / self._mean)
                scores[number] = scores.get(number, 0.0) + weight * count * (K1 + 1) / (
                    count + norm
                )
                covered[number] = covered.get(number, 0.0) + weight
        best = sorted(scores, key=lambda number: (-scores[number], number))[:limit]
        return [Scored(number, scores[number], covered[number] / total) for number in best]

    def weight(self, word: str) -> float:
        """Return a token's weight: how rare it is, less for grammar."""
        found = len(self._postings.get(word, ()))
        return idf(found, len(self._lengths)) * (KANA_WEIGHT if is_kana(word) else 1.0)


def idf(documents_with: int, documents: int) -> float:
    """Return the inverse document frequency, never negative."""
    return math.log(1 + (documents - documents_with + 0.5) / (documents_with + 0.5))


def is_kana(word: str) -> bool:
    """Whether a token is hiragana alone."""
    return all("\u3041" <= letter <= "\u309f" for letter in word)
