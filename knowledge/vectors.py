"""Vectors of ingested passages in Chroma: in the generation's folder, or on a Chroma server.

Embeddings are always passed in, and telemetry is off. Nothing here is imported before a store is
used.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from knowledge.chunks import Chunk, passage_text
from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    from knowledge.embedder import Embedder

COLLECTION = "passages"
BATCH = 2000
"""Passages per call: below Chroma's limit (5,461), small enough to keep memory flat."""
PAGE = 5000
"""Rows per `get`: one `get` of everything fails with too many SQL variables."""


class VectorIndex:
    """The vectors of a generation."""

    def __init__(self, folder: Path, chroma_url: str = "") -> None:
        """Open the collection of the generation in `folder`."""
        self._client = open_client(folder, chroma_url)
        try:
            self._collection = self._client.get_collection(
                name_of(folder, chroma_url), embedding_function=None
            )
        except Exception as error:
            raise KnowledgeError(
                f"The vectors of {folder.name} are missing ({error}); run: ask knowledge rebuild"
            ) from error

    def nearest(self, vector: Any, limit: int) -> list[tuple[str, float]]:
        """Return (passage id, cosine) of the nearest passages."""
        import numpy as np

        found: Any = self._collection.query(
            query_embeddings=[np.asarray(vector, dtype=np.float32)],
            n_results=limit,
            include=["distances"],
        )
        ids: list[str] = found["ids"][0]
        distances: list[float] = found["distances"][0]
        return [(i, 1.0 - d) for i, d in zip(ids, distances, strict=True)]

    def cosines(self, vector: Any, ids: Sequence[str]) -> dict[str, float]:
        """Return the cosines of the passages with these ids (Chroma's filters scan all)."""
        import numpy as np

        if not ids:
            return {}
        found: Any = self._collection.get(ids=list(ids), include=["embeddings"])
        values: list[float] = (np.asarray(found["embeddings"]) @ np.asarray(vector)).tolist()
        return dict(zip(found["ids"], values, strict=True))

    def pages(self) -> Iterator[tuple[list[str], Any, list[Any]]]:
        """Yield (ids, embeddings, metadatas) of all passages, page by page."""
        offset = 0
        while True:
            page = self._collection.get(
                limit=PAGE, offset=offset, include=["embeddings", "metadatas"]
            )
            if not page["ids"]:
                return
            yield page["ids"], page["embeddings"], list(page["metadatas"] or [])
            offset += len(page["ids"])

    def delete(self, documents: Sequence[str]) -> None:
        """Remove the passages of documents."""
        for begin in range(0, len(documents), BATCH):
            self._collection.delete(
                where={"document": {"$in": list(documents[begin : begin + BATCH])}}
            )

    def embed(self, chunks: Iterable[Chunk], embedder: Embedder) -> None:
        """Add passages with the vectors that the embedder gives them."""
        waiting = iter(chunks)
        while batch := list(islice(waiting, BATCH)):
            self._collection.add(
                ids=[chunk.id for chunk in batch],
                embeddings=embedder.encode_passages([passage_text(chunk) for chunk in batch]),
                metadatas=[{"document": chunk.document} for chunk in batch],
            )

    def take(self, other: VectorIndex, gone: frozenset[str]) -> None:
        """Add the passages of another index, but for those of the documents `gone`."""
        for ids, vectors, metadatas in other.pages():
            kept = [i for i, metadata in enumerate(metadatas) if metadata["document"] not in gone]
            for begin in range(0, len(kept), BATCH):
                part = kept[begin : begin + BATCH]
                self._collection.add(
                    ids=[ids[i] for i in part],
                    embeddings=[vectors[i] for i in part],
                    metadatas=[metadatas[i] for i in part],
                )

    def close(self) -> None:
        """Release the files: an open client pins the index in memory."""
        self._client.close()


class Previous(Protocol):
    """The generation that a new one is made from."""

    folder: Path

    @property
    def embedder(self) -> str:
        """Name of the embedder that made the vectors."""
        ...

    @property
    def vectors(self) -> VectorIndex:
        """The vector index."""
        ...

    def all_chunks(self) -> Iterator[Chunk]:
        """Yield every passage."""
        ...

    def has(self, document: str) -> bool:
        """Whether a document is part of it."""
        ...

    def close_vectors(self) -> None:
        """Release the vector index, so that its files are complete."""
        ...


def build_vectors(
    folder: Path,
    chroma_url: str,
    embedder: Embedder,
    old: Previous | None,
    gone: frozenset[str],
    new: Sequence[Chunk],
) -> None:
    """Write a generation's vectors: those of `old` without documents `gone`, and the new ones."""
    reusable = old is not None and old.embedder == embedder.name
    if old is not None and reusable and not chroma_url:
        _copied(old, folder)
    index = _opened(folder, chroma_url, embedder, exists=reusable and not chroma_url)
    if old is not None and reusable and not chroma_url:
        index.delete([document for document in gone if old.has(document)])
    elif old is not None and reusable:
        index.take(old.vectors, gone)
    elif old is not None:
        index.embed((chunk for chunk in old.all_chunks() if chunk.document not in gone), embedder)
    index.embed(new, embedder)
    index.close()


def _copied(old: Previous, folder: Path) -> None:
    """Copy the embedded index of another generation, closed so that nothing is half on disk."""
    old.close_vectors()
    shutil.copytree(old.folder / "chroma", folder / "chroma")


def drop(folder: Path, chroma_url: str) -> None:
    """Remove a generation's collection from the server; an embedded one goes with its folder."""
    if not chroma_url:
        return
    client = open_client(folder, chroma_url)
    try:
        client.delete_collection(name_of(folder, chroma_url))
    except Exception:
        pass
    finally:
        client.close()


def open_client(folder: Path, chroma_url: str) -> Any:
    """Return a Chroma client. Raises KnowledgeError where there is no server."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if not chroma_url:
        return chromadb.PersistentClient(str(folder / "chroma"), settings=settings)
    parts = urlsplit(chroma_url)
    try:
        return chromadb.HttpClient(
            host=parts.hostname or "localhost",
            port=parts.port or (443 if parts.scheme == "https" else 8000),
            ssl=parts.scheme == "https",
            settings=settings,
        )
    except Exception as error:
        raise KnowledgeError(
            f"No Chroma server answers at {chroma_url} ({error}); start it, or unset "
            "ASK_CHROMA_URL to keep the index on this machine"
        ) from error


def name_of(folder: Path, chroma_url: str) -> str:
    """Return the collection's name: on a server, generations stand side by side."""
    return f"ask-{folder.name}" if chroma_url else COLLECTION


def _opened(folder: Path, chroma_url: str, embedder: Embedder, *, exists: bool) -> VectorIndex:
    """Open a generation's collection; make it unless it was copied from another generation."""
    if not exists:
        client = open_client(folder, chroma_url)
        client.create_collection(
            name_of(folder, chroma_url),
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_construction": 100, "ef_search": 100}},
            metadata={"embedder": embedder.name},
        )
        client.close()
    return VectorIndex(folder, chroma_url)
