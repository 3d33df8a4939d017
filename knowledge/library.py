"""The library: the packaged glossary and the user's documents, by BM25 and vectors together.

Both parts rank by `BM25 / best BM25 + weight x cosine`. On documents that the embedder was not
trained for, its weight is so small that it decides only between passages that BM25 holds to be
nearly equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.document_search import GENERAL_WEIGHT, search_documents
from knowledge.generation import Generation
from knowledge.glossary_index import GlossaryIndex, Head, load_glossary
from knowledge.glossary_vectors import glossary_texts, load_vectors
from knowledge.search import (
    NO_FILTERS,
    Filters,
    Found,
    GlossarySearch,
    Hit,
    is_weak,
    names_in,
    spread,
)
from knowledge.store import Store
from knowledge.text import squeeze, tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from knowledge.chunks import Chunk
    from knowledge.embedder import Embedder, Vectors

GLOSSARY_WEIGHT = 2.5
"""Weight of the vectors on the glossary, which the packaged embedder was trained on."""
NAME_BONUS = 1.5
NAME_POWER = 2
"""For an entry whose name stands in the question, by the share of the question that it makes."""
MAX_COMPARED = 3
SURE_COSINE = 0.62
"""A passage this near answers though its words differ: few questions from elsewhere do."""
STRONG_COSINE = 0.595
STRONG_SCORE = 25.0
STRONG_COVERAGE = 0.38
"""A near passage, or one that shares many rare words: chosen on dev.tsv and outside_dev.txt."""
CANDIDATES = 60
_DIFFERENCE = re.compile(
    r"違い|違う|ちがい|ちがう|比較|比べ|使い分け|どっち|どちら|difference|compare|\bvs\b|versus",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A part's passages with their fused scores, and how good the best of them is."""

    hits: tuple[Hit, ...]
    is_weak: bool
    is_strong: bool = False

    @property
    def level(self) -> float:
        """Quality of the best passage, comparable between parts."""
        return max((hit.coverage for hit in self.hits[:3]), default=0.0)


