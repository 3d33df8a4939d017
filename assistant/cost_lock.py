"""The number lock's rules for costs: which words a figure of an estimate must stand beside.

An amount by the month must follow a month, a saving must be called one, a count must count
machines. grounding.py asks here for facts whose attribute begins with `cost:`.
"""

from __future__ import annotations

import re

from assistant.figures import FigureMention
from assistant.lock_rules import Equal, has_words, unit_of
from tools.facts import Fact

PREFIX = "cost:"
_COLUMNS = {"台数": "台", "Count": "台", "課金時間": "時間", "Billed hours": "時間"}
_TIME = re.compile(r"時間|か月|月|年|日|hour|month|year|day")
_RHYTHM = {
    "per_hour": ("時間", "hour"),
    "per_day": ("日", "day"),
    "per_month": ("か月", "月", "month"),
    "per_year": ("年", "year"),
}
_WORDS: dict[str, tuple[str, ...]] = {
    "night": ("晩", "night"),
    "weekend": ("週末", "weekend"),
    "budget_left": ("余", "不足", "remain", "too much"),
    "budget": ("予算", "budget"),
    "saving": ("安", "高", "less", "more"),
    "difference": ("差", "安", "differ", "cheaper"),
    "offer_delta": ("安", "差", "less", "more"),
    "interruption": ("中断", "interrupt"),
    "upfront": ("前払い", "upfront"),
    "gpu_hour": ("GPU",),
    "break_even": ("得", "常時", "pays off", "around the clock"),
    "jpy_per_usd": ("USD",),
}


def agrees(mention: FigureMention, fact: Fact, equal: Equal) -> bool:
    """Whether a figure may state a fact of an estimate, by unit, words around it and value."""
    unit = unit_of(mention, _COLUMNS)
    if unit in ("", "×"):
        return (
            fact.attribute == f"{PREFIX}interruption"
            and _worded(mention, fact)
            and equal(mention, fact.value)
        )
    same = fact.unit == unit or (fact.unit == "" and unit in ("GPU", "台", "年", "日"))
    return same and _worded(mention, fact) and equal(mention, fact.value)


def _worded(mention: FigureMention, fact: Fact) -> bool:
    """Whether the sentence has the words that the fact's meaning needs."""
    name = fact.attribute.removeprefix(PREFIX)
    rhythm = next((words for key, words in _RHYTHM.items() if name.endswith(key)), None)
    if rhythm and not name.startswith("hours"):
        return _last_time(mention) in rhythm
    return has_words(mention.segment, name, _WORDS)


def _last_time(mention: FigureMention) -> str:
    """Return the last word for a length of time before the figure."""
    before = mention.segment.partition(mention.text)[0]
    found = _TIME.findall(before)
    return found[-1] if found else ""
