"""The store of ingested documents: immutable generations, one of which is current.

    DIR/current                     name of the current generation (replaced atomically)
    DIR/lock                        held by the one writer
    DIR/generations/NAME/           passages.sqlite, bm25/, chroma/, documents.json

A writer copies nothing into a generation that readers see: it builds a new folder and then swaps
the pointer. A kill at any moment leaves the pointer on a complete generation. The generation
before the current one stays, because another process may still be reading it; older ones and
unfinished ones are removed by the next writer.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.chunks import Chunk
from knowledge.errors import KnowledgeError
from knowledge.generation import Document, Generation, passage_row
from knowledge.text import tokens

if TYPE_CHECKING:
    from knowledge.embedder import Embedder

LOCK_SECONDS = 600.0
"""How long a writer waits for another one."""
_FORMAT = 1
_INSERT = "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Change:
    """What a writer wants: documents to put in or replace, and ids to take out."""

    put: Sequence[tuple[Document, Sequence[Chunk]]] = ()
    remove: frozenset[str] = frozenset()


class Store:
    """The generations in a directory."""

    def __init__(self, folder: Path, embedder: Embedder, chroma_url: str = "") -> None:
        """Use `folder`, which need not exist; vectors live on a Chroma server if there is a URL."""
        self._folder = folder
        self._embedder = embedder
        self._chroma_url = chroma_url
        self._open: Generation | None = None

    @property
    def current(self) -> Generation | None:
        """The current generation, reopened when the pointer has moved; None if empty."""
        name = self._pointer()
        if self._open is not None and self._open.folder.name != name:
            self._open.close()
            self._open = None
        if self._open is None and name:
            self._open = self._generation(name)
        return self._open

    def apply(self, change: Change) -> None:
        """Write a new generation with the change and make it current."""
        with self._writing():
            old = self.current
            name = f"{_number(old) + 1:06d}-{uuid.uuid4().hex[:8]}"
            folder = self._folder / "generations" / name
            _Writer(folder, self._embedder, self._chroma_url).write(old, change)
            self._swap(name)
            self._remove_old(keep={name, *([old.folder.name] if old else [])})

    def close(self) -> None:
        """Release the open generation."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _generation(self, name: str) -> Generation:
        try:
            return Generation(self._folder / "generations" / name, self._chroma_url)
        except (OSError, ValueError, KeyError) as error:
            raise KnowledgeError(
                f"The knowledge store {self._folder} cannot be read ({type(error).__name__}); "
                "run: ask knowledge rebuild"
            ) from error

    def _pointer(self) -> str:
        try:
            return (self._folder / "current").read_text("ascii").strip()
        except FileNotFoundError:
            return ""

    def _swap(self, name: str) -> None:
        """Point at a generation. The rename is atomic; both syncs make it survive a power cut."""
        new = self._folder / f"current.{name}"
        with new.open("w", encoding="ascii") as stream:
            stream.write(name)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(self._folder / "current")
        _sync(self._folder)

    def _remove_old(self, keep: set[str]) -> None:
        from knowledge.vectors import drop

        for folder in (self._folder / "generations").iterdir():
            if folder.name not in keep:
                drop(folder, self._chroma_url)
                shutil.rmtree(folder, ignore_errors=True)
        for stray in self._folder.glob("current.*"):
            stray.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Generator[None]:
        from filelock import FileLock, Timeout

        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._folder / "lock", timeout=LOCK_SECONDS):
                yield
        except Timeout as error:
            raise KnowledgeError(
                f"Another process has been writing to {self._folder} for {LOCK_SECONDS:.0f} s; "
                "wait for it, or end it and try again"
            ) from error


class _Writer:
    """Writes one generation."""

    def __init__(self, folder: Path, embedder: Embedder, chroma_url: str) -> None:
        self._folder = folder
        self._embedder = embedder
        self._chroma_url = chroma_url

    def write(self, old: Generation | None, change: Change) -> None:
        from knowledge.postings import build
        from knowledge.vectors import build_vectors

        put = {document.id: (document, chunks) for document, chunks in change.put}
        gone = change.remove | put.keys()
        kept = {i: d for i, d in (old.documents if old else {}).items() if i not in gone}
        numbers = [n for i in kept for n in (old.owners[i] if old else ())]
        new = [chunk for _, chunks in put.values() for chunk in chunks]
        self._folder.mkdir(parents=True)
        build(
            self._folder / "bm25",
            (passage_tokens(c) for c in new),
            old.postings if old else None,
            numbers,
        )
        self._write_passages(old, numbers, new)
        build_vectors(self._folder, self._chroma_url, self._embedder, old, frozenset(gone), new)
        documents = [*kept.values(), *(document for document, _ in put.values())]
        self._write_state(documents)

    def _write_passages(
        self, old: Generation | None, numbers: Sequence[int], new: Iterable[Chunk]
    ) -> None:
        wanted = set(numbers)
        kept = (c for n, c in enumerate(old.all_chunks()) if n in wanted) if old else ()
        connection = sqlite3.connect(self._folder / "passages.sqlite")
        with connection:
            connection.execute(
                "CREATE TABLE passages (number INTEGER PRIMARY KEY, id TEXT UNIQUE, document,"
                " title, section, text, hints, series, category, source, url, as_of)"
            )
            rows = (
                passage_row(number, c)
                for number, c in enumerate(chunk for part in (kept, new) for chunk in part)
            )
            connection.executemany(_INSERT, rows)
        connection.close()

    def _write_state(self, documents: Sequence[Document]) -> None:
        """Write documents.json last: a folder without it is unfinished."""
        state = {
            "format": _FORMAT,
            "embedder": self._embedder.name,
            "documents": [asdict(document) for document in documents],
        }
        path = self._folder / "documents.json"
        with path.open("w", encoding="utf-8") as stream:
            json.dump(state, stream, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        _sync(self._folder)


def passage_tokens(chunk: Chunk) -> list[str]:
    """Return the search tokens of an ingested passage: its text, and its headings twice."""
    head = tokens(f"{chunk.title} {chunk.section} {chunk.hints}")
    return tokens(chunk.text) + head + head


def _number(generation: Generation | None) -> int:
    return int(generation.folder.name.split("-")[0]) if generation else 0


def _sync(folder: Path) -> None:
    """Make a folder's entries durable, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(handle)
        os.close(handle)
