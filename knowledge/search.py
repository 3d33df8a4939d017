"""Search the packaged glossary: exact names first, then BM25 over its passages.

Importing this module loads neither numpy nor chromadb nor any model; the index is built from the
packaged text on the first search (about 0.15 s). knowledge/library.py adds vectors and ingested
documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from knowledge.bm25 import Bm25
from knowledge.chunks import Chunk
from knowledge.glossary_index import GlossaryIndex, Head, asked_name, load_glossary
from knowledge.text import fold, squeeze, tokens

HALF_SCORE = 12.0
"""BM25 score of even evidence: between questions inside and outside the glossary."""
MIN_SCORE = 0.54
MIN_COVERAGE = 0.5
"""Below both, nothing is answered: a short question cannot score high, but it can be covered."""
MIN_SCORE_WITH_UNKNOWN_WORD = 0.62
MIN_COVERAGE_WITH_UNKNOWN_NAME = 0.75
"""A question about a name that no passage has (`DynamoDB`) is answered only if all else matches."""
PER_DOCUMENT = 2
"""Passages shown of one document, so that a long one does not crowd out the others."""

_ASCII_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]+")
_KATAKANA_NAME = re.compile(r"[\u30a1-\u30fa\u30fc]{4,}")
_PHRASE = re.compile(r"[のをがにはで\s]")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Filters:
    """Restrictions of a search; empty means none."""

    series: tuple[str, ...] = ()
    """A passage passes if it is about one of them, or about none in particular."""
    sections: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Document ids or titles of sources (part of the title is enough)."""

    def admits(self, chunk: Chunk) -> bool:
        """Whether a chunk passes."""
        if self.series and chunk.series and not set(self.series) & set(chunk.series):
            return False
        if self.sections and chunk.category not in self.sections:
            return False
        names = (squeeze(chunk.document), squeeze(chunk.source), squeeze(chunk.title))
        return not self.sources or any(squeeze(s) in name for s in self.sources for name in names)


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage and the evidence that it answers, from 0 to 1."""

    chunk: Chunk
    score: float
    coverage: float = 1.0
    """Share of the question's weight (rare words count more) that the passage's words cover."""
    raw: float = 0.0
    """The BM25 score."""


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, and whether they are too weak to answer from."""

    hits: tuple[Hit, ...]
    is_weak: bool
    unknown: tuple[str, ...] = ()
    """Names in the question that no passage contains."""
    entry: Head | None = None
    """The entry that the question asks to define."""
    is_strong: bool = False
    """Whether the evidence answers even a question whose kind nobody recognised."""
    compared: tuple[Head, ...] = ()
    """The entries whose difference the question asks for."""


class GlossarySearch:
    """Search one glossary."""

    def __init__(self, glossary: GlossaryIndex) -> None:
        """Search `glossary`; nothing is read before the first search."""
        self._glossary = glossary

    def search(self, question: str, filters: Filters = NO_FILTERS, limit: int = 5) -> Found:
        """Return the passages that answer `question`."""
        head = self._glossary.defined(question)
        if head and (hits := self._of(head, filters)):
            return Found(hits[:limit], is_weak=False, entry=head)
        ranked = self.ranked(question, filters, limit * 4 + PER_DOCUMENT)
        unknown = self.unknown_names(question)
        weak = is_weak(ranked, unknown) or asked_name(question) in unknown
        return Found(spread(ranked, limit), weak, unknown)

    def ranked(self, question: str, filters: Filters = NO_FILTERS, limit: int = 50) -> list[Hit]:
        """Return passages by BM25 alone, several of one entry included."""
        allowed = None
        if filters != NO_FILTERS:
            allowed = {place for place, chunk in enumerate(self.chunks) if filters.admits(chunk)}
        return [
            Hit(self.chunks[item.number], evidence(item.score), item.coverage, item.score)
            for item in self._bm25.search(tokens(question), limit, allowed)
        ]

    def weight(self, word: str) -> float:
        """Return how much a token says: how rare it is in the glossary."""
        return self._bm25.weight(word)

    def share(self, part: str, question: str) -> float:
        """Return the share of the question's weight that the words of `part` make."""
        words = set(tokens(question))
        total = sum(map(self.weight, words)) or 1.0
        return sum(map(self.weight, words & set(tokens(part)))) / total

    def unknown_names(self, question: str) -> tuple[str, ...]:
        """Return the names in the question that no passage contains."""
        return tuple(name for name in names_in(question) if squeeze(name) not in self._squeezed)

    @cached_property
    def chunks(self) -> list[Chunk]:
        """All passages, in entry order."""
        return [
            chunk for entry_id in self._glossary.ids for chunk in self._glossary.chunks(entry_id)
        ]

    @cached_property
    def _squeezed(self) -> str:
        """All passages and their names as one text, for asking whether a name occurs at all."""
        texts = (f"{chunk.text}\n{chunk.hints}" for chunk in self.chunks)
        return "\n".join(map(squeeze, texts))

    @cached_property
    def _bm25(self) -> Bm25:
        return Bm25(
            fields(self._glossary, chunk, is_first=first)
            for chunk, first in with_first(self.chunks)
        )

    def _of(self, head: Head, filters: Filters) -> tuple[Hit, ...]:
        found = self._glossary.chunks(head.id)
        return tuple(Hit(chunk, 1.0) for chunk in found if filters.admits(chunk))


