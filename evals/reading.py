"""Reads the quantities out of an answer's Markdown.

A number counts with the unit written after it (`24 GB`) or before it (`$1.46`), or in the label
of its table row or column. A number without any unit keeps the words around it, so that `vCPU | 4`
is four vCPUs. Numbers inside names and dates (`g5.48xlarge`, `A100`, `2026-02-01`) do not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

Unit = tuple[str, float]
"""A dimension and the factor to its base unit."""

UNITS: dict[str, Unit] = {
    "GB/s": ("bytes/s", 1e9),
    "TB/s": ("bytes/s", 1e12),
    "MiB": ("bytes", 2.0**20),
    "GiB": ("bytes", 2.0**30),
    "TiB": ("bytes", 2.0**40),
    "MB": ("bytes", 1e6),
    "GB": ("bytes", 1e9),
    "TB": ("bytes", 1e12),
    "Mbps": ("bits/s", 1e6),
    "Gbps": ("bits/s", 1e9),
    "Tbps": ("bits/s", 1e12),
    "GHz": ("hertz", 1e9),
    "MHz": ("hertz", 1e6),
    "TFLOPS": ("flops", 1e12),
    "PFLOPS": ("flops", 1e15),
    "USD": ("usd", 1.0),
    "万ドル": ("usd", 1e4),
    "JPY": ("jpy", 1.0),
    "万円": ("jpy", 1e4),
    "hours": ("hours", 1.0),
    "days": ("hours", 24.0),
    "%": ("percent", 1.0),
}
SPELLINGS = {
    "gbit/s": "Gbps",
    "gb/s": "GB/s",
    "gigabit": "Gbps",
    "tflop/s": "TFLOPS",
    "ドル": "USD",
    "dollars": "USD",
    "ギガバイト": "GB",
    "テラバイト": "TB",
    "円": "JPY",
    "yen": "JPY",
    "時間": "hours",
    "hour": "hours",
    "日間": "days",
    "日": "days",
    "day": "days",
    "パーセント": "%",
    "percent": "%",
}
COUNTED = {
    "vCPU": r"vcpu",
    "GPU": r"gpu|枚|基|×|\d ?x\b|\bx ?\d",
    "core": r"コア|core",
    "EFA": r"efa",
    "instance": r"台|instance|ノード|node",
}
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]

_UNIT_NAMES = sorted([*UNITS, *SPELLINGS], key=len, reverse=True)
_UNIT = re.compile("(" + "|".join(map(re.escape, _UNIT_NAMES)) + r")(?![a-z])", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![a-z0-9_.])(?:(?:US)?\$\s?|USD\s|¥\s?|JPY\s)?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?![\d.]*(?:xl|x?large|\.metal))",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{4}\s?年\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?"
    r"|\[\d+\]|\*\*|`|https?://\S+"
)
_COUNTER = re.compile(r"\s*個?の?\s*(" + "|".join(COUNTED.values()) + ")", re.IGNORECASE)
_JOIN = re.compile(r"\s*[~〜–\-/,、→と]\s*")
_SENTENCE = re.compile(r"(?<=[。!?！？])|\n+|(?<=[.!?])\s")


@dataclass(frozen=True)
class Quantity:
    """A number as the answer shows it."""

    value: float
    decimals: int
    unit: str | None
    """The unit written with the number."""
    labels: tuple[str, ...]
    """Units that a label or a neighbouring number suggests; used only without a unit."""
    context: str
    """The words around the number, in lower case."""

    counter: str | None = None
    """The counting word written right after the number, in lower case."""

    def counts(self, unit: str) -> bool:
        """Whether this can be a number of such things."""
        told = self.counter or self.context
        return self.unit is None and bool(re.search(COUNTED[unit], told))

    def units(self) -> tuple[str, ...]:
        """Physical units in which the number can be read."""
        return (self.unit,) if self.unit else self.labels


def clean(text: str) -> str:
    """Normalise width and drop marks, links, citations and dates."""
    text = _NOISE.sub(" ", unicodedata.normalize("NFKC", text))
    for value, word in enumerate(WORDS, start=1):
        text = re.sub(rf"\b{word}\b", str(value), text, flags=re.IGNORECASE)
    return re.sub(r"\ba single\b", "1", text, flags=re.IGNORECASE)


def quantities(markdown: str) -> list[Quantity]:
    """Every quantity of an answer, in order."""
    return [found for text, labels in _pieces(clean(markdown)) for found in _scan(text, labels)]


def table_rows(markdown: str) -> Iterator[list[list[str]]]:
    """The tables of a Markdown text, each as rows of cells."""
    rows: list[list[str]] = []
    for line in [*markdown.splitlines(), ""]:
        if line.strip().startswith("|"):
            cells = line.strip().strip("|").replace("\\|", "/").split("|")
            rows.append([cell.strip() for cell in cells])
        elif rows:
            yield rows
            rows = []


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Sentences, and table cells with the labels of their row and column."""
    prose = "\n".join(line for line in text.splitlines() if not line.strip().startswith("|"))
    yield from ((part, "") for part in _SENTENCE.split(prose) if part and part.strip())
    for rows in table_rows(text):
        header = rows[0]
        for row in rows[1:]:
            for column, cell in enumerate(row):
                title = header[column] if column < len(header) else ""
                yield cell, f"{row[0] if column else ''} | {title}"


def _scan(text: str, labels: str) -> Iterator[Quantity]:
    matches = list(_NUMBER.finditer(text))
    near = tuple(_units_in(labels))
    following: str | None = None
    found: list[Quantity] = []
    for index in reversed(range(len(matches))):
        match = matches[index]
        unit = _written_unit(text, match)
        after = matches[index + 1].start() if index + 1 < len(matches) else None
        joined = after is not None and _JOIN.fullmatch(text[match.end() : after])
        hints = near + ((following,) if joined and following else ())
        digits = match[1].replace(",", "")
        decimals = len(digits.partition(".")[2])
        context = f"{labels} {text}".lower()
        counter = _COUNTER.match(text, match.end())
        word = counter[0].lower() if counter else None
        found.append(Quantity(float(digits), decimals, unit, hints, context, word))
        following = unit or (following if joined else None)
    yield from reversed(found)


def _written_unit(text: str, match: re.Match[str]) -> str | None:
    if match[0][0] in "$Uu¥Jj":
        return "USD" if match[0][0] in "$Uu" else "JPY"
    unit = _UNIT.match(text[match.end() :].lstrip())
    return _canonical(unit[1]) if unit else None


def _units_in(label: str) -> Iterator[str]:
    yield from (_canonical(match[1]) for match in _UNIT.finditer(label))


def _canonical(written: str) -> str:
    exact = {name.lower(): name for name in UNITS} | SPELLINGS
    return exact[written.lower()]
