"""What the readers of the OOM doctor share: amounts of memory, and the parts of a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tools.charts import Text
from tools.sizing.models import Choice

Cause = Literal[
    "weights",
    "optimizer",
    "gradients",
    "activations",
    "attention",
    "logits",
    "kv_cache",
    "live_parameters",
    "fragmentation",
    "other_process",
    "host",
]
_GIB = {"B": 2**-30, "KiB": 2**-20, "MiB": 2**-10, "GiB": 1.0, "TiB": 1024.0}


@dataclass(slots=True)
class Reading:
    """A diagnosis being written."""

    findings: list[Choice] = field(default_factory=list[Choice])
    changes: list[Choice] = field(default_factory=list[Choice])
    figures: dict[str, float] = field(default_factory=dict[str, float])
    dominating: Text | None = None

    def find(self, what: tuple[str, str], why: tuple[str, str]) -> None:
        """Add something that was read and what it means; each in Japanese and English."""
        self.findings.append(choice(what, why))

    def change(self, what: tuple[str, str], why: tuple[str, str]) -> None:
        """Add a change, smaller ones first."""
        item = choice(what, why)
        if all(item.what != other.what for other in self.changes):
            self.changes.append(item)

    def changes_of(self, rows: Sequence[tuple[tuple[str, str], tuple[str, str]]]) -> None:
        """Add several changes."""
        for what, why in rows:
            self.change(what, why)


def choice(what: tuple[str, str], why: tuple[str, str]) -> Choice:
    """Return a `Choice` from pairs of Japanese and English."""
    return Choice(what=Text(ja=what[0], en=what[1]), why=Text(ja=why[0], en=why[1]))


def gib(number: str, unit: str) -> float:
    """Return an amount of memory as torch and nvidia-smi write it, in GiB."""
    return float(number) * _GIB[unit]


def shown(value: float) -> str:
    """Return GiB as answers show them: two digits below ten, one above."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
