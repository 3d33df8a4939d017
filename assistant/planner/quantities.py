"""Quantities: numbers with units and comparisons (`80GB以上`, `GPU 8枚`), and what they measure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from assistant.planner.vocabulary import any_of, table
from tools.instances import Condition, Operator

_DECIMAL_KILO = Decimal(1000)
_CONTEXT = 14
"""Characters before and after a number in which a word can say what it measures."""
_GPU_MEMORY = re.compile(r"gpu\s*の?\s*メモリ|vram|ビデオメモリ|gpu memory|hbm|枚あたり|1枚で")
_AFTER_GPU = re.compile(
    r"^\s*(?:以上|以下|未満|超)?\s*(?:の|な|を積んだ|搭載の?|クラスの|of)?\s*(?:gpu|グラボ|vram|版)"
)
_HOST_MEMORY = re.compile(r"(?:システム|ホスト|メイン)メモリ|(?<![a-zv])ram|主記憶")
_MEMORY = re.compile(r"メモリ|memory")
_STORAGE = re.compile(r"nvme|ssd|ストレージ|ディスク|storage|disk")
_TOTAL = re.compile(r"合計|全体|トータル|総|total|合わせ")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its meaning: `attribute` is a key of the attribute registry."""

    attribute: str
    op: Operator
    value: Decimal
    unit: str
    text: str
    explicit: bool
    """Whether the comparison was written (以上, 未満, …)."""

    approximate: bool = False
    """Whether it was written as an approximation (約, くらい)."""

    def conditions(self) -> list[Condition]:
        """Return the search conditions: one, or two around an approximate figure."""
        if not self.approximate:
            return [Condition(attribute=self.attribute, op=self.op, value=self.value)]
        low, high = self.value * (1 - _ABOUT), self.value * (1 + _ABOUT)
        return [
            Condition(attribute=self.attribute, op=">=", value=low),
            Condition(attribute=self.attribute, op="<=", value=high),
        ]


def find_quantities(text: str) -> tuple[list[Quantity], str]:
    """Return the quantities of a normalised text, and the text with them masked."""
    found: list[Quantity] = []
    rest = text
    for pattern, read in (
        (_range_pattern(), _read_range),
        (_ratio_pattern(), _read_ratio),
        (_pattern(), _read),
        (_bare_pattern(), _read_bare),
    ):
        for match in list(pattern.finditer(rest)):
            quantities = read(match, rest)
            if quantities:
                found += quantities
                start, end = match.span()
                rest = rest[:start] + "\x01" * (end - start) + rest[end:]
    return found, rest


def _read_range(match: re.Match[str], text: str) -> list[Quantity]:
    """Read `16〜32 vCPU` as a lower and an upper bound."""
    single = _pattern().search(
        f"{text[: match.start()]}{match['high']}{match['unit']}{text[match.end() :]}", match.start()
    )
    upper = _read(single, text)[:1] if single else []
    if not upper:
        return []
    factor = upper[0].value / Decimal(match["high"])
    lower = replace(upper[0], op=">=", value=Decimal(match["low"]) * factor, explicit=True)
    return [lower, replace(upper[0], op="<=", explicit=True)]


def _read_ratio(match: re.Match[str], text: str) -> list[Quantity]:
    """Read `vCPUあたりメモリが4以上`: the ratio is often said without its unit."""
    op = _operator(match["before"], match["after"])
    value = Decimal(match["number"])
    return [Quantity("memory_per_vcpu_gib", op or "=", value, "GiB", match[0], op is not None)]


def _read_bare(match: re.Match[str], text: str) -> list[Quantity]:
    """Read a number without a unit right after the word for what it counts (`vCPUは96`)."""
    attribute = {"v": "vcpus", "c": "vcpus", "コ": "cores", "物": "cores"}.get(
        match["what"][0], "gpu_count"
    )
    op = _operator(None, match["after"])
    value = Decimal(match["number"])
    return [Quantity(attribute, op or "=", value, "", match[0], explicit=op is not None)]


@cache
def _bare_pattern() -> re.Pattern[str]:
    return re.compile(
        r"(?P<what>vcpus?|cpuの?数|物理コア|コア|gpuの?(?:枚|個)?数|gpus?)(?:数)?\s*(?:は|が|って|=|:|is)?\s*"
        rf"(?P<number>\d+)(?:(?P<after>\s*(?:{_compared()}))|"
        r"(?=\s*(?:$|[、。,?です]|の|で|だ|っ|と|right|correct)))"
    )


@cache
def _ratio_pattern() -> re.Pattern[str]:
    compare = _compared()
    return re.compile(
        r"(?:vcpu\s*(?:1つ)?(?:あたり|当たり|につき)\s*(?:の)?\s*(?:メモリ|ram)(?:容量|量)?|(?:メモリ|ram)\s*/\s*vcpu(?:の?比率?)?|"
        r"vcpuとメモリの比率?|(?:memory|ram) per vcpu|メモリ比率?)\s*(?:は|が|を|:|is)?\s*"
        rf"(?P<before>(?:{compare})\s*)?(?P<number>\d+(?:\.\d+)?)\s*(?:gi?b)?(?P<after>\s*(?:{compare}))?"
    )


