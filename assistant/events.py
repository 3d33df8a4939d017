"""What a front end hears while an answer is made: steps, verified text, then the Answer itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """A tool starts or is done."""

    label: str
    """What happens, in the user's language: `g5・g4dn を比較中`."""
    tool: str
    status: Literal["started", "done"]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Verified text to append."""

    text: str
