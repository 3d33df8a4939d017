"""Retrieval quality: BM25, vectors and hybrid, beside BM25 over whitespace words.

    python -m benchmarks.retrieval              the glossary, on questions that training did not see
    python -m benchmarks.retrieval --general    Japanese manual pages (Debian: manpages-ja)
    python -m benchmarks.retrieval --report knowledge/embedder/REPORT.md

Questions: retrieval_data/dev.tsv (weights and thresholds were chosen on it), test.tsv (only
measured) and general.tsv, whose questions were written from knowing the commands, without reading
the pages.
"""

from __future__ import annotations

import argparse
import gzip
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.bm25 import Bm25
from knowledge.chunks import Chunk, cut
from knowledge.document_search import FOREIGN_WEIGHT, search_documents
from knowledge.embedder import Embedder, load_embedder
from knowledge.generation import Document
from knowledge.glossary_index import load_glossary
from knowledge.glossary_vectors import glossary_texts
from knowledge.library import Library
from knowledge.search import Filters, GlossarySearch
from knowledge.store import Change, Store

DATA = Path(__file__).parent / "retrieval_data"
MANUALS = Path("/usr/share/man/ja/man1")
DEPTH = 10

Ranker = Callable[[str], Sequence[str]]
"""Question -> documents, best first."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean figures over questions."""

    mrr: float
    recall_1: float
    recall_5: float


def read_questions(name: str) -> list[tuple[set[str], str]]:
    """Return (right documents, question) of a file."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [(set(ids.split("|")), text) for ids, text in (line.split("\t") for line in lines)]


def measure(ranker: Ranker, questions: list[tuple[set[str], str]]) -> Quality:
    """Return the quality of a ranker."""
    ranks = [rank_of(right, ranker(text)) for right, text in questions]
    return Quality(
        mrr=float(np.mean([1 / rank if rank else 0 for rank in ranks])),
        recall_1=float(np.mean([rank == 1 for rank in ranks])),
        recall_5=float(np.mean([0 < rank <= 5 for rank in ranks])),
    )


def rank_of(right: set[str], found: Sequence[str]) -> int:
    """Return the place of the first right document among ten different ones; 0 if none."""
    different = list(dict.fromkeys(found))[:DEPTH]
    return next((place for place, name in enumerate(different, 1) if name in right), 0)


def glossary_rankers(embedder: Embedder) -> dict[str, Ranker]:
    """Return the rankers over the glossary."""
    glossary, lexical, library = (
        load_glossary(),
        GlossarySearch(load_glossary()),
        Library(None, embedder),
    )
    texts = glossary_texts(glossary)
    vectors = embedder.encode_passages([text for _, text in texts])
    words = Bm25([[(text.lower().split(), 1.0)] for _, text in texts])

    def by_vectors(question: str) -> list[str]:
        order = np.argsort(-(vectors @ embedder.encode_queries([question])[0]))
        return [texts[i][0] for i in order[:200]]

    return {
        "BM25 over whitespace words": lambda q: [
            texts[item.number][0] for item in words.search(q.lower().split(), 200)
        ],
        "BM25 over bigrams": lambda q: [hit.chunk.document for hit in lexical.ranked(q, limit=200)],
        "vectors": by_vectors,
        "hybrid": lambda q: [
            h.chunk.document for h in library.glossary_ranked(q, Filters(), 50).hits
        ],
    }


def general_rankers(embedder: Embedder, folder: Path) -> tuple[dict[str, Ranker], int]:
    """Return the rankers over the manual pages as documents, and the number of passages."""
    documents = [manual(path) for path in sorted(MANUALS.glob("*.1*"))]
    documents = list(
        {document.id: (document, chunks) for document, chunks in documents if chunks}.values()
    )
    chunks = [chunk for _, part in documents for chunk in part]
    store = Store(folder, embedder)
    store.apply(Change(documents))
    generation = store.current
    assert generation
    words = Bm25([[(chunk.text.lower().split(), 1.0)] for chunk in chunks])

    def ranker(weight: float | None) -> Ranker:
        return lambda q: [
            h.chunk.document for h in search_documents(generation, embedder, q, 100, weight=weight)
        ]

    def by_vectors(question: str) -> list[str]:
        query = embedder.encode_queries([question])[0].tolist()
        return [chunk_id.split("#")[0] for chunk_id, _ in generation.vectors.nearest(query, 100)]

    return {
        "BM25 over whitespace words": lambda q: [
            chunks[item.number].document for item in words.search(q.lower().split(), 100)
        ],
        "BM25 over bigrams": ranker(0.0),
        "vectors": by_vectors,
        "hybrid": ranker(None),
    }, len(chunks)


def manual(path: Path) -> tuple[Document, list[Chunk]]:
    """Return a manual page as a document, its roff requests removed."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = (_plain(line) for line in raw.decode("utf-8", "replace").splitlines())
    name = path.name.split(".")[0]
    template = Chunk(id="", document=name, title="", section="", text="", category="document")
    chunks = cut(template, "\n".join(line for line in lines if line is not None))[:8]
    return Document(name, f"/{name}", name, "", "text/troff", "2026-11-23", len(chunks)), chunks


