"""Glossary entries: `glossary/<id>.md` with YAML front matter, read into validated models.

Used by the index builder, the embedder's training and the checks. Answering a question never
parses these files: knowledge/glossary_index.py ships what it needs as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from knowledge.errors import KnowledgeError
from knowledge.text import squeeze

FOLDER = Path(__file__).parent / "glossary"
MISTAKE_MARK = "**よくある誤り**"

GlossarySeries = Literal["C", "P", "G"]
Section = Literal[
    "overview",
    "characteristics",
    "generations",
    "sizes",
    "workflow",
    "cost",
    "best-practice",
    "network",
    "storage",
    "gpu",
    "cpu",
    "precision",
    "parallelism",
    "deepspeed",
    "training",
    "inference",
    "serving",
    "sagemaker",
    "monitoring",
    "data",
    "container",
    "pricing",
    "capacity",
]
Text = Annotated[str, Field(min_length=1)]

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)


class GlossaryError(KnowledgeError):
    """A glossary file is malformed, or entries contradict each other."""


class Part(BaseModel):
    """Base of the entry's parts: immutable, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Term(Part):
    """The heading in both languages."""

    ja: Text
    en: Text


class EntrySource(Part):
    """A primary source, and the day on which it said so."""

    title: Text
    url: Annotated[str, Field(pattern=r"^https://\S+$")]
    as_of: date


class EntryFact(Part):
    """One sourced figure or statement; with `subject`, one that the catalogue can check."""

    name: Text
    value: str | int | float | bool
    unit: str
    source: str
    subject: str | None = None
    """An instance type, family or GPU key of the catalogue."""
    attribute: str | None = None
    region: str | None = None
    """For prices."""
    term: Literal["on-demand"] | None = None

    @model_validator(mode="after")
    def _subject_and_attribute_go_together(self) -> Self:
        if (self.subject is None) != (self.attribute is None):
            raise ValueError(f"fact {self.name!r} needs both subject and attribute, or neither")
        if self.attribute == "usd_per_hour" and not (self.region and self.term):
            raise ValueError(f"the price {self.name!r} needs a region and a term")
        return self


class Mistake(Part):
    """What people get wrong, and the right value."""

    wrong: Text
    right: Text
    source: str


class Entry(Part):
    """One glossary entry."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    term: Term
    aliases: tuple[Text, ...]
    series: tuple[GlossarySeries, ...]
    section: Section
    summary: Annotated[str, Field(min_length=20, max_length=140)]
    """One sentence that answers 「Xとは?」."""
    summary_en: Annotated[str, Field(min_length=20, max_length=240)]
    questions: Annotated[tuple[Text, ...], Field(min_length=2)]
    sources: Annotated[dict[str, EntrySource], Field(min_length=1)]
    facts: Annotated[tuple[EntryFact, ...], Field(min_length=3)]
    see_also: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    body: Annotated[str, Field(min_length=150)]
    """Markdown."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for part in (*self.facts, *self.mistakes):
            if part.source not in self.sources:
                raise ValueError(f"source {part.source!r} is not defined; add it under sources")
        if bool(self.mistakes) != (MISTAKE_MARK in self.body):
            raise ValueError(f"mistakes and a body line {MISTAKE_MARK!r} go together")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that names the entry: id, terms and aliases."""
        return (self.id, self.term.ja, self.term.en, *self.aliases)


def parse_entry(text: str, name: str) -> Entry:
    """Return the entry written in `text`; `name` (the file's) appears in errors."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise GlossaryError(f"{name}: no front matter; begin the file with --- and YAML")
    try:
        entry = Entry.model_validate(_yaml(match[1]) | {"body": match[2].strip()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "entry"
        raise GlossaryError(
            f"{name}: {where}: {first['msg']} (got {first['input']!r:.80})"
        ) from error
    if f"{entry.id}.md" != name:
        raise GlossaryError(f"{name}: the id {entry.id!r} differs from the file's name")
    return entry


def load_entries(folder: Path = FOLDER) -> tuple[Entry, ...]:
    """Return all entries by id order. Raises GlossaryError at the first malformed file."""
    paths = sorted(folder.glob("*.md"))
    return tuple(parse_entry(path.read_text("utf-8"), path.name) for path in paths)


def conflicts(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield what is wrong between entries: shared names or questions, see-also without a target."""
    pool = tuple(entries)
    ids = {entry.id for entry in pool}
    if len(ids) < len(pool):
        yield "two entries have the same id"
    yield from _shared(pool, "name", lambda entry: entry.names)
    yield from _shared(pool, "question", lambda entry: entry.questions)
    for entry in pool:
        for target in entry.see_also:
            if target not in ids or target == entry.id:
                yield f"{entry.id}: see_also {target!r} is no other entry"


def _shared(
    entries: Iterable[Entry], what: str, texts: Callable[[Entry], Iterable[str]]
) -> Iterator[str]:
    owners: dict[str, str] = {}
    for entry in entries:
        for key in dict.fromkeys(squeeze(text) for text in texts(entry)):
            if (owner := owners.setdefault(key, entry.id)) != entry.id:
                yield f"{owner} and {entry.id} share the {what} {key!r}"


def _yaml(text: str) -> dict[str, Any]:
    import yaml  # only builders and checks need it

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: Any = yaml.load(text, Loader=loader)
    if not isinstance(loaded, dict):
        raise GlossaryError("front matter is not a mapping")
    return cast("dict[str, Any]", loaded)
