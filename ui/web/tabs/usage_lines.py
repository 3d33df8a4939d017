"""The lines of the cost form: read from its fields, from an address, and said as a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ui.web.texts import Texts

LINES = 6
USUAL: tuple[int, int, int, int, str] = (1, 8, 20, 3, "on-demand")
"""Count, hours a day, days a month, months, term of a new line."""
WIDTH = 6
"""Fields of a line: the name and what `USUAL` lists."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the form."""

    name: str
    count: int
    hours: float | None
    days: float | None
    months: float
    term: str

    def as_line(self) -> dict[str, Any]:
        """Return the line of the tool's request."""
        schedule: dict[str, Any] = {"months": str(self.months)}
        if self.hours:
            schedule["hours_per_day"] = str(self.hours)
        if self.days:
            schedule["days_per_month"] = str(self.days)
        line = {"name": self.name, "count": self.count, "term": self.term}
        return line | {"schedule": schedule}

    def as_values(self) -> list[Any]:
        """Return the values of the form's fields."""
        return [self.name, self.count, self.hours, self.days, self.months, self.term]

    def as_text(self) -> str:
        """Return the line as it stands in the address."""
        values = ["" if value is None else value for value in self.as_values()]
        return "*".join(map(str, values))

    def as_words(self, language: str) -> str:
        """Return the line as people say it."""
        if language == "ja":
            rhythm = f"1日{self.hours:g}時間" if self.hours else "24時間"
            days = f"・月{self.days:g}日" if self.days else ""
            return f"{self.name}を{self.count}台、{rhythm}{days}で{self.months:g}か月"
        hours = f"{self.hours:g} hours a day" if self.hours else "around the clock"
        days = f", {self.days:g} days a month" if self.days else ""
        return f"{self.count} {self.name} {hours}{days} for {self.months:g} months"


def read_lines(values: Sequence[Any]) -> list[Entry]:
    """Return the lines of the form that name something."""
    rows = [values[start : start + WIDTH] for start in range(0, len(values), WIDTH)]
    return [
        Entry(str(name), int(count or 1), hours, days, months or 1, term or USUAL[4])
        for name, count, hours, days, months, term in rows
        if name
    ]


def parse_lines(text: str) -> list[Entry]:
    """Return the lines that an address holds; what cannot be read is left out."""
    found: list[Entry] = []
    for part in text.split(";")[:LINES]:
        cells = part.split("*")
        if len(cells) == WIDTH and cells[0] and all(map(_is_number, cells[1:5])):
            count, hours, days, months = (float(n) if n else None for n in cells[1:5])
            found.append(Entry(cells[0], int(count or 1), hours, days, months or 1, cells[5]))
    return found


def question_of(entries: Sequence[Entry], say: Texts) -> str:
    """Return the question that the form stands for."""
    joined = "、" if say.language == "ja" else " and "
    return say("question_cost", lines=joined.join(e.as_words(say.language) for e in entries))


def _is_number(text: str) -> bool:
    return text == "" or text.replace(".", "", 1).isdigit()
