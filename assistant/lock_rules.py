"""What the number lock's rules for computed results share: units, and words that must stand near.

cost_lock.py and sizing_lock.py say which words a figure of their results needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from assistant.figures import FigureMention

Equal = Callable[[FigureMention, Decimal], bool]

SPELLED: dict[str, str] = {
    "ドル": "USD",
    "JPY": "円",
    "hours": "時間",
    "hour": "時間",
    "days": "日",
    "day": "日",
    "weeks": "週",
    "week": "週",
    "週間": "週",
    "日間": "日",
    "年間": "年",
    "months": "か月",
    "month": "か月",
    "years": "年",
    "year": "年",
    "instances": "台",
    "instance": "台",
    "枚": "GPU",
    "基": "GPU",
    "GPUs": "GPU",
    "regions": "リージョン",
}
"""Spellings of one unit."""


def unit_of(mention: FigureMention, columns: Mapping[str, str]) -> str:
    """Return the unit in one spelling; a bare number's from its row's or column's title."""
    unit = SPELLED.get(mention.unit, mention.unit)
    if unit:
        return unit
    label = mention.label
    return next((unit for title, unit in columns.items() if title in label), "")


def has_words(text: str, name: str, words: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a text has one of the words that a figure of this name needs."""
    needed = next((found for key, found in words.items() if name.startswith(key)), None)
    return needed is None or any(word in text for word in needed)
