"""Helpers of the store's tests: an embedder without a model, documents, a consistency check."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from knowledge.chunks import Chunk, cut
from knowledge.generation import Document, Generation
from knowledge.store import Change, Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class HashEmbedder:
    """Vectors from a hash of the text: equal texts are near, nothing is learnt."""

    knows_any_text = False
    dimensions = 8

    def __init__(self, name: str = "hash") -> None:
        self.name = name
        self.calls = 0

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.calls += len(texts)
        rows = [
            np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], np.uint8) for text in texts
        ]
        found = np.asarray(rows, dtype=np.float32).reshape(len(texts), 8) - 127.5
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def document(name: str, markdown: str) -> tuple[Document, list[Chunk]]:
    """Return a document with its passages."""
    template = Chunk(
        id="", document=name, title=name, section="", text="", category="document", source=name
    )
    chunks = cut(template, markdown)
    return Document(
        name, f"/{name}", name, markdown, "text/markdown", "2026-11-23T00:00:00", len(chunks)
    ), chunks


def put(store: Store, **documents: str) -> None:
    """Put documents into the store."""
    store.apply(Change([document(name, text) for name, text in documents.items()]))


def texts(store: Store) -> dict[str, str]:
    """Return the text of each document."""
    found: dict[str, str] = {}
    for chunk in store.current.all_chunks() if store.current else ():
        found[chunk.document] = found.get(chunk.document, "") + chunk.text
    return found


def check(generation: Generation) -> None:
    """Assert that a generation's parts agree about its passages."""
    passages = list(generation.all_chunks())
    ids = [chunk.id for chunk in passages]
    stored = [i for page, _, _ in generation.vectors.pages() for i in page]
    assert generation.count == len(passages) == generation.postings.count
    assert sorted(stored) == sorted(ids)
    for name, numbers in generation.owners.items():
        assert {passages[number].document for number in numbers} <= {name}


def open_store(folder: Path, embedder: HashEmbedder | None = None, chroma_url: str = "") -> Store:
    """Return a store with an embedder that needs no model."""
    return Store(folder, embedder or HashEmbedder(), chroma_url)
