"""Sizes relative to the one before: `もう一段上のサイズだと?`, `その半分のサイズは?`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.ec2.catalogue import Catalogue, size_order
from knowledge.ec2.schema import InstanceType
from tools.names import Subject

Step = Literal["up", "down", "half", "double"]

_BY_ONE = r"(?:1つ|一つ|ひとつ|1段|一段|もう少し|次に?)"
_STEPS: tuple[tuple[Step, re.Pattern[str]], ...] = (
    ("half", re.compile(r"半分の?(?:サイズ|大きさ|vcpu|やつ|もの)|half (?:the|that|its) size")),
    (
        "double",
        re.compile(r"(?:倍|2倍)の?(?:サイズ|大きさ|vcpu|やつ|もの)|twice (?:the|that) size"),
    ),
    (
        "up",
        re.compile(rf"{_BY_ONE}\s*(?:上|大きい)|next size up|one size (?:up|larger|bigger)"),
    ),
    (
        "down",
        re.compile(rf"{_BY_ONE}\s*(?:下|小さい)|next size down|one size (?:down|smaller)"),
    ),
)


def read_step(text: str) -> Step | None:
    """Return the step that a follow-up names; None if there is none."""
    return next((step for step, pattern in _STEPS if pattern.search(text)), None)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of one catalogue."""

    catalogue: Catalogue

    def stepped(self, subjects: Sequence[Subject], step: Step) -> tuple[Subject, ...]:
        """Return the types that are so much larger or smaller; empty if there is none."""
        found = [self._stepped(s.key, step) for s in subjects if s.kind == "instance"]
        return tuple(Subject("instance", name) for name in found if name)

    def _stepped(self, name: str, step: Step) -> str | None:
        here = self.catalogue.types[name]
        members = sorted(
            (i for i in self.catalogue.families[here.family] if i.listed and not i.bare_metal),
            key=size_order,
        )
        if step in ("half", "double"):
            wanted = here.vcpus * 2 if step == "double" else here.vcpus / 2
            return next((item.name for item in members if item.vcpus == wanted), None)
        return _neighbour(members, here, 1 if step == "up" else -1)


def _neighbour(members: Sequence[InstanceType], here: InstanceType, offset: int) -> str | None:
    names = [item.name for item in members]
    place = names.index(here.name) + offset if here.name in names else -1
    return names[place] if 0 <= place < len(names) else None
