"""The glossary at run time: names, summaries and sources from JSON, bodies from Markdown.

    python -m knowledge.glossary_index      rebuild glossary/index.json after an entry was edited

A look-up by id or alias reads that one file and needs no YAML, no search index and no third-party
package. A test keeps the file in step with the entries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.chunks import Chunk, cut
from knowledge.errors import KnowledgeError
from knowledge.text import fold, squeeze

if TYPE_CHECKING:
    from knowledge.glossary_entries import Entry

FOLDER = Path(__file__).parent / "glossary"
INDEX = "index.json"

_WHAT = (
    r"(?:何|なに|なん)(?:の略|なの)?"
    r"|(?:どういう|どういった|どんな)(?:もの|意味|仕組み|しくみ|技術|機能)"
)
_DEFINITION = (
    re.compile(
        r"(?P<name>.+?)(?:とは|って|は|の|を)?\s*(?:いったい|一体|結局|そもそも)?\s*"
        rf"(?:(?<=とは)|(?:(?<=って)|(?<=は)|(?<=の)|結局|そもそも)(?:{_WHAT})|(?<=の)(?:意味|概要|説明|仕組み|しくみ)"
        r"|(?:について|を)?(?:一言で|簡単に|かんたんに|詳しく)?(?:説明|教え|解説|一言で).*)"
        r"(?:ですか|でしょうか|なんですか|なの|だ|か|です|は|を教えてください|を教えて|教えて|意味も|[?？。、])*"
    ),
    re.compile(
        r"(?:what(?:'s| is| are)|define|explain|tell me about)\s+(?:what )?(?:an? |the )?"
        r"(?P<name>.+?)(?: (?:does|is|are|means?))?",
        re.IGNORECASE,
    ),
)


_PIECE = re.compile(
    r"[a-z0-9]+(?:\.[a-z0-9]+)*|[\u30a1-\u30ff]+|[\u3041-\u309f]+|[\u3005\u4e00-\u9fff]+"
)
MAX_PIECES = 9
MIN_NAME = 2
_ENDS = "?\uff1f\u3002.!\uff01 "
"""What a question ends with."""


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A primary source of an entry."""

    title: str
    url: str
    as_of: str
    """ISO date."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of an entry without reading its body."""

    id: str
    ja: str
    en: str
    aliases: tuple[str, ...]
    series: tuple[str, ...]
    section: str
    summary: str
    summary_en: str
    questions: tuple[str, ...]
    sources: tuple[SourceRef, ...]
    """Most used source first."""
    cited: tuple[int, ...]
    """For each chunk of the body: which of `sources` its figures come from."""
    see_also: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    """Other wordings of what the entry answers, for search alone."""


