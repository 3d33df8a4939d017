"""Search of ingested passages: BM25 and vectors fused as `BM25 / best BM25 + weight x cosine`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from knowledge.bm25 import Scored
from knowledge.generation import Generation
from knowledge.search import Hit
from knowledge.text import tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from knowledge.embedder import Embedder, Vectors

    Mask = NDArray[np.bool_]

FOREIGN_WEIGHT = 0.1
"""Weight of the packaged embedder on text that it was not trained for."""
GENERAL_WEIGHT = 1.0
"""Weight of an embedder that was trained on general text."""
FEW = 300
"""Passages that are compared one by one where a filter leaves no more."""


def search_documents(
    generation: Generation,
    embedder: Embedder,
    question: str,
    limit: int,
    admitted: Sequence[str] | None = None,
    weight: float | None = None,
) -> list[Hit]:
    """Return the passages of the `admitted` documents (None: of all), best first."""
    mask = None if admitted is None else _mask(generation, admitted)
    found = generation.postings.search(tokens(question), limit, mask)
    by_words = {item.number: item for item in found}
    if weight is None:
        weight = GENERAL_WEIGHT if embedder.knows_any_text else FOREIGN_WEIGHT
    cosines: dict[int, float] = {}
    if weight and generation.embedder == embedder.name:
        query = embedder.encode_queries([question])[0]
        cosines = _cosines(generation, query, limit, list(by_words), mask)
    return _fused(generation, by_words, cosines, weight, limit)


def _fused(
    generation: Generation,
    by_words: Mapping[int, Scored],
    cosines: Mapping[int, float],
    weight: float,
    limit: int,
) -> list[Hit]:
    best = max((item.score for item in by_words.values()), default=1.0)
    floor = min(cosines.values(), default=0.0)
    nothing = Scored(-1, 0.0, 0.0)
    words = {number: by_words.get(number, nothing) for number in {*by_words, *cosines}}
    fused = {n: item.score / best + weight * cosines.get(n, floor) for n, item in words.items()}
    order = sorted(fused, key=lambda number: (-fused[number], number))[:limit]
    chunks = generation.chunks(order)
    return [
        Hit(chunks[n], max(fused[n], 0.0) / (1 + weight), words[n].coverage, words[n].score)
        for n in order
    ]


def _cosines(
    generation: Generation,
    query: Vectors,
    limit: int,
    by_words: Sequence[int],
    mask: Mask | None,
) -> dict[int, float]:
    """Return the cosines of the nearest passages, by number.

    Under a filter: of those among the nearest that pass it, of what BM25 found, and of all that
    pass where they are few. Chroma's own filter takes a second at 100,000 passages.
    """
    if not generation.count:
        return {}
    wanted = min(limit * (1 if mask is None else 4), generation.count)
    near = generation.vectors.nearest(query, wanted)
    numbers = generation.numbers([chunk_id for chunk_id, _ in near])
    found = {numbers[chunk_id]: cosine for chunk_id, cosine in near if chunk_id in numbers}
    return found if mask is None else _filtered(generation, query, by_words, mask, found)


def _filtered(
    generation: Generation,
    query: Vectors,
    by_words: Sequence[int],
    mask: Mask,
    found: Mapping[int, float],
) -> dict[int, float]:
    import numpy as np

    passing = np.flatnonzero(mask)
    few: list[int] = passing.tolist() if len(passing) <= FEW else []
    missing = {*by_words, *few} - found.keys()
    ids = {chunk.id: n for n, chunk in generation.chunks(list(missing)).items()}
    exact = generation.vectors.cosines(query, list(ids))
    kept = {number: cosine for number, cosine in found.items() if mask[number]}
    return kept | {ids[chunk_id]: cosine for chunk_id, cosine in exact.items()}


def _mask(generation: Generation, admitted: Sequence[str]) -> Mask:
    import numpy as np

    mask = np.zeros(generation.count, dtype=bool)
    for document in admitted:
        owned = generation.owners[document]
        mask[owned.start : owned.stop] = True
    return mask
