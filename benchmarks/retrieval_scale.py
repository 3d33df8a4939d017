"""Measure the store as it grows: ingest speed, memory, disk, search with and without a filter.

    python -m benchmarks.retrieval_scale [--chunks 1000 10000 100000]

Passages are made of the glossary's sentences in random order, so that their words are as frequent
as in real text.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from knowledge.chunks import Chunk
from knowledge.document_search import search_documents
from knowledge.embedder import load_embedder
from knowledge.embedder.pairs import sentences
from knowledge.generation import Document
from knowledge.glossary_index import load_glossary
from knowledge.store import Change, Store

PER_DOCUMENT = 50
QUERIES = 300


def made_documents(count: int, rng: random.Random) -> Iterator[tuple[Document, list[Chunk]]]:
    """Yield documents with `count` passages in all."""
    glossary = load_glossary()
    pool = [s for i in glossary.ids for chunk in glossary.chunks(i) for s in sentences(chunk.text)]
    for number in range(count // PER_DOCUMENT):
        name = f"doc{number}"
        chunks = [
            Chunk(
                id=f"{name}#{place}",
                document=name,
                title=f"文書 {number}",
                section=f"節 {place}",
                text=" ".join(rng.choices(pool, k=6)),
                category="document",
                source=name,
            )
            for place in range(PER_DOCUMENT)
        ]
        yield Document(name, f"/{name}", name, "", "text/plain", "2026-11-23", len(chunks)), chunks


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def timed(store: Store, questions: list[str], admitted: list[str] | None) -> list[float]:
    """Return the milliseconds of each search."""
    generation, embedder, found = store.current, load_embedder(), list[float]()
    assert generation
    for question in questions:
        began = time.perf_counter()
        search_documents(generation, embedder, question, 10, admitted)
        found.append((time.perf_counter() - began) * 1000)
    return found


def measure(count: int, folder: Path) -> dict[str, float]:
    """Return the figures of a store with `count` passages."""
    rng = random.Random(count)
    documents = list(made_documents(count, rng))
    store = Store(folder, load_embedder())
    began = time.perf_counter()
    store.apply(Change(documents))
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    store.apply(Change(documents[:1]))
    update = time.perf_counter() - began
    glossary = load_glossary()
    questions = [q for i in glossary.ids if (head := glossary.get(i)) for q in head.questions]
    questions = rng.sample(questions, QUERIES)
    timed(store, questions[:20], None)
    free, filtered = timed(store, questions, None), timed(store, questions[:100], ["doc1", "doc7"])
    assert store.current
    size = sum(p.stat().st_size for p in store.current.folder.rglob("*") if p.is_file())
    return {
        "chunks": count,
        "build_s": round(seconds, 2),
        "chunks_per_s": round(count / seconds),
        "update_one_document_s": round(update, 2),
        "index_mb": round(size / 1e6, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "search_p50_ms": round(percentile(free, 0.5), 2),
        "search_p99_ms": round(percentile(free, 0.99), 2),
        "filtered_p50_ms": round(percentile(filtered, 0.5), 2),
        "filtered_p99_ms": round(percentile(filtered, 0.99), 2),
    }


def main() -> None:
    """Print one line of JSON per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", default=[1000, 10_000, 100_000])
    for count in parser.parse_args().chunks:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(count, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
