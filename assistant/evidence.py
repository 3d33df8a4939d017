"""What besides tool facts may support a figure: cited passages, the user's own inputs, known days.

A passage supports a figure only in a sentence that cites it (a document of the user: that names
it), about the same thing, and never against the catalogue. The user's numbers count only as echoed
inputs (hours, days, instances, a budget), not as facts. Days must be days of the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from assistant.figures import FigureMention, FigureReader, NameFinder
from tools.glossary import GlossaryResult, Passage
from tools.results import Result

INPUT_UNITS = {
    "時間": "h", "hours": "h", "hour": "h", "日": "d", "日間": "d", "days": "d", "day": "d",
    "週": "w", "週間": "w", "weeks": "w", "week": "w", "か月": "m", "months": "m", "month": "m",
    "年": "y", "年間": "y", "years": "y", "year": "y", "台": "i", "instances": "i", "instance": "i",
}  # fmt: skip
BUDGET_UNITS = {"円": "¥", "JPY": "¥", "USD": "$", "ドル": "$"}
_BUDGET = ("予算", "budget")
_DAY = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d{2})"
    r"(?:[-/.](?P<m1>\d{1,2})(?:[-/.](?P<d1>\d{1,2}))?|\s*年\s*(?:(?P<m2>\d{1,2})\s*月)?"
    r"\s*(?:(?P<d2>\d{1,2})\s*日)?)(?!\d)"
)
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9\-]+|[ァ-ヶー]{2,}|[一-龠]{2,}")
_SENTENCE = re.compile(r"(?<=[。！？!?])|(?<=\.)\s|\n")
_DENIED = re.compile(r"[\s*`」]*(?:ではな|でなく|じゃな)")
MIN_OVERLAP = 0.4
"""Share of a sentence's words that the passage's sentence must have, too."""


def passages_of(results: Iterable[Result]) -> list[Passage]:
    """Return the passages of search results."""
    return [p for result in results if isinstance(result, GlossaryResult) for p in result.passages]


def unknown_days(text: str, days: Iterable[date]) -> list[str]:
    """Return the days, months and years of a text that belong to no source."""
    known = set(days)
    return [match[0] for match in _DAY.finditer(text) if not _is_known(match, known)]


def _is_known(match: re.Match[str], days: set[date]) -> bool:
    year, month = int(match["y"]), int(match["m1"] or match["m2"] or 0)
    day = int(match["d1"] or match["d2"] or 0)
    return any(
        found.year == year and month in (0, found.month) and day in (0, found.day) for found in days
    )


def is_echo(mention: FigureMention, asked: Sequence[FigureMention]) -> bool:
    """Whether a figure repeats an input of the user, or denies what the user supposed."""
    _, _, rest = mention.segment.partition(mention.text)
    if _DENIED.match(rest):
        return any(f.value == mention.value and f.unit == mention.unit for f in asked)
    unit = INPUT_UNITS.get(mention.unit)
    if unit is None and any(word in mention.segment for word in _BUDGET):
        unit = BUDGET_UNITS.get(mention.unit)
    return unit is not None and any(
        found.value == mention.value
        and unit in (INPUT_UNITS.get(found.unit), BUDGET_UNITS.get(found.unit))
        for found in asked
    )


def asked_figures(question: str, names: NameFinder) -> list[FigureMention]:
    """Return the figures of the user's questions."""
    return list(FigureReader(names).read(question))


def supporting_passage(
    mention: FigureMention,
    passages: Sequence[Passage],
    cited: Iterable[str],
    names: NameFinder,
) -> Passage | None:
    """Return the passage behind a figure, if its sentence cites or names it."""
    ids = set(cited)
    for passage in passages:
        named = bool(passage.title) and _stem(passage.title) in mention.segment
        if named or (passage.is_glossary and passage.id in ids):
            if any(_says(s, mention, passage, names) for s in _SENTENCE.split(passage.quote)):
                return passage
    return None


def _says(
    sentence: str | None, mention: FigureMention, passage: Passage, names: NameFinder
) -> bool:
    """Whether a sentence of a passage states the figure about the same thing."""
    if not sentence or not any(ch.isdigit() for ch in sentence):
        return False
    figures = [
        found
        for found in FigureReader(names).read(sentence)
        if _same(found.value, mention.value) and found.unit == mention.unit
    ]
    if not figures:
        return False
    subjects = {name.subject for name in names.find(mention.segment)}
    if subjects and not subjects & {name.subject for name in names.find(passage.title + sentence)}:
        return False
    said = mention.segment.replace(_stem(passage.title), " ")
    words = set(_TOKEN.findall(said)) - set(_TOKEN.findall(mention.text))
    theirs = f"{passage.title} {passage.section} {sentence}"
    shared = [word for word in words if word in theirs]
    return not words or len(shared) / len(words) >= MIN_OVERLAP


def _same(one: Decimal, other: Decimal) -> bool:
    return one == other


def _stem(title: str) -> str:
    return re.sub(r"\.(?:md|txt|pdf|docx|html?|csv|ipynb)$", "", title, flags=re.IGNORECASE)
