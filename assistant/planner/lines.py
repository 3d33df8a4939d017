"""Usage by name: `c6i.32xlarge 1台とg5.xlarge 4台を10時間` says how many of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assistant.planner.schedules import read_usage
from assistant.planner.usage import Usage, lengths_of

if TYPE_CHECKING:
    from assistant.planner.entities import Mention

_COUNTED = ("instance", "family", "gpu")
_TOGETHER = re.compile(
    r"合計|合わせて|あわせて|両方|同時に|トータル|全部で|総額|\btotal\b|together|\bboth\b|\bsum\b"
)
_DIFFERENCE = re.compile(
    r"差額|の差|差は|浮[くかい]|節約|いくら違|どれだけ違|得(?:に|する|です|か|$)|安くなる|安く済|"
    r"difference|sav(?:e|ing)"
)


_SPOT = re.compile(r"何\s*(?:%|割|パーセント)|割引率|中断|interrupt|discount|how much cheaper")


def usage_by_name(text: str, mentions: Sequence[Mention]) -> tuple[tuple[str, Usage], ...]:
    """Return (name, usage) for names that each have words of their own; empty if they share them.

    What stands behind a name, up to the next one, is about it; a length that only the last name
    has holds for all.
    """
    counted = [m for m in mentions if len(m.subjects) == 1 and m.subjects[0].kind in _COUNTED]
    if len(counted) < 2:
        return ()
    ordered = sorted(counted, key=lambda mention: mention.start)
    ends = [mention.start for mention in ordered[1:]] + [len(text)]
    found = [
        (mention.subjects[0].key, read_usage(text[mention.start + len(mention.text) : end])[0])
        for mention, end in zip(ordered, ends, strict=True)
    ]
    own = [usage for _, usage in found if usage.count is not None or usage.lasts]
    if len(own) < 2 or len(dict(found)) < len(found):
        return ()
    shared = next(
        (lengths_of(usage) for _, usage in reversed(found) if usage.lasts), dict[str, Any]()
    )
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
