"""Hours by the clock: `9時から18時` and `22:00-6:00` say how many hours a day something runs."""

from __future__ import annotations

import re
from decimal import Decimal

_TIME = (
    r"(?:(?P<{0}_noon>午前|午後|朝|夜|深夜|夕方|翌朝?|翌日の?)\s*の?\s*)?(?<![\d.])(?P<{0}>[012]?\d)"
    r"(?:\s*時(?!間)(?P<{0}_half>半)?|:(?P<{0}_minutes>[0-5]\d)|\s*(?P<{0}_half_day>[ap])\.?m\.?(?![a-z])){1}"
)
CLOCK = re.compile(
    _TIME.format("start", "?")
    + r"\s*(?:から|より|〜|~|-|to|until|till)\s*"
    + _TIME.format("end", "")
    + r"(?:\s*(?:まで|の間))?"
)
_NOON, _DAY = 12, 24
_AFTERNOON = ("午後", "夜", "夕方", "p")


def hours_between(match: re.Match[str]) -> Decimal:
    """Return the hours from the start to the end, past midnight if the end is the earlier."""
    start, end = (_hour(match, name) for name in ("start", "end"))
    if match["end_half_day"] == "p" and match["start_half_day"] is None and match["start"] == "12":
        start = Decimal(_NOON)
    if match["start_noon"] == "午後" and match["end_noon"] is None and end < start <= end + _NOON:
        end += _NOON  # 午後1時から5時 stays in the afternoon
    return (end - start + _DAY) % _DAY or Decimal(_DAY)


def _hour(match: re.Match[str], name: str) -> Decimal:
    hour = Decimal(match[name])
    said = match[f"{name}_noon"] or match[f"{name}_half_day"]
    if said in _AFTERNOON and hour < _NOON:
        hour += _NOON
    if match[f"{name}_half_day"] == "a" and hour == _NOON:
        hour = Decimal(0)
    half = Decimal("0.5") if match[f"{name}_half"] else Decimal(0)
    return hour + half + Decimal(match[f"{name}_minutes"] or 0) / 60
