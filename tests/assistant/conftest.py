"""A tally of lies and honest sentences, printed at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Tally:
    """How many statements of each kind were judged, and how many were judged wrongly."""

    title: str
    judged: Counter[str] = field(default_factory=Counter[str])
    wrong: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])

    def count(self, kind: str, example: str, *, wrong: bool) -> None:
        """Add a statement."""
        self.judged[kind] += 1
        if wrong:
            self.wrong[kind] += 1
            self.examples.setdefault(kind, example)

    def lines(self) -> Iterator[str]:
        """The ratio of each kind, and one example of what went wrong."""
        total, wrong = sum(self.judged.values()), sum(self.wrong.values())
        yield f"{self.title}: {wrong}/{total}"
        for kind, number in self.judged.items():
            if self.wrong[kind]:
                yield f"    {kind}: {self.wrong[kind]}/{number}, e.g. {self.examples[kind]!r}"


TALLIES: pytest.StashKey[list[Tally]] = pytest.StashKey()


@pytest.fixture(scope="session")
def tallies(request: pytest.FixtureRequest) -> list[Tally]:
    """Tallies to be printed."""
    tallies: list[Tally] = []
    return request.config.stash.setdefault(TALLIES, tallies)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the ratios of the number lock."""
    tallies: list[Tally] = []
    for tally in config.stash.get(TALLIES, tallies):
        for line in tally.lines():
            terminalreporter.write_line(line)
