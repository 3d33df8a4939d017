"""A generation of the store: a complete, immutable folder of passages, BM25 index and vectors."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.chunks import Chunk

if TYPE_CHECKING:
    from knowledge.postings import Postings
    from knowledge.vectors import VectorIndex


@dataclass(frozen=True, slots=True)
class Document:
    """An ingested document."""

    id: str
    uri: str
    """Path or s3:// address: what identifies the document on the next ingest."""
    title: str
    sha256: str
    media_type: str
    ingested: str
    """ISO date and time, UTC."""
    chunks: int


class Generation:
    """A complete, immutable state of the store."""

    def __init__(self, folder: Path, chroma_url: str = "") -> None:
        """Open the generation in `folder`; its parts open when first used."""
        self.folder = folder
        self._chroma_url = chroma_url
        self._vectors: VectorIndex | None = None
        self._state = json.loads((folder / "documents.json").read_bytes())

    @property
    def embedder(self) -> str:
        """Name of the embedder that made the vectors."""
        return self._state["embedder"]

    @cached_property
    def documents(self) -> dict[str, Document]:
        """Documents by id, in the order of their passages."""
        return {row["id"]: Document(**row) for row in self._state["documents"]}

    @cached_property
    def owners(self) -> dict[str, range]:
        """By document id: the numbers of its passages."""
        found, begin = dict[str, range](), 0
        for document in self.documents.values():
            found[document.id] = range(begin, begin + document.chunks)
            begin += document.chunks
        return found

    def has(self, document: str) -> bool:
        """Whether a document is part of it."""
        return document in self.documents

    @property
    def count(self) -> int:
        """How many passages there are."""
        return sum(document.chunks for document in self.documents.values())

    @cached_property
    def postings(self) -> Postings:
        """The BM25 index."""
        from knowledge.postings import Postings

        return Postings(self.folder / "bm25")

    @property
    def vectors(self) -> VectorIndex:
        """The vector index."""
        if self._vectors is None:
            from knowledge.vectors import VectorIndex

            self._vectors = VectorIndex(self.folder, self._chroma_url)
        return self._vectors

    def chunks(self, numbers: Sequence[int]) -> dict[int, Chunk]:
        """Return passages by number."""
        marks = ",".join("?" * len(numbers))
        rows = self._passages.execute(
            f"SELECT * FROM passages WHERE number IN ({marks})", list(numbers)
        )
        return {row[0]: _chunk(row) for row in rows}

    def numbers(self, chunk_ids: Sequence[str]) -> dict[str, int]:
        """Return the numbers of passages by id."""
        marks = ",".join("?" * len(chunk_ids))
        query = f"SELECT id, number FROM passages WHERE id IN ({marks})"
        return dict(self._passages.execute(query, list(chunk_ids)))

    def all_chunks(self) -> Iterator[Chunk]:
        """Yield every passage in order."""
        for row in self._passages.execute("SELECT * FROM passages ORDER BY number"):
            yield _chunk(row)

    def close_vectors(self) -> None:
        """Release the vector index, so that its files are complete."""
        if self._vectors is not None:
            self._vectors.close()
            self._vectors = None

    def close(self) -> None:
        """Release files and connections."""
        self.close_vectors()
        if "_passages" in self.__dict__:
            self.__dict__.pop("_passages").close()

    @cached_property
    def _passages(self) -> sqlite3.Connection:
        # immutable: no locks and no journal, since nobody writes into a finished generation.
        path = (self.folder / "passages.sqlite").resolve().as_uri()
        return sqlite3.connect(f"{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def passage_row(number: int, chunk: Chunk) -> tuple[int | str, ...]:
    """Return the columns of a passage."""
    return (
        number,
        chunk.id,
        chunk.document,
        chunk.title,
        chunk.section,
        chunk.text,
        chunk.hints,
        ",".join(chunk.series),
        chunk.category,
        chunk.source,
        chunk.url,
        chunk.as_of,
    )


def _chunk(row: tuple[str, ...]) -> Chunk:
    _, chunk_id, document, title, section, text, hints, series, category, source, url, as_of = row
    return Chunk(
        id=chunk_id,
        document=document,
        title=title,
        section=section,
        text=text,
        hints=hints,
        series=tuple(filter(None, series.split(","))),
        category=category,
        source=source,
        url=url,
        as_of=as_of,
    )
