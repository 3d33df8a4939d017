"""Free text against the number lock: seeded lies and their honest twins, made from real Answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.grounding import FactIndex, NumberLock, Verdict
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue
from tests.assistant.conftest import Tally
from tests.assistant.free_lies import Case, cases


@pytest.fixture(scope="module")
def judged(catalogue: Catalogue, runner: ToolRunner) -> list[tuple[Case, Verdict]]:
    """All sentences with their verdicts."""

    def judge() -> Iterator[tuple[Case, Verdict]]:
        lock = NumberLock(catalogue)
        for case in cases():
            answer = case.answer
            results = [runner.attempt(call.name, call.args) for call in answer.tool_calls]
            days = [c.as_of for c in answer.citations if c.as_of]
            reader = lock.reader(FactIndex(results), question=answer.question, days=days)
            yield case, reader.judge(case.text)

    return list(judge())


def test_no_lie_is_shown(judged: list[tuple[Case, Verdict]], tallies: list[Tally]) -> None:
    tally = Tally("lies shown in free text")
    for case, verdict in judged:
        if not case.true:
            tally.count(case.kind, case.text, wrong=verdict.passed)
    tallies.append(tally)
    assert sum(tally.judged.values()) >= 300
    assert not tally.wrong, "\n".join(tally.lines())


def test_at_most_two_per_cent_of_honest_sentences_are_blocked(
    judged: list[tuple[Case, Verdict]], tallies: list[Tally]
) -> None:
    tally = Tally("honest sentences blocked in free text")
    for case, verdict in judged:
        if case.true:
            tally.count(case.kind, case.text, wrong=not verdict.passed)
    tallies.append(tally)
    assert sum(tally.judged.values()) >= 300
    assert sum(tally.wrong.values()) <= 0.02 * sum(tally.judged.values()), tally.lines()
