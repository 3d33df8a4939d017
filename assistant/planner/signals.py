"""What the rules of intents.py look at."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.planner.mentions import Entities
from assistant.planner.request import Request

DOMAIN = re.compile(r"gpu|cpu|世代|インスタンス|instance|ec2|aws|サーバ|マシン|vram|リージョン")


@dataclass(frozen=True, slots=True)
class Signals:
    """What the rules look at."""

    entities: Entities
    cues: frozenset[str]
    scope: frozenset[str]
    text: str
    context: Request | None

    @property
    def named(self) -> bool:
        """Whether the clause names anything of the catalogue, real or not."""
        return bool(
            self.entities.mentions
            or self.entities.unknown
            or (self.entities.sizes and self.context)
        )

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of the subjects."""
        return frozenset(subject.kind for subject in self.entities.subjects)

    @property
    def domain(self) -> bool:
        """Whether the clause is about instances at all, though it may name none."""
        found = self.entities
        return bool(
            found.attributes
            or found.quantities
            or found.filters
            or found.regions
            or DOMAIN.search(self.text)
        )

    @property
    def follows_up(self) -> bool:
        """Whether the clause can only be read with the one before it."""
        return (
            self.context is not None
            and not self.named
            and (
                bool(self.cues & {"more", "compare", "superlative_low", "superlative_high", "why"})
                or bool(self.entities.regions)
                or self.domain
            )
        )

    @property
    def superlative(self) -> bool:
        """Whether the clause asks for an extreme."""
        return bool(self.cues & {"superlative_low", "superlative_high"})

    @property
    def priced(self) -> bool:
        """Whether the clause is about what a machine costs."""
        return bool(self.kinds & {"instance", "family"}) and (
            "usd_per_hour" in self.entities.attributes
        )

    @property
    def asserts(self) -> bool:
        """Whether the clause asks if something is so, in words or by a bare question mark."""
        flag = any(row.get("claim") for row in self.entities.filters)
        return "verify" in self.cues or (
            "question" in self.cues and bool(self.entities.quantities or flag)
        )

    @property
    def claims(self) -> bool:
        """Whether the clause states something about a subject that can be checked."""
        machine = self.kinds & {"instance", "family"}
        stated = "gpu" in self.kinds and machine
        figure = [
            q for q in self.entities.quantities if q.attribute != "usd_per_hour" or q.unit == "USD"
        ]
        flag = any(row.get("claim") for row in self.entities.filters)
        return bool(
            stated or ((machine or "gpu" in self.kinds or self.context) and (figure or flag))
        )
