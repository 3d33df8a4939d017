"""A number that a result supports; tools/facts.py makes it a fact for the number lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple


class ResultFigure(NamedTuple):
    """Subject, attribute (with the prefix of its kind of result), value and unit."""

    subject: str
    attribute: str
    value: Decimal
    unit: str
    region: str | None = None


Figures = Iterator[ResultFigure]
FigureMaker = Callable[[], Figures]
"""Makes a subject's figures when the subject is first asked for: most never are."""
