"""Glossary search as a tool: a question in, cited passages out, or a sign that they are weak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Protocol

from pydantic import Field

from knowledge.chunks import Chunk
from knowledge.direct import find_correction, find_direct_sentence
from knowledge.ec2.catalogue import Catalogue
from knowledge.glossary_index import Head, load_glossary
from knowledge.search import Filters, Found, Hit, glossary_search
from tools.profiles import Model

MAX_PASSAGES = 10


class Searcher(Protocol):
    """What finds passages: the packaged glossary, or the library with ingested documents."""

    def search(self, question: str, filters: Filters = ..., limit: int = ...) -> Found:
        """Return the passages that answer `question`."""
        ...


class GlossaryRequest(Model):
    """A question (or a term) about machine learning on EC2, and filters."""

    query: Annotated[str, Field(min_length=1, max_length=1000)]
    series: tuple[Literal["C", "P", "G"], ...] = ()
    """Only passages about these series, or about none in particular."""
    sections: tuple[str, ...] = ()
    """Only these sections of the glossary (`network`, `pricing`, `deepspeed`, …)."""
    sources: tuple[str, ...] = ()
    """Only these documents or sources, by title or id."""
    limit: Annotated[int, Field(ge=1, le=MAX_PASSAGES)] = 5


class GlossaryEntry(Model):
    """An entry in short: what it is, in one sentence."""

    id: str
    title: str
    title_en: str
    summary: str
    summary_en: str
    see_also: tuple[str, ...]
    """Titles of related entries."""


class Passage(Model):
    """A passage that can be cited."""

    id: str
    entry: str
    """Id of the glossary entry or the ingested document."""
    title: str
    section: str
    """Heading path inside the document; empty at its beginning."""
    source: str
    """Title of the source."""
    url: str | None
    as_of: date | None
    quote: str
    """The passage, verbatim Markdown."""
    score: float
    """Evidence from 0 to 1; 1 for an entry that was named exactly."""
    is_glossary: bool = True
    """False for a document that the user ingested: the catalogue outranks it."""


class GlossaryResult(Model):
    """What `search_glossary` returns."""

    kind: Literal["glossary"] = "glossary"
    query: str
    entries: tuple[GlossaryEntry, ...]
    """The entries that the passages come from, best first."""
    passages: tuple[Passage, ...]
    is_definition: bool
    """Whether the question names the first entry and asks what it is."""
    is_weak: bool
    """True if nothing found is good enough to answer from: say so instead."""
    unknown: tuple[str, ...] = ()
    """Names in the question that no passage contains."""
    is_strong: bool = False
    """True if the evidence would answer even a question of an unknown kind."""
    compared: tuple[str, ...] = ()
    """Ids of the entries whose difference is asked for."""
    correction: str = ""
    """What the first entries say against a mistake that the query repeats, word for word."""
    direct: str = ""
    """The sentence of the first entry that answers more of the question than its summary does."""


def search_glossary(
    catalogue: Catalogue, request: GlossaryRequest, searcher: Searcher | None = None
) -> GlossaryResult:
    """Return the passages that answer the question, by default of the packaged glossary."""
    filters = Filters(request.series, request.sections, request.sources)
    found = (searcher or glossary_search()).search(request.query, filters, request.limit)
    return _result(request.query, found)


def lookup_entry(name: str) -> GlossaryResult | None:
    """Return the entry with this id or alias, without any search index; None if unknown."""
    glossary = load_glossary()
    head = glossary.find(name)
    if head is None:
        return None
    hits = tuple(Hit(chunk, 1.0) for chunk in glossary.chunks(head.id))
    return _result(name, Found(hits, is_weak=False, entry=head))


def _result(query: str, found: Found) -> GlossaryResult:
    glossary = load_glossary()
    ids = dict.fromkeys(hit.chunk.document for hit in found.hits)
    heads = [head for entry_id in ids if (head := glossary.get(entry_id))]
    passages = tuple(_passage(hit) for hit in found.hits)
    return GlossaryResult(
        query=query,
        entries=tuple(_entry(head) for head in heads),
        passages=passages,
        is_definition=found.entry is not None,
        is_weak=found.is_weak,
        unknown=found.unknown,
        is_strong=found.is_strong,
        compared=tuple(head.id for head in found.compared),
        correction=_correction(query, passages),
        direct=_direct(query, found, heads, passages),
    )


def _correction(query: str, passages: Sequence[Passage]) -> str:
    texts = [passage.quote for passage in passages if passage.is_glossary]
    return find_correction(query, texts, glossary_search().weight)


def _direct(query: str, found: Found, heads: Sequence[Head], passages: Sequence[Passage]) -> str:
    """Return the sentence to begin with; a question for a definition begins with the summary."""
    if (
        found.is_weak
        or found.entry
        or found.compared
        or not heads
        or heads[0].id != passages[0].entry
    ):
        return ""
    texts = [passage.quote for passage in passages if passage.entry == heads[0].id]
    return find_direct_sentence(query, heads[0].summary, texts, glossary_search().weight)


def _entry(head: Head) -> GlossaryEntry:
    related = (load_glossary().get(entry_id) for entry_id in head.see_also)
    return GlossaryEntry(
        id=head.id,
        title=head.ja,
        title_en=head.en,
        summary=head.summary,
        summary_en=head.summary_en,
        see_also=tuple(item.ja for item in related if item),
    )


def _passage(hit: Hit) -> Passage:
    chunk = hit.chunk
    return Passage(
        id=chunk.id,
        entry=chunk.document,
        title=chunk.title,
        section=chunk.section,
        source=chunk.source,
        url=chunk.url or None,
        as_of=date.fromisoformat(chunk.as_of) if chunk.as_of else None,
        quote=chunk.text,
        score=round(hit.score, 4),
        is_glossary=is_glossary(chunk),
    )


def is_glossary(chunk: Chunk) -> bool:
    """Whether a passage comes from the packaged glossary."""
    return chunk.category != "document"