def _plain(line: str) -> str | None:
    """Return a roff line as Markdown; None for a request or a comment."""
    if line.startswith(('.\\"', "'\\\"", ".TH", ".so")):
        return None
    if match := re.match(r"\.S[HS]\s+(.*)", line):
        return f"\n## {match[1].strip(chr(34))}\n"
    text = re.sub(r"^\.[A-Z]{1,2}\s*|^\.[a-z]+.*", "", line)
    text = re.sub(r"\\f.|\\s[-+]?\d|\\[&/,|^]", "", text).replace("\\-", "-")
    return re.sub(r"^(?=[#|])", " ", text)


def table(title: str, rankers: dict[str, Ranker], questions: list[tuple[set[str], str]]) -> str:
    """Return the figures of all rankers as a Markdown table."""
    lines = [f"### {title}", "", "| ranking | MRR@10 | recall@1 | recall@5 |", "|---|---|---|---|"]
    for name, ranker in rankers.items():
        found = measure(ranker, questions)
        lines.append(f"| {name} | {found.mrr:.3f} | {found.recall_1:.3f} | {found.recall_5:.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables, or write them as the embedder's report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--general", action="store_true")
    parser.add_argument("--embedder", default="")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    embedder = load_embedder(options.embedder)
    parts: list[str] = []
    if not options.general or options.report:
        rankers = glossary_rankers(embedder)
        for name in ("test.tsv", "dev.tsv"):
            questions = read_questions(name)
            parts.append(table(f"Glossary, {name}: {len(questions)} questions", rankers, questions))
    if (options.general or options.report) and MANUALS.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            questions = read_questions("general.tsv")
            rankers, count = general_rankers(embedder, Path(folder))
            size = f"{len(questions)} questions, {count} passages"
            title = f"Manual pages: {size}, weight {FOREIGN_WEIGHT}"
            parts.append(table(title, rankers, questions))
    text = "\n\n".join(parts)
    if options.report:
        options.report.write_text(f"{REPORT_HEAD}\n{text}\n", "utf-8")
    print(text)


REPORT_HEAD = """# Report of the packaged embedder

Written by `python -m benchmarks.retrieval --report knowledge/embedder/REPORT.md` after training
(`python -m knowledge.embedder.train`: seed 7, three runs of 128 dimensions, 2,200 pieces).

- The questions of test.tsv were written before the training data was. The author of 400 of the 650
  paraphrases also wrote them; the author of the rest had not read them. None is near a training
  question (checked by a test). Weights and thresholds were chosen on dev.tsv.
- The glossary's index holds the entries' own questions and the training paraphrases; BM25 alone
  has them too.
- The manual pages stand for a user's own documents: Japanese, not about AWS, never trained on.
"""

if __name__ == "__main__":
    main()