class Library:
    """Searches the glossary and, where there are any, the ingested documents."""

    def __init__(
        self,
        folder: Path | None,
        embedder: Embedder,
        chroma_url: str = "",
        glossary: GlossaryIndex | None = None,
    ) -> None:
        """Use the store in `folder` (None: the glossary alone)."""
        self._glossary = glossary or load_glossary()
        self._lexical = GlossarySearch(self._glossary)
        self._folder = folder
        self._embedder = embedder
        self._chroma_url = chroma_url

    @cached_property
    def store(self) -> Store | None:
        """The ingested documents' store."""
        return Store(self._folder, self._embedder, self._chroma_url) if self._folder else None

    def search(self, question: str, filters: Filters = NO_FILTERS, limit: int = 5) -> Found:
        """Return the passages that answer `question`, of the glossary and the documents."""
        exact = (
            self._lexical.search(question, filters, limit)
            if self._glossary.defined(question)
            else None
        )
        generation = self.store.current if self.store else None
        if exact and exact.entry and generation is None:
            return exact
        own = self.glossary_ranked(question, filters, CANDIDATES)
        other = (
            self._documents(generation, question, filters)
            if generation
            else Ranked((), is_weak=True)
        )
        unknown = self._unknown(question, generation)
        if exact and exact.entry:
            best = other.hits[: 0 if other.is_weak else limit // 2]
            return replace(exact, hits=(exact.hits + best)[:limit])
        weak = own.is_weak and other.is_weak
        if not _latin(unknown) and (compared := self._compared(question, own, filters)):
            return self._difference(compared, own, limit)
        strong = own.is_strong or bool(other.hits and not other.is_weak)
        return Found(_merged(own, other, limit), weak, unknown, is_strong=strong and not weak)

    def _compared(self, question: str, own: Ranked, filters: Filters) -> tuple[Head, ...]:
        """Return the entries whose difference is asked for, unless one entry is about just that."""
        named = self._glossary.named(question)
        if len(named) < 2 or filters != NO_FILTERS or not _DIFFERENCE.search(question):
            return ()
        best = own.hits[0].chunk if own.hits else None
        title = squeeze(f"{best.title} {best.hints}") if best else ""
        if best and best.document not in named:
            if sum(squeeze(name) in title for name in named.values()) > 1:
                return ()
        heads = (self._glossary.get(entry) for entry in named)
        return tuple(head for head in heads if head)[:MAX_COMPARED]

    def _difference(self, compared: tuple[Head, ...], own: Ranked, limit: int) -> Found:
        """Return the beginnings of the compared entries, then what else was found."""
        first = [Hit(self._chunks[head.id][0], 1.0) for head in compared]
        rest = [hit for hit in own.hits if hit.chunk.id not in {h.chunk.id for h in first}]
        return Found(tuple([*first, *rest][:limit]), is_weak=False, compared=compared)

    # -- glossary ------------------------------------------------------------------------------

    def glossary_ranked(self, question: str, filters: Filters, limit: int) -> Ranked:
        """Return the glossary's passages, the best one of each entry."""
        by_words = self._lexical.ranked(question, filters, 400)
        best = by_words[0].raw if by_words else 1.0
        words = dict[str, Hit]()
        for hit in by_words:
            words.setdefault(hit.chunk.document, hit)
        cosines = self._entry_cosines(question)
        weight = GENERAL_WEIGHT if self._embedder.knows_any_text else GLOSSARY_WEIGHT
        fused = {
            entry: (words[entry].raw / best if entry in words else 0.0) + weight * cosine
            for entry, cosine in cosines.items()
        }
        named = self._glossary.named(question)
        for entry, name in named.items():
            fused[entry] += NAME_BONUS * self._lexical.share(name, question) ** NAME_POWER
        order = sorted(fused, key=lambda entry: -fused[entry])
        scale = 1 + weight + NAME_BONUS
        hits = (self._hit(e, words.get(e), fused[e] / scale, filters) for e in order)
        found = tuple(islice((hit for hit in hits if hit), limit))
        unknown = self._lexical.unknown_names(question)
        near = bool(order) and (cosines[order[0]] >= SURE_COSINE or order[0] in named)
        sure = near and not _latin(unknown)
        weak = not found or (is_weak(by_words, unknown) and not sure)
        strong = bool(found) and (
            cosines[order[0]] >= STRONG_COSINE
            or (found[0].raw >= STRONG_SCORE and found[0].coverage >= STRONG_COVERAGE)
        )
        return Ranked(found, weak, strong and not weak)

    def _hit(self, entry: str, by_words: Hit | None, score: float, filters: Filters) -> Hit | None:
        if by_words:
            return replace(by_words, score=max(score, 0.0))
        chunk = next((chunk for chunk in self._chunks[entry] if filters.admits(chunk)), None)
        return Hit(chunk, max(score, 0.0), coverage=0.0) if chunk else None

    @cached_property
    def _chunks(self) -> dict[str, list[Chunk]]:
        """Passages by entry."""
        found: dict[str, list[Chunk]] = {}
        for chunk in self._lexical.chunks:
            found.setdefault(chunk.document, []).append(chunk)
        return found

    def _entry_cosines(self, question: str) -> dict[str, float]:
        """Return, by entry, the cosine of the nearest of its texts."""
        import numpy as np

        starts, vectors = self._glossary_vectors
        query = self._embedder.encode_queries([question])[0]
        # einsum stays on one thread: waking BLAS's threads takes longer than these few products.
        best = np.maximum.reduceat(np.einsum("ij,j->i", vectors, query), starts)
        return dict(zip(self._glossary.ids, best.tolist(), strict=True))

    @cached_property
    def _glossary_vectors(self) -> tuple[NDArray[np.intp], Vectors]:
        """Return where each entry's texts begin, and the vectors of all texts in entry order."""
        import numpy as np

        texts = glossary_texts(self._glossary)
        starts = np.sort(np.unique([entry for entry, _ in texts], return_index=True)[1])
        if self._glossary is load_glossary():
            return starts, load_vectors(self._embedder, texts, self._folder)
        return starts, self._embedder.encode_passages([text for _, text in texts])

    # -- documents -----------------------------------------------------------------------------

    def _documents(self, generation: Generation, question: str, filters: Filters) -> Ranked:
        admitted = _admitted(generation, filters)
        if admitted is not None and not admitted:
            return Ranked((), is_weak=True)
        hits = search_documents(generation, self._embedder, question, CANDIDATES, admitted)
        unknown = [name for name in names_in(question) if not _occurs(name, generation)]
        return Ranked(tuple(hits), is_weak(hits, unknown))

    def _unknown(self, question: str, generation: Generation | None) -> tuple[str, ...]:
        names = self._lexical.unknown_names(question)
        return tuple(name for name in names if generation is None or not _occurs(name, generation))


def _merged(own: Ranked, other: Ranked, limit: int) -> tuple[Hit, ...]:
    """Return both parts' passages by score, scaled by how good each part's best passage is."""
    if not other.hits or not own.hits:
        return spread(own.hits or other.hits, limit)
    parts = [part for part in (own, other) if not part.is_weak] or [own, other]
    scaled = [
        replace(hit, score=hit.score / (part.hits[0].score or 1.0) * part.level)
        for part in parts
        for hit in part.hits
    ]
    return spread(sorted(scaled, key=lambda hit: -hit.score), limit)


def _admitted(generation: Generation, filters: Filters) -> list[str] | None:
    """Return the documents that pass the filters; None if all do."""
    if filters.sections and "document" not in filters.sections:
        return []
    if not filters.sources:
        return None
    wanted = [squeeze(source) for source in filters.sources]
    return [
        document.id
        for document in generation.documents.values()
        if any(
            w in squeeze(text)
            for w in wanted
            for text in (document.id, document.title, document.uri)
        )
    ]


def _occurs(name: str, generation: Generation) -> bool:
    words = generation.postings.words
    return all(token in words for token in tokens(name))


def _latin(names: Sequence[str]) -> bool:
    return any(name.isascii() for name in names)