@cache
def _compared() -> str:
    """Return a pattern of the words of comparisons."""
    return any_of(
        [word for entries in table("units")["compare"].values() for word in entries]
    ).pattern


_ABOUT = Decimal("0.15")
"""How far `100GBくらい` reaches, as a share of the figure."""


def _read(match: re.Match[str], text: str) -> list[Quantity]:
    unit: dict[str, Any] = table("units")["unit"][match["unit"] or "ドル"]
    before = text[max(0, match.start() - _CONTEXT) : match.start()]
    after = text[match.end("unit") if match["unit"] else match.end() :][:_CONTEXT]
    attribute = unit["attribute"]
    if _PER_UNIT.match(after):
        return []
    attribute = _nearby(attribute, before, after)
    if attribute == "memory":
        attribute = _memory_kind(before, after, text)
    op = _operator(match["before"], match["after"])
    factor = Decimal(str(unit.get("factor", 1)))
    if attribute == "memory_gib" and factor == _DECIMAL_KILO:
        factor = Decimal(1024)  # 2 TB of main memory means 2,048 GiB
    value = Decimal(match["number"]) * factor
    if (
        op is None
        and _APPROXIMATE.search(before[-3:] + "|" + after[:4])
        and attribute != "gpu_count"
    ):
        return [
            Quantity(
                attribute, "=", value, unit["unit"], match[0], explicit=False, approximate=True
            )
        ]
    default: Operator = (
        "<=" if attribute == "usd_per_hour" else ">=" if "gbps" in attribute else "="
    )
    return [Quantity(attribute, op or default, value, unit["unit"], match[0], op is not None)]


_PER_UNIT = re.compile(r"\s*(?:あたり|当たり|につき|の?\s*(?:メモリ|vram|単価|料金))")
_PER_VCPU = re.compile(
    r"vcpu\s*(?:1つ)?\s*(?:あたり|当たり|につき|毎|ごと)|per vcpu|メモリ/vcpu|vcpu比"
)
_SPECIFIC = (
    ("memory", _PER_VCPU, "memory_per_vcpu_gib"),
    ("network_gbps", re.compile(r"ebs"), "ebs_gbps"),
    ("network_gbps", re.compile(r"ベースライン|baseline"), "network_baseline_gbps"),
    ("memory_bandwidth_gb_s", re.compile(r"nvlink"), "nvlink_gb_s"),
)


def _nearby(attribute: str, before: str, after: str) -> str:
    """Return what a unit measures beside a word that says so (`EBS帯域が20Gbps`)."""
    for general, word, specific in _SPECIFIC:
        if attribute == general and (word.search(before) or word.search(after[:6])):
            return specific
    return attribute


def _memory_kind(before: str, after: str, text: str) -> str:
    """Tell GPU memory, host memory and local storage apart by the words around the number."""
    total = "gpu_memory_total_gb" if _TOTAL.search(before) else "gpu_memory_gb"
    if _STORAGE.search(before) or _STORAGE.match(after.lstrip("の ")):
        return "nvme_gb"
    if _HOST_MEMORY.search(before) or re.match(
        r"\s*(?:of\s*ram|の?(?:ram|メインメモリ|システムメモリ))", after
    ):
        return "memory_gib"
    if _GPU_MEMORY.search(before) or _AFTER_GPU.search(after):
        return total
    if "gpu" in text and not (_MEMORY.search(before) and "vcpu" in text):
        return total
    return "memory_gib"


def _operator(before: str | None, after: str | None) -> Operator | None:
    # より安い8vCPU compares what stands before it: in Japanese the number comes first.
    for word in (after, None if before and before.startswith("より") else before):
        for op, pattern in _comparisons():
            if word and pattern.search(word):
                return op
    return None


@cache
def _comparisons() -> list[tuple[Operator, re.Pattern[str]]]:
    return [(op, any_of(entries)) for op, entries in table("units")["compare"].items()]


_APPROXIMATE = re.compile(
    r"約|およそ|だいたい|ざっくり|くらい|ぐらい|程度|前後|級|クラス|about|around"
)


@cache
def _range_pattern() -> re.Pattern[str]:
    units = "|".join(
        re.escape(unit) for unit in sorted(table("units")["unit"], key=len, reverse=True)
    )
    return re.compile(
        rf"(?<![a-z0-9.])(?P<low>\d+(?:\.\d+)?)\s*(?:{units})?\s*(?:〜|~|から|to)\s*"
        rf"(?P<high>\d+(?:\.\d+)?)\s*(?P<unit>{units})(?:(?<![a-z])|(?![a-z0-9/]))"
    )


@cache
def _pattern() -> re.Pattern[str]:
    units = "|".join(
        re.escape(unit) for unit in sorted(table("units")["unit"], key=len, reverse=True)
    )
    compare = _compared()
    return re.compile(
        rf"(?P<before>(?:{compare})\s*)?"
        rf"(?:\$\s*(?P<dollar>)|(?<![a-z0-9.\-]))(?P<number>\d{{1,12}}(?:\.\d{{1,6}})?)(?!\d)\s*"
        rf"(?:(?P<unit>{units})(?:(?<![a-z])|(?![a-z0-9/]))|(?(dollar)|(?!)))"
        rf"(?P<after>\s*(?:{compare}))?"
    )