class GlossaryIndex:
    """Entries by id and by name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read `folder/index.json`. Raises KnowledgeError if it is missing or damaged."""
        self._folder = folder
        try:
            loaded: dict[str, Any] = json.loads((folder / INDEX).read_bytes())
            self._rows: dict[str, dict[str, Any]] = loaded["entries"]
            self._names: dict[str, str] = loaded["names"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KnowledgeError(
                f"The glossary's index {folder / INDEX} cannot be read ({type(error).__name__}); "
                "reinstall the package, or run: python -m knowledge.glossary_index"
            ) from error

    @property
    def ids(self) -> tuple[str, ...]:
        """All entry ids."""
        return tuple(self._rows)

    def get(self, entry_id: str) -> Head | None:
        """Return an entry by its id."""
        row = self._rows.get(entry_id)
        return _head(entry_id, row) if row else None

    def find(self, name: str) -> Head | None:
        """Return the entry with this id, term or alias, whatever its width, case and hyphens."""
        found = self._names.get(squeeze(name))
        return self.get(found) if found else None

    def defined(self, question: str) -> Head | None:
        """Return the entry that `question` asks to define (`EFAとは?`), if there is one."""
        text = _bare(question)
        return self.find(text) or self.find(asked_name(text))

    def named(self, question: str) -> dict[str, str]:
        """Return the entries whose names stand in `question`, with the names as written.

        In the order of the question; of names inside one another the longest counts.
        """
        pieces = _PIECE.findall(fold(question))
        found: dict[str, str] = {}
        start = 0
        while start < len(pieces):
            for end in range(min(len(pieces), start + MAX_PIECES), start, -1):
                name = "".join(pieces[start:end])
                if name in self._names and len(name) >= MIN_NAME:
                    found.setdefault(self._names[name], " ".join(pieces[start:end]))
                    start = end - 1
                    break
            start += 1
        return found

    def chunks(self, entry_id: str) -> list[Chunk]:
        """Return the passages of an entry, its direct answer first."""
        head = self.get(entry_id)
        if head is None:
            raise KnowledgeError(f"There is no glossary entry {entry_id!r}")
        text = (self._folder / f"{entry_id}.md").read_text("utf-8")
        return entry_chunks(head, text.split("\n---\n", 1)[1])


def asked_name(question: str) -> str:
    """Return what a question asks to define (`What is EFA?` -> EFA); empty if nothing."""
    text = _bare(question)
    matches = (pattern.fullmatch(text) for pattern in _DEFINITION)
    return next((match["name"] for match in matches if match), "")


def _bare(question: str) -> str:
    return question.strip().rstrip(_ENDS).strip()


@lru_cache(maxsize=1)
def load_glossary() -> GlossaryIndex:
    """Return the packaged glossary."""
    return GlossaryIndex()


def entry_chunks(head: Head, body: str) -> list[Chunk]:
    """Return the chunks of a body, each with the source that its figures come from."""
    template = Chunk(
        id="",
        document=head.id,
        title=head.ja,
        section="",
        text="",
        series=head.series,
        category=head.section,
        hints=" / ".join(dict.fromkeys((head.ja, head.en, *head.aliases))),
    )
    chunks = cut(template, body)
    places = head.cited or (0,) * len(chunks)
    return [
        replace(chunk, source=ref.title, url=ref.url, as_of=ref.as_of)
        for chunk, ref in zip(chunks, (head.sources[place] for place in places), strict=True)
    ]


def render_index(entries: Iterable[Entry]) -> str:
    """Return the text of index.json, one entry a line, so that a diff shows what changed."""
    from knowledge.embedder.pairs import read_paraphrases

    pool = sorted(entries, key=lambda entry: entry.id)
    asked: dict[str, list[str]] = {}
    for entry_id, text in read_paraphrases():
        asked.setdefault(entry_id, []).append(text)
    rows = [f"{_json(entry.id)}:{_json(_row(entry, asked.get(entry.id, [])))}" for entry in pool]
    names = {squeeze(name): entry.id for entry in pool for name in entry.names}
    pairs = [f"{_json(name)}:{_json(entry_id)}" for name, entry_id in sorted(names.items())]
    return '{"entries":{\n' + ",\n".join(rows) + '\n},\n"names":{' + ",".join(pairs) + "}}\n"


def _row(entry: Entry, asked: list[str]) -> dict[str, Any]:
    counts = {key: 0 for key in entry.sources}
    for fact in entry.facts:
        counts[fact.source] += 1
    order = sorted(counts, key=lambda key: -counts[key])
    row: dict[str, Any] = {
        "ja": entry.term.ja,
        "en": entry.term.en,
        "aliases": entry.aliases,
        "series": "".join(entry.series),
        "section": entry.section,
        "summary": entry.summary,
        "summary_en": entry.summary_en,
        "questions": entry.questions,
        "see_also": entry.see_also,
        "asked": asked,
        "sources": [
            (item.title, item.url, item.as_of.isoformat())
            for item in (entry.sources[key] for key in order)
        ],
    }
    parts = entry_chunks(_head(entry.id, row | {"cited": ()}), entry.body)
    return row | {"cited": [order.index(_source_of(part.text, entry, order)) for part in parts]}


def _source_of(text: str, entry: Entry, order: list[str]) -> str:
    """Return the source of most of the facts whose values stand in `text`."""
    plain = text.replace(",", "")
    counts = dict.fromkeys(order, 0)
    for fact in entry.facts:
        if re.search(rf"(?<![\d.]){re.escape(str(fact.value))}(?![\d.])", plain):
            counts[fact.source] += 1
    if any(counts.values()):
        return max(order, key=lambda key: counts[key])
    # Prose without figures: what the API lists is the least likely to have said it.
    return next((key for key in order if key != "describe-instance-types"), order[0])


def _head(entry_id: str, row: dict[str, Any]) -> Head:
    return Head(
        id=entry_id,
        ja=row["ja"],
        en=row["en"],
        aliases=tuple(row["aliases"]),
        series=tuple(row["series"]),
        section=row["section"],
        summary=row["summary"],
        summary_en=row["summary_en"],
        questions=tuple(row["questions"]),
        sources=tuple(SourceRef(*item) for item in row["sources"]),
        cited=tuple(row["cited"]),
        see_also=tuple(row["see_also"]),
        asked=tuple(row["asked"]),
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    from knowledge.glossary_entries import load_entries

    (FOLDER / INDEX).write_text(render_index(load_entries()), "utf-8")
