"""What changed since an answer was given: its tools are run again and its figures compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from assistant.agreement import equals_rounded
from assistant.answer import Answer, Figure
from assistant.citations import sources_of
from assistant.errors import UsageError
from tools.facts import Fact, facts_of
from tools.results import Result

RunTool = Callable[[str, Mapping[str, object]], Result]


@dataclass(frozen=True, slots=True)
class Change:
    """A figure or the day of a source, then and now."""

    what: str
    """The fact, for example `g5.xlarge:usd_per_hour:on-demand@ap-northeast-1`, or the source."""
    before: str
    after: str | None
    """None: today's data has no such value."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of an answer's figures."""

    checked: int
    """Figures that could be looked up again."""
    changes: list[Change]
    failed: list[str]
    """Tools that no longer take the request."""


def compare_today(answer: Answer, run_tool: RunTool) -> Difference:
    """Return how today's tool results differ from the figures of a past answer."""
    facts: dict[str, list[Fact]] = {}
    days: dict[str, str] = {}
    failed: list[str] = []
    for call in (call for call in answer.tool_calls if call.ok):
        try:
            result = run_tool(call.name, call.args)
        except UsageError as error:
            failed.append(f"{call.name}: {error.message_en}")
            continue
        for fact in facts_of(result):
            facts.setdefault(fact.source, []).append(fact)
        for source in sources_of(result.model_dump(mode="json")).values():
            days[_series(source.id)] = f"{source.title}({source.as_of})"
    figures = [f for f in answer.figures if f.source in facts or not failed]
    changes = [c for f in figures if (c := _change(f, facts.get(f.source, ())))]
    return Difference(len(figures), [*changes, *_older(answer, days)], failed)


def _change(figure: Figure, facts: Sequence[Fact]) -> Change | None:
    if any(equals_rounded(figure.text, figure.value, figure.unit, fact) for fact in facts):
        return None
    if not facts:
        return Change(figure.source, figure.text, None)
    nearest = min(facts, key=lambda fact: abs(fact.value - figure.value))
    return Change(figure.source, figure.text, f"{_plain(nearest.value)} {nearest.unit}".strip())


def _older(answer: Answer, days: Mapping[str, str]) -> list[Change]:
    """Return the sources of the answer that have a new day."""
    found: list[Change] = []
    for citation in answer.citations:
        now = days.get(_series(citation.id))
        before = f"{citation.title}({citation.as_of})"
        if now and str(citation.as_of) not in now:
            found.append(Change(citation.id, before, now))
    return found


def _series(source_id: str) -> str:
    """Return a source's id without the day that many end with."""
    head, _, day = source_id.rpartition("-20")
    return head if head and day[:2].isdecimal() else source_id


def _plain(value: Decimal) -> str:
    return format(value.normalize(), ",f")
