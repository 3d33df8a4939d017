"""Find the telling part of a long log: the error, its frames, and the question beside it."""

from __future__ import annotations

import re

from tools.sizing.doctor_smi import SMI
from tools.sizing.doctor_traceback import OOM

_TELLING = re.compile(
    rf"{OOM.pattern}|{SMI.pattern}|Traceback \(most recent call last\)|^\s*File \"|Error\b|"
    r"Killed|SIGKILL|exit(?:ed with)? ?code|zero_optimization|MiB|GiB|CUDA|NCCL",
    re.IGNORECASE | re.MULTILINE,
)
_AROUND = 2
"""Lines kept before and after a telling one."""
_TAIL = 8
"""Last lines that are always kept: the question stands there."""
CUT = "[…]"


def relevant_part(text: str, limit: int) -> str | None:
    """Return at most `limit` characters of a log that tell what failed; None for other texts."""
    lines = text.splitlines()
    telling = [i for i, line in enumerate(lines) if _TELLING.search(line[:2000])]
    if not telling or not _is_log(text, len(lines)):
        return None
    tail = lines[-_TAIL:]
    rest = max(limit - sum(len(line) + 1 for line in tail) - 100, 0)
    kept = _nearest_last(lines[:-_TAIL], telling, rest)
    return "\n".join([CUT, *kept, *tail])[-limit:]


def _is_log(text: str, lines: int) -> bool:
    """Whether the text names a failure that the doctor reads."""
    return bool(lines > _TAIL and (OOM.search(text) or SMI.search(text)))


def _nearest_last(lines: list[str], telling: list[int], limit: int) -> list[str]:
    """Return the telling lines with their surroundings, later ones first to be kept."""
    wanted: set[int] = set()
    size = 0
    for index in reversed(telling):
        span = [
            i
            for i in range(index - _AROUND, index + _AROUND + 1)
            if 0 <= i < len(lines) and i not in wanted
        ]
        more = sum(min(len(lines[i]), 2000) + 1 for i in span)
        if size + more > limit:
            break
        wanted.update(span)
        size += more
    return [lines[i][:2000] for i in sorted(wanted)]
