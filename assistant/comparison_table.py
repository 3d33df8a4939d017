"""A comparison as a table of words: every attribute, what differs and which value is the best."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from assistant.answer import Language
from assistant.planner.compose.phrases import number
from tools.attributes import BY_KEY, Attribute

if TYPE_CHECKING:
    from tools.instances import Comparison, ComparisonRow

_YES_NO = {"ja": ("対応", "非対応"), "en": ("yes", "no")}
_PER_HOUR = {"ja": "USD/時", "en": "USD/hour"}
_COUNTED = {"ja": {}, "en": {"コア": "cores", "スレッド": "threads", "基": "", "本": "", "個": ""}}
NOTHING = "—"


@dataclass(frozen=True, slots=True)
class Row:
    """An attribute of all columns."""

    label: str
    cells: tuple[str, ...]
    differs: bool
    best: tuple[bool, ...]
    """Which cells a buyer would prefer; none where it depends or all are alike."""


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """Column names and rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def comparison_table(result: Comparison, language: Language) -> ComparisonTable:
    """Return a comparison in words."""
    rows = tuple(_row(row, language) for row in result.rows if row.attribute in BY_KEY)
    return ComparisonTable(result.columns, rows)


def _row(row: ComparisonRow, language: Language) -> Row:
    attribute = BY_KEY[row.attribute]
    return Row(
        label=attribute.en if language == "en" else attribute.ja,
        cells=tuple(_cell(value, attribute, language) for value in row.values),
        differs=row.differs,
        best=_best(row, attribute),
    )


def _cell(value: Decimal | bool | str | None, attribute: Attribute, language: Language) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return _YES_NO[language][not value]
    if isinstance(value, str):
        return value
    money = attribute.unit == "USD"
    counted = _COUNTED[language].get(attribute.unit, attribute.unit)
    unit = _PER_HOUR[language] if money else counted
    return f"{number(value, money=money)} {unit}".strip()


def _best(row: ComparisonRow, attribute: Attribute) -> tuple[bool, ...]:
    numbers = [value for value in row.values if isinstance(value, Decimal)]
    if attribute.better is None or not row.differs or len(numbers) < 2:
        return (False,) * len(row.values)
    wanted = max(numbers) if attribute.better == "higher" else min(numbers)
    return tuple(isinstance(value, Decimal) and value == wanted for value in row.values)
