"""Lies: an honest text with one figure or name changed so that it is no longer true.

A lie keeps everything else, so its sentence still has a subject, a unit and a label, and the number
lock has to find the one wrong figure. Only lines that state facts are changed; sources, price notes
and suggestions are left alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Price
from tests.assistant.cases import Honest

UNITS = ("GB/s", "GiB", "GB", "Gbps", "vCPUs", "vCPU", "GPUs", "GPU", "USD", "TFLOPS", "コア", "倍",
         "サイズ", "件", "基", "sizes", "cores", "times")  # fmt: skip
NUMBER = re.compile(
    r"(?<![A-Za-z0-9.,\-/_])(?P<number>\d[\d,]*(?:\.\d+)?)(?P<gap>\s*)(?P<unit>"
    + "|".join(map(re.escape, UNITS))
    + r")(?![A-Za-z0-9])"
)
NOT_STATEMENTS = ("出典", "Sources", "料金は", "Prices:", "続けて", "You can go on", "|---", "「")
WRONG_UNITS = {
    "GB/s": ("TB/s", "Gbps"), "GiB": ("TiB",), "GB": ("TB", "GB/s"), "Gbps": ("Mbps", "Tbps"),
    "vCPU": ("GPU",), "vCPUs": ("GPUs",), "GPU": ("vCPU",), "GPUs": ("vCPUs",),
    "USD": ("円", "GB"), "TFLOPS": ("PFLOPS",), "倍": ("%", "USD"),
}  # fmt: skip
TYPE_NAME = re.compile(r"(?<![\w.\-])([a-z]+\d[a-z0-9\-]*)\.(\d*xlarge|large|metal)(?![\w\-])")


@dataclass(frozen=True)
class Lie:
    """A text with one wrong statement."""

    kind: str
    honest: Honest
    text: str
    before: str
    after: str


Mutation = Callable[[Honest, random.Random, Catalogue], Iterator[tuple[str, str]]]
"""Yields lines of the text beside what they become."""


def statements(honest: Honest) -> list[str]:
    """The lines that state figures, curated sentences aside."""
    lines = (line for line in honest.text.split("\n") if figures(line))
    return [
        line for line in lines
        if not line.startswith(NOT_STATEMENTS) and not any(q in line for q in honest.quoted)
    ]  # fmt: skip


def figures(line: str) -> list[re.Match[str]]:
    """The figures of a line; the first cell of a table row is a label and not a statement."""
    start = line.find(" | ", 1) if line.startswith("|") else 0
    return [match for match in NUMBER.finditer(line) if match.start() >= start]


def tell(
    kind: str, mutation: Mutation, honest: Honest, seed: int, catalogue: Catalogue
) -> list[Lie]:
    """All lies of a kind about an answer, in an order that depends on the seed only."""
    chance = random.Random(f"{seed}:{kind}:{honest.question}")
    return [
        Lie(kind, honest, honest.text.replace(before, after, 1), before, after)
        for before, after in mutation(honest, chance, catalogue)
        if before != after
    ]


def scaled(factor: str) -> Mutation:
    """Multiply a figure: halves, doubles, ten per cent."""

    def mutate(honest: Honest, chance: random.Random, _: Catalogue) -> Iterator[tuple[str, str]]:
        for line in chance.sample(lines := statements(honest), min(3, len(lines))):
            match = chance.choice(figures(line))
            value = Decimal(match["number"].replace(",", "")) * Decimal(factor)
            number = format(value.normalize(), "f")
            if number not in line:  # it may be true of something else in the line
                yield line, _with(line, match, number=number)

    return mutate


def wrong_unit(honest: Honest, chance: random.Random, _: Catalogue) -> Iterator[tuple[str, str]]:
    """Keep the number and change what it counts."""
    for line in chance.sample(lines := statements(honest), min(2, len(lines))):
        match = chance.choice(figures(line))
        if match["unit"] in WRONG_UNITS:
            yield line, _with(line, match, unit=chance.choice(WRONG_UNITS[match["unit"]]))


def big_scale(honest: Honest, chance: random.Random, _: Catalogue) -> Iterator[tuple[str, str]]:
    """Put 万 or 億 between a number and its unit."""
    for line in chance.sample(lines := statements(honest), min(2, len(lines))):
        match = chance.choice(figures(line))
        yield line, _with(line, match, number=match["number"] + chance.choice("万億千"))


def wide_digits(honest: Honest, chance: random.Random, _: Catalogue) -> Iterator[tuple[str, str]]:
    """A doubled figure in full-width digits."""
    for before, after in scaled("2")(honest, chance, _):
        yield before, re.sub(r"(?<![A-Za-z0-9.\-])\d+(?=\s*[^\W\d])", lambda m: _wide(m[0]), after)


def swapped_cells(honest: Honest, chance: random.Random, _: Catalogue) -> Iterator[tuple[str, str]]:
    """Exchange two cells of a row of a comparison: each figure now belongs to the other column."""
    if not _is_comparison(honest.text):
        return
    rows = [line for line in statements(honest) if line.startswith("|")]
    for line in chance.sample(rows, min(4, len(rows))):
        cells = line.split(" | ")
        named = any(":" in cell for cell in cells[-2:])  # a cell that names its subject stays true
        if len(cells) >= 3 and not named and all(NUMBER.search(cell) for cell in cells[-2:]):
            last = cells[-1].removesuffix(" |")
            swapped = [*cells[:-2], last, cells[-2] + " |"]
            yield line, " | ".join(swapped)


def swapped_rows(honest: Honest, chance: random.Random, _: Catalogue) -> Iterator[tuple[str, str]]:
    """Give a row of a list of types the name of another row."""
    rows = [line for line in honest.text.split("\n") if re.match(r"\| [a-z]+\d\S*\.\S+ \|", line)]
    for line in chance.sample(rows, min(3, len(rows))):
        other = chance.choice(rows)
        if other.split(" | ")[1:] != line.split(" | ")[1:]:
            name = other.split(" | ", 1)[0]
            yield line, f"{name} | {line.split(' | ', 1)[1]}"


def swapped_subjects(
    honest: Honest, chance: random.Random, _: Catalogue
) -> Iterator[tuple[str, str]]:
    """Exchange two figures of the same unit in a sentence about two things."""
    for line in statements(honest):
        found = figures(line)
        pairs = [
            (a, b) for a in found for b in found
            if a.start() < b.start() and a["unit"] == b["unit"] and a["number"] != b["number"]
        ]  # fmt: skip
        if line.startswith("|") or not pairs:
            continue
        left, right = chance.choice(pairs)
        if "件" in (left["unit"], right["unit"]):
            continue  # the two counts of a search: see COUNTS in test_number_lock.py
        cut = line[: left.start("number")] + right["number"] + line[left.end("number") :]
        shift = len(right["number"]) - len(left["number"])
        yield line, (cut[: right.start("number") + shift] + left["number"]
                     + cut[right.end("number") + shift :])  # fmt: skip


def other_region(
    honest: Honest, chance: random.Random, catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """State the price of another region under the name of this one."""
    for line in statements(honest):
        for match in figures(line):
            if match["unit"] == "USD":
                elsewhere = _price_elsewhere(Decimal(match["number"]), line, honest.text, catalogue)
                if elsewhere:
                    yield line, _with(line, match, number=elsewhere)


def invented_name(honest: Honest, chance: random.Random, _: Catalogue) -> Iterator[tuple[str, str]]:
    """Name a size that does not exist."""
    lines = [line for line in honest.text.split("\n") if TYPE_NAME.search(line)]
    lines = [line for line in lines if not line.startswith(NOT_STATEMENTS)]
    for line in chance.sample(lines, min(2, len(lines))):
        match = chance.choice(list(TYPE_NAME.finditer(line)))
        size = chance.choice(["3xlarge", "7xlarge", "20xlarge", "96xlarge"])
        yield line, line[: match.start()] + f"{match[1]}.{size}" + line[match.end() :]


MUTATIONS: dict[str, Mutation] = {
    "half": scaled("0.5"),
    "double": scaled("2"),
    "ten per cent more": scaled("1.1"),
    "ten per cent less": scaled("0.9"),
    "three per cent more": scaled("1.03"),
    "wrong unit": wrong_unit,
    "万/億/千": big_scale,
    "full-width digits": wide_digits,
    "swapped cells": swapped_cells,
    "swapped rows": swapped_rows,
    "swapped subjects": swapped_subjects,
    "price of another region": other_region,
    "invented name": invented_name,
}


def _with(line: str, match: re.Match[str], *, number: str = "", unit: str = "") -> str:
    new = f"{number or match['number']}{match['gap']}{unit or match['unit']}"
    return line[: match.start()] + new + line[match.end() :]


def _wide(digits: str) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


def _is_comparison(text: str) -> bool:
    """Whether the table's header names two machines or GPUs beside the row labels."""
    header = next((line for line in text.split("\n") if line.startswith("| ")), "")
    return header.startswith(("| 項目 |", "| Item |"))


def _price_elsewhere(price: Decimal, line: str, text: str, catalogue: Catalogue) -> str | None:
    """Another region's price of the type that the price belongs to, if it is told in the line."""
    named = [match[0] for match in TYPE_NAME.finditer(line)]
    named += [match[0] for match in TYPE_NAME.finditer(text) if not named]
    for name in named:
        prices = {
            region: found.usd_per_hour
            for region in catalogue.priced_regions()
            if name in catalogue.types
            and isinstance(found := catalogue.purchase(name, region), Price)
        }
        if price in prices.values():
            others = [str(p) for p in prices.values() if abs(p - price) > price / 50]
            return next((p for p in others if p not in text), None)
    return None
