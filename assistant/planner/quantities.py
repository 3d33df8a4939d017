"""Quantities: numbers with a unit and a comparison (`80GB以上`, `2ドル以下`, `GPU 8枚`), and what they measure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from assistant.planner.vocabulary import any_of, table
from tools.instances import Condition, Operator

_DECIMAL_KILO = Decimal(1000)
_CONTEXT = 14
"""Characters before and after a number in which a word can say what it measures."""
_GPU_MEMORY = re.compile(r"gpu\s*の?\s*メモリ|vram|ビデオメモリ|gpu memory|hbm|枚あたり|1枚で")
_AFTER_GPU = re.compile(r"^\s*(?:以上|以下|未満|超)?\s*(?:の|な|を積んだ|搭載の?|クラスの|of)?\s*(?:gpu|グラボ|vram|版)")
_HOST_MEMORY = re.compile(r"(?:システム|ホスト|メイン)メモリ|(?<![a-zv])ram|主記憶")
_MEMORY = re.compile(r"メモリ|memory")
_STORAGE = re.compile(r"nvme|ssd|ストレージ|ディスク|storage|disk")
_TOTAL = re.compile(r"合計|全体|トータル|総|total|合わせ")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its meaning. `attribute` is a key of the attribute registry, or `generation`."""

    attribute: str
    op: Operator
    value: Decimal
    unit: str
    text: str
    explicit: bool
    """Whether the comparison was written (以上, 未満, …)."""

    def condition(self) -> Condition:
        """Return the search condition."""
        return Condition(attribute=self.attribute, op=self.op, value=self.value)


def find_quantities(text: str) -> tuple[list[Quantity], str]:
    """Return the quantities of a normalised text, and the text with them masked."""
    found: list[Quantity] = []
    rest = text
    for match in _pattern().finditer(text):
        quantity = _read(match, text)
        if quantity is None:
            continue
        found.append(quantity)
        start, end = match.span()
        rest = rest[:start] + "\x01" * (end - start) + rest[end:]
    return found, rest


def _read(match: re.Match[str], text: str) -> Quantity | None:
    unit: dict[str, Any] = table("units")["unit"][match["unit"] or "ドル"]
    before = text[max(0, match.start() - _CONTEXT) : match.start()]
    after = text[match.end("unit") if match["unit"] else match.end() :][:_CONTEXT]
    attribute = unit["attribute"]
    if attribute == "generation":
        return None
    if attribute == "memory":
        attribute = _memory_kind(before, after, text)
    op = _operator(match["before"], match["after"])
    factor = Decimal(str(unit.get("factor", 1)))
    if attribute == "memory_gib" and factor == _DECIMAL_KILO:
        factor = Decimal(1024)  # 2 TB of main memory means 2,048 GiB
    value = Decimal(match["number"]) * factor
    default: Operator = "<=" if attribute == "usd_per_hour" else ">=" if "gbps" in attribute else "="
    return Quantity(attribute, op or default, value, unit["unit"], match[0], op is not None)


def _memory_kind(before: str, after: str, text: str) -> str:
    """Tell GPU memory, host memory and local storage apart by the words around the number."""
    total = "gpu_memory_total_gb" if _TOTAL.search(before) else "gpu_memory_gb"
    if _STORAGE.search(before) or _STORAGE.match(after.lstrip("の ")):
        return "nvme_gb"
    if _GPU_MEMORY.search(before) or _AFTER_GPU.search(after):
        return total
    if _HOST_MEMORY.search(before):
        return "memory_gib"
    if "gpu" in text and not (_MEMORY.search(before) and "vcpu" in text):
        return total
    return "memory_gib"


def _operator(before: str | None, after: str | None) -> Operator | None:
    for word in (after, before):
        for op, pattern in _comparisons():
            if word and pattern.search(word):
                return op
    return None


@cache
def _comparisons() -> list[tuple[Operator, re.Pattern[str]]]:
    return [(op, any_of(entries)) for op, entries in table("units")["compare"].items()]


@cache
def _pattern() -> re.Pattern[str]:
    units = "|".join(re.escape(unit) for unit in sorted(table("units")["unit"], key=len, reverse=True))
    compare = any_of([word for entries in table("units")["compare"].values() for word in entries]).pattern
    return re.compile(
        rf"(?P<before>(?:{compare})\s*)?"
        rf"(?:\$\s*(?P<dollar>)|(?<![a-z0-9.\-]))(?P<number>\d+(?:\.\d+)?)\s*"
        rf"(?:(?P<unit>{units})(?![a-z0-9/])|(?(dollar)|(?!)))"
        rf"(?P<after>\s*(?:{compare}))?"
    )
