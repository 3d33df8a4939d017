"""Training pairs of the embedder: two texts that mean the same, or that answer one another.

All come from the project's own text: the glossary's entries, and the hand-written paraphrases and
synonyms in data/. The questions of benchmarks/ are never read here, and a test compares them with
these.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge.glossary_entries import Entry

DATA = Path(__file__).parent / "data"

_SENTENCE = re.compile(r"(?<=[。])|\n+")
_TEMPLATES = (
    "{}とは?",
    "{}とは何ですか",
    "{}って何?",
    "{}について教えて",
    "{}の使い方",
    "{}の注意点は?",
    "{}を使うべきですか",
    "{}の設定方法",
    "{}はいつ使う?",
    "{}のメリット",
    "What is {}?",
    "how to use {}",
    "{}の仕組み",
    "{}が分からない",
)

Pair = tuple[str, str]


def read_paraphrases() -> list[Pair]:
    """Return (entry id, question) of the hand-written paraphrases."""
    lines = (DATA / "paraphrases.tsv").read_text("utf-8").splitlines()
    return [(entry_id, text) for entry_id, text in (line.split("\t") for line in lines)]


def read_synonyms() -> list[list[str]]:
    """Return groups of words of one meaning."""
    lines = (DATA / "synonyms.txt").read_text("utf-8").splitlines()
    return [[word.strip() for word in line.split(" / ")] for line in lines]


def training_questions(entries: Iterable[Entry]) -> list[str]:
    """Return every question that training sees, for checks that the benchmark's are others."""
    own = [question for entry in entries for question in entry.questions]
    return own + [text for _, text in read_paraphrases()]


def training_pairs(entries: tuple[Entry, ...], rng: random.Random) -> list[Pair]:
    """Return all pairs, shuffled by `rng`."""
    by_id = {entry.id: entry for entry in entries}
    pairs = [pair for entry in entries for pair in _entry_pairs(entry, rng)]
    for entry_id, text in read_paraphrases():
        targets = answers(by_id[entry_id])
        pairs += [(text, target) for target in targets[:4]]
    groups = read_synonyms()
    pairs += [pair for group in groups for pair in _group_pairs(group)]
    pairs += list(_swapped(by_id, groups, rng))
    rng.shuffle(pairs)
    return pairs


def answers(entry: Entry) -> list[str]:
    """Return texts that answer questions about an entry, the most direct first."""
    parts = [entry.summary, f"{entry.term.ja} {entry.summary}", entry.body[:400], entry.summary_en]
    return [*parts, *(text for text in sentences(entry.body) if len(text) > 15)]


def sentences(text: str) -> list[str]:
    """Return the sentences and table rows of a Markdown text."""
    found = (part.strip(" |-#*\t") for part in _SENTENCE.split(text))
    return [part for part in found if len(part) > 3]


def _entry_pairs(entry: Entry, rng: random.Random) -> Iterator[Pair]:
    targets = answers(entry)
    direct = targets[:4]
    for question in entry.questions:
        yield from ((question, target) for target in direct)
    names = list(dict.fromkeys((entry.term.ja, entry.term.en, *entry.aliases)))
    for name in names:
        yield from ((rng.choice(_TEMPLATES).format(name), target) for target in direct[:2])
        yield (name, entry.term.en)
    yield (entry.summary, entry.summary_en)
    yield from zip(entry.questions, entry.questions[1:], strict=False)
    for target in targets[4:]:
        yield (target, rng.choice(direct))
    for fact in entry.facts[:12]:
        yield (fact.name, rng.choice(direct[:3]))


def _group_pairs(group: list[str]) -> Iterator[Pair]:
    yield from ((first, second) for first in group for second in group if first < second)


def _swapped(
    by_id: dict[str, Entry], groups: list[list[str]], rng: random.Random
) -> Iterator[Pair]:
    """Yield questions with a word replaced by one of its synonyms, against the same answers."""
    questions = [
        (entry.id, text) for entry in by_id.values() for text in (*entry.questions, entry.summary)
    ]
    for entry_id, text in [*questions, *read_paraphrases()]:
        direct = answers(by_id[entry_id])[:3]
        for group in groups:
            for word in group:
                if len(word) > 1 and word in text:
                    other = rng.choice([item for item in group if item != word])
                    yield (text.replace(word, other), rng.choice(direct))
