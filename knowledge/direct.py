"""The sentence of a passage that answers a question most directly.

An entry's summary says what it is; a question often asks for one detail of it (which kind, how many
minutes, the default value). Sentences and table rows are compared by the weight of the question's
words that they cover: rare words and figures count more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from knowledge.text import tokens

MARGIN = 0.25
"""Share of the question's weight that a sentence must cover beyond the summary."""
FIGURE_WEIGHT = 3.0
"""A figure in the question (72%) is what it is about."""
MAX_CHARACTERS = 160
MIN_CHARACTERS = 12

Weight = Callable[[str], float]

_FENCE = re.compile(r"```.*?```", re.DOTALL)
_BREAK = re.compile(r"(?<=[。])|\n+")
_MARKUP = re.compile(r"^(?:[-*]\s+|\d+\.\s+|>\s*)|\*\*")
_MISTAKE = re.compile(r"よくある誤り|は誤り|」→|^「")
_FIGURE = re.compile(r"\d+(?:\.\d+)?")
_RULE = re.compile(r"\|[\s:|\-]+\|")
_WHICH = re.compile(r"どの|どれ|どっち|どちら|何の|種類|which|what kind", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str
    is_row: bool = False


def find_direct_sentence(question: str, summary: str, texts: Iterable[str], weight: Weight) -> str:
    """Return what answers more of the question than the summary; empty if nothing does.

    A sentence is returned word for word without emphasis, a table row as `first: head cell、…`.

    Args:
        question: The question as it was asked.
        summary: What the answer would begin with otherwise.
        texts: Passages, in Markdown.
        weight: How much a token says, from the search index.
    """
    words = {word: _weight(word, weight) for word in dict.fromkeys(tokens(question))}
    total = sum(words.values())
    if not total:
        return ""
    picks_row = bool(_WHICH.search(question))

    def rank(statement: _Statement) -> tuple[float, bool, int]:
        covered = _covered(words, statement.text)
        return (covered, statement.is_row and picks_row, -len(statement.text))

    best = max((s for text in texts for s in _statements(text)), key=rank, default=None)
    if best is None or (best.is_row and not picks_row):
        return ""
    gained = _covered(words, best.text) - _covered(words, summary)
    figures = {word for word in words if _FIGURE.fullmatch(word)} - set(tokens(summary))
    decides = bool(figures & set(tokens(best.text)))
    return best.text if decides or gained / total >= MARGIN else ""


def _weight(word: str, weight: Weight) -> float:
    return weight(word) * (FIGURE_WEIGHT if _FIGURE.fullmatch(word) else 1.0)


def _covered(words: dict[str, float], text: str) -> float:
    found = set(tokens(text))
    return sum(weight for word, weight in words.items() if word in found)


def _statements(text: str) -> Iterator[_Statement]:
    """Yield sentences and table rows; code and notes on mistakes are no answers."""
    heads: list[str] = []
    for part in _BREAK.split(_FENCE.sub("\n", text)):
        line = part.strip()
        if not line.startswith("|"):
            heads = []
            sentence = _MARKUP.sub("", line).strip()
            fits = MIN_CHARACTERS <= len(sentence) <= MAX_CHARACTERS
            if sentence.endswith("。") and fits and not _MISTAKE.search(line):
                yield _Statement(sentence)
        elif not heads:
            heads = _cells(line)
        elif not _RULE.fullmatch(line):
            yield _Statement(_row(heads, _cells(line)), is_row=True)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _row(heads: list[str], cells: list[str]) -> str:
    pairs = zip(heads[1:], cells[1:], strict=False)
    return f"{cells[0]}: " + "、".join(f"{head} {cell}" for head, cell in pairs)


SAME_CLAIM = 0.55
"""Share of a known mistake's weight that a claim must repeat to be that mistake."""

_MISTAKES = re.compile(r"\*\*よくある誤り\*\*[::]\s*(.+)")
_PAIR = re.compile(r"「(?P<wrong>[^」]+)」(?:は誤りです。|\s*→\s*)(?P<right>[^「」/]+)")


def find_correction(claim: str, texts: Iterable[str], weight: Weight) -> str:
    """Return what a passage says against a mistake that the claim repeats; empty if none.

    A claim with figures repeats a mistake only if the mistake has the same figures.
    """
    said = set(tokens(claim))
    figures = {word for word in said if _FIGURE.fullmatch(word)}
    best, found = SAME_CLAIM, ""
    for text in texts:
        for line in _MISTAKES.findall(text):
            for pair in _PAIR.finditer(line):
                wrong = dict.fromkeys(tokens(pair["wrong"]))
                total = sum(weight(word) for word in wrong)
                if not total or not figures <= wrong.keys():
                    continue
                share = sum(weight(word) for word in wrong if word in said) / total
                if share >= best:
                    best, found = share, pair["right"].strip().rstrip("。") + "。"
    return found