@lru_cache(maxsize=1)
def glossary_search() -> GlossarySearch:
    """Return the search over the packaged glossary."""
    return GlossarySearch(load_glossary())


def fields(
    glossary: GlossaryIndex, chunk: Chunk, *, is_first: bool
) -> list[tuple[Sequence[str], float]]:
    """Return a passage's tokens by field with weights; the first holds the entry's answer."""
    parts: list[tuple[Sequence[str], float]] = [
        (tokens(chunk.text), 1.0),
        (tokens(chunk.hints), 3.0),
        (tokens(chunk.section), 1.0),
    ]
    if is_first and (head := glossary.get(chunk.document)):
        parts += [
            (tokens(" ".join((*head.questions, *head.asked))), 1.0),
            (tokens(head.summary), 2.0),
            (tokens(head.summary_en), 1.0),
        ]
    return parts


def with_first(chunks: Iterable[Chunk]) -> Iterable[tuple[Chunk, bool]]:
    """Yield each chunk and whether it is the first of its document."""
    last = ""
    for chunk in chunks:
        yield chunk, chunk.document != last
        last = chunk.document


def spread(ranked: Iterable[Hit], limit: int) -> tuple[Hit, ...]:
    """Return the best hits with at most `PER_DOCUMENT` of one document, further ones at the end."""
    counts: dict[str, int] = {}
    kept, rest = list[Hit](), list[Hit]()
    for hit in ranked:
        counts[hit.chunk.document] = counts.get(hit.chunk.document, 0) + 1
        (kept if counts[hit.chunk.document] <= PER_DOCUMENT else rest).append(hit)
    return tuple((kept + rest)[:limit])


def is_weak(ranked: Sequence[Hit], unknown: Sequence[str]) -> bool:
    """Whether the best evidence is too thin to answer from."""
    if not ranked:
        return True
    best = ranked[0]
    score = evidence(best.raw)
    if any(not _KATAKANA_NAME.fullmatch(name) for name in unknown):
        return best.coverage < MIN_COVERAGE_WITH_UNKNOWN_NAME
    if unknown and score < MIN_SCORE_WITH_UNKNOWN_WORD:
        return True
    return score < MIN_SCORE and best.coverage < MIN_COVERAGE


def evidence(score: float) -> float:
    """Return a BM25 score on a scale from 0 to 1."""
    return score / (score + HALF_SCORE)


def names_in(question: str) -> list[str]:
    """Return the words that are names.

    In Japanese: Latin words, long katakana words, and what the question asks to define. In English:
    capitalised words and codes behind the first word.
    """
    words = _ASCII_NAME.findall(question)
    if _JAPANESE.search(question):
        asked = asked_name(question)
        names = [*words, *_KATAKANA_NAME.findall(question)]
        return names if not asked or _PHRASE.search(asked) else [*names, asked]
    first = question.split(" ", 1)[0]
    return [word for word in words if fold(word) != word and word != first]
