"""A text cut, while it arrives, into the units that are verified and shown one by one.

A unit is a sentence, or a whole line of a table, a heading or a list item's end. Joined again, the
units are the text, character by character.
"""

from __future__ import annotations

import re

_END = re.compile(
    r"\n+"
    r"|[。！？][」』）\)\"”]*"
    r"|(?<=[A-Za-z\)\]%])[.!?](?=\s)"
    r"|(?<=\d)[.!?](?=\s+[A-Z])"
)
_TABLE_END = re.compile(r"\n+")


class UnitSplitter:
    """Collects text and gives back complete units."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._rest = ""
        self._at_line_start = True

    def feed(self, text: str) -> list[str]:
        """Return the units that are complete with this text."""
        self._rest += text
        units: list[str] = []
        while unit := self._next():
            units.append(unit)
        return units

    def finish(self) -> list[str]:
        """Return what is left as a last unit."""
        units, self._rest = ([self._rest] if self._rest else []), ""
        return units

    def _next(self) -> str:
        table = self._at_line_start and self._rest.lstrip(" ").startswith("|")
        pattern = _TABLE_END if table else _END
        match = pattern.search(self._rest)
        # A newline at the end may be the first of two, but showing it now does no harm.
        if match is None:
            return ""
        unit, self._rest = self._rest[: match.end()], self._rest[match.end() :]
        self._at_line_start = unit.endswith("\n")
        return unit
