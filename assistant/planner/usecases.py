"""Use cases: `画像分類の学習をするなら?` names no machine, but says what one must have."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from assistant.planner.vocabulary import any_of, table


@dataclass(frozen=True, slots=True)
class UseCase:
    """What a machine is wanted for: the glossary entry about it, and the filters of a search."""

    entry: str
    filters: dict[str, Any]
    """Arguments of find_instances."""
    said: str = ""
    """The words of the question that name it."""


def read_usecase(text: str) -> UseCase | None:
    """Return the use case of a clause that asks for a recommendation; None if there is none."""
    if not asks_advice(text):
        return None
    for pattern, usecase in _usecases():
        if match := pattern.search(text):
            return replace(usecase, said=match[0])
    return None


def asks_advice(text: str) -> bool:
    """Whether a clause asks what to take, or wants something."""
    return bool(_wants().search(text))


@cache
def _wants() -> re.Pattern[str]:
    return any_of(table("usecases")["wants"]["words"])


@cache
def _usecases() -> list[tuple[re.Pattern[str], UseCase]]:
    return [(any_of(row["words"]), _usecase(row)) for row in table("usecases")["usecase"]]


def _usecase(row: dict[str, Any]) -> UseCase:
    filters = {key: row[key] for key in ("series", "has_gpu") if key in row}
    filters["conditions"] = [
        {"attribute": attribute, "op": op, "value": value}
        for attribute, op, value in row["conditions"]
    ]
    return UseCase(row["entry"], filters)
