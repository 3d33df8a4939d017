"""Ingest: read documents, cut them into passages, and put what changed into the store in one step.

A document is known by its address. One whose content is unchanged is skipped; one that has
vanished from an ingested folder or prefix is removed; one that can no longer be read keeps its
old passages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from knowledge.chunks import Chunk, cut
from knowledge.generation import Document
from knowledge.ingest.readers import parse
from knowledge.ingest.report import Line, Report, SkipError
from knowledge.ingest.sources import Item, Origin, open_origins
from knowledge.store import Change, Store

MAX_MB = 50
"""Larger files are refused: they are data, not documents."""

Progress = Callable[[int, int, str], None]
"""Called with (done, total, uri)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to ingest."""

    title: str = ""
    """Title for a single document; empty: its first heading, else its file name."""
    max_mb: int = MAX_MB
    now: datetime | None = None
    """Time of the ingest; None: the clock."""


DEFAULTS = Options()


def ingest(
    store: Store,
    addresses: Sequence[str],
    options: Options = DEFAULTS,
    *,
    progress: Progress | None = None,
    s3_client: Any = None,
) -> Report:
    """Bring the store in step with the addresses and report it. Raises KnowledgeError."""
    origins = list(open_origins(addresses, s3_client))
    items = list({item.uri: item for origin in origins for item in origin.items}.values())
    generation = store.current
    known = {d.uri: d for d in generation.documents.values()} if generation else {}
    report, put = Report(), list[tuple[Document, list[Chunk]]]()
    for number, item in enumerate(items):
        if progress:
            progress(number, len(items), item.uri)
        line, made = _taken(item, known.get(item.uri), options)
        report.lines.append(line)
        put += [made] if made else []
    gone = _vanished(origins, known.values())
    report.lines += [Line(document.uri, "removed", document.chunks) for document in gone]
    if put or gone:
        store.apply(Change(put, frozenset(document.id for document in gone)))
    if progress:
        progress(len(items), len(items), "")
    return report


def _taken(
    item: Item, known: Document | None, options: Options
) -> tuple[Line, tuple[Document, list[Chunk]] | None]:
    """Return the report's line on a document, and what to put into the store if anything."""
    try:
        made = _read(item, known, options)
    except SkipError as error:
        reason, limit = error.reason, options.max_mb
        line = Line(item.uri, "skipped", reason=reason, detail=error.detail, limit_mb=limit)
        return line, None
    if made is None:
        return Line(item.uri, "unchanged"), None
    return Line(item.uri, "updated" if known else "added", made[0].chunks), made


def remove(store: Store, names: Iterable[str]) -> list[Document]:
    """Remove documents by id, address or title and return them; unknown names remove nothing."""
    wanted = set(names)
    documents = generation.documents.values() if (generation := store.current) else ()
    found = [d for d in documents if wanted & {d.id, d.uri, d.title}]
    if found:
        store.apply(Change(remove=frozenset(document.id for document in found)))
    return found


def rebuild(store: Store) -> int:
    """Write the store anew with its embedder and return the number of passages."""
    generation = store.current
    if generation is None:
        return 0
    owned: dict[str, list[Chunk]] = {}
    for chunk in generation.all_chunks():
        owned.setdefault(chunk.document, []).append(chunk)
    store.apply(Change([(d, owned.get(d.id, [])) for d in generation.documents.values()]))
    return generation.count


def _read(
    item: Item, known: Document | None, options: Options
) -> tuple[Document, list[Chunk]] | None:
    """Return the document and its passages; None if it is the known one unchanged."""
    if item.size > options.max_mb * 1024 * 1024:
        raise SkipError("too_large", f"{item.size / 1024 / 1024:.1f} MB")
    content = item.read()
    digest = hashlib.sha256(content).hexdigest()
    if known and known.sha256 == digest and options.title in ("", known.title):
        return None
    parsed = parse(item.name, content)
    document = Document(
        id=document_id(item.uri),
        uri=item.uri,
        title=options.title or parsed.title,
        sha256=digest,
        media_type=parsed.media_type,
        ingested=(options.now or datetime.now(UTC)).isoformat(timespec="seconds"),
        chunks=0,
    )
    chunks = cut(_template(document), parsed.markdown)
    if not chunks:
        raise SkipError("no_text")
    return replace(document, chunks=len(chunks)), chunks


def _template(document: Document) -> Chunk:
    url = document.uri if document.uri.startswith("s3://") else f"file://{document.uri}"
    return Chunk(
        id="",
        document=document.id,
        title=document.title,
        section="",
        text="",
        category="document",
        source=document.title,
        url=url,
        as_of=document.ingested[:10],
    )


def document_id(uri: str) -> str:
    """Return a document's id: the same address always has the same."""
    return f"doc-{hashlib.sha256(uri.encode()).hexdigest()[:12]}"


def _vanished(origins: Sequence[Origin], known: Iterable[Document]) -> list[Document]:
    present = {item.uri for origin in origins for item in origin.items}
    return [
        document
        for document in known
        if document.uri not in present and any(origin.holds(document.uri) for origin in origins)
    ]
