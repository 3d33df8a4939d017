"""Usage by name: `c6i.32xlarge 1台とg5.xlarge 4台を10時間` says how many of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.planner.schedules import read_usage
from assistant.planner.usage import Usage, lengths_of

_TOGETHER = re.compile(
    r"合計|合わせて|あわせて|両方|同時に|トータル|全部で|総額|\btotal\b|together|\bboth\b|\bsum\b"
)
_DIFFERENCE = re.compile(
    r"差額|の差|(?:値段|価格|料金)差|差は|浮[くかい]|節約|いくら違|どれだけ違|得(?:に|する|です|か|$)|安くなる|安く済|"
    r"difference|\bgap\b|sav(?:e|ing)"
)


_SPOT = re.compile(r"何\s*(?:%|割|パーセント)|割引率|中断|interrupt|discount|how much cheaper")


@dataclass(frozen=True, slots=True)
class NamePlace:
    """Where a name stands in the question."""

    name: str
    start: int
    end: int


def usage_by_name(text: str, places: Sequence[NamePlace]) -> tuple[tuple[str, Usage], ...]:
    """Return (name, usage) for names that each have words of their own; empty if they share them.

    What stands behind a name, up to the next one, is about it; a length that only the last name
    has holds for all.
    """
    if len(places) < 2:
        return ()
    ordered = sorted(places, key=lambda place: place.start)
    ends = [place.start for place in ordered[1:]] + [len(text)]
    found = [
        (place.name, read_usage(text[place.end : end])[0])
        for place, end in zip(ordered, ends, strict=True)
    ]
    own = [usage for _, usage in found if usage.count is not None or usage.lasts]
    if len(own) < 2 or len(dict(found)) < len(found):
        return ()
    lasting = [usage for _, usage in found if usage.lasts]
    shared = lengths_of(lasting[-1]) if lasting else {}
    return tuple(
        (name, usage if usage.lasts else replace(usage, **shared)) for name, usage in found
    )


def adds_up(text: str) -> bool:
    """Whether the question asks for a sum, not for a choice."""
    return bool(_TOGETHER.search(text))


def asks_difference(text: str) -> bool:
    """Whether the question asks how much one choice saves against another."""
    return bool(_DIFFERENCE.search(text))


def asks_spot(text: str) -> bool:
    """Whether the question asks how much spot saves or how often it is interrupted."""
    return bool(_SPOT.search(text))
