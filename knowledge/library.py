"""The library: the packaged glossary and the user's documents, by BM25 and vectors together.

Both parts rank by `BM25 / best BM25 + weight x cosine`. On documents that the embedder was not
trained for, its weight is so small that it decides only between passages that BM25 holds to be
nearly equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.document_search import GENERAL_WEIGHT, search_documents
from knowledge.generation import Generation
from knowledge.glossary_index import FOLDER, INDEX, GlossaryIndex, load_glossary
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
SURE_COSINE = 0.62
"""A passage this near answers though its words differ: few questions from elsewhere do."""
CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class Ranked:
    """A part's passages with their fused scores, and how good the best of them is."""

    hits: tuple[Hit, ...]
    is_weak: bool

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
        return Found(_merged(own, other, limit), weak, unknown)

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
        order = sorted(fused, key=lambda entry: -fused[entry])
        scale = 1 + weight
        hits = (self._hit(e, words.get(e), fused[e] / scale, filters) for e in order)
        found = tuple(islice((hit for hit in hits if hit), limit))
        unknown = self._lexical.unknown_names(question)
        sure = bool(order) and cosines[order[0]] >= SURE_COSINE and not _latin(unknown)
        return Ranked(found, not found or (is_weak(by_words, unknown) and not sure))

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
        path = self._cache_path()
        if path and path.is_file():
            found = np.load(path)
            if len(found) == len(texts):
                return starts, found.astype(np.float32)
        vectors = self._embedder.encode_passages([text for _, text in texts])
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(f".{hashlib.sha256(vectors.tobytes()).hexdigest()[:8]}.tmp")
            with new.open("wb") as stream:
                np.save(stream, vectors.astype(np.float16))
            new.replace(path)
        return starts, vectors

    def _cache_path(self) -> Path | None:
        """Return where the glossary's vectors are kept: by its text and by the embedder."""
        if self._folder is None:
            return None
        digest = hashlib.sha256(self._embedder.name.encode())
        for path in (FOLDER / INDEX, Path(__file__).parent / "embedder/model/model.safetensors"):
            digest.update(path.read_bytes())
        return self._folder / f"glossary-{digest.hexdigest()[:16]}.npy"

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


def glossary_texts(glossary: GlossaryIndex) -> list[tuple[str, str]]:
    """Return (entry, text) for every text that stands for an entry in vector search."""
    found: list[tuple[str, str]] = []
    for entry_id in glossary.ids:
        head = glossary.get(entry_id)
        assert head is not None
        texts = [
            *(f"{chunk.title} {chunk.section} {chunk.text}" for chunk in glossary.chunks(entry_id)),
            *head.questions,
            f"{head.ja} {head.summary}",
            head.summary_en,
            " ".join((head.ja, head.en, *head.aliases)),
        ]
        found += [(entry_id, text) for text in texts]
    return found


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
