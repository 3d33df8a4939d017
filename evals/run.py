"""Runs the datasets through the assistant in this process and sums up the outcome."""

from __future__ import annotations

import math
import os
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from evals.dataset import Case
from evals.scorers import Score, score

THRESHOLDS = Path(__file__).parent / "thresholds.toml"
REGION = "ap-northeast-1"
"""The datasets expect Tokyo wherever a question names no region."""
Z_95 = 1.959964


class AnswerLike(Protocol):
    """The part of the assistant's Answer that the evaluation needs."""

    def model_dump(self, *, mode: str = ...) -> dict[str, Any]:
        """Give the answer as JSON-ready values."""
        ...


class AssistantLike(Protocol):
    """The part of the assistant that the evaluation needs."""

    def ask(self, question: str, thread_id: str | None = None) -> AnswerLike:
        """Answer one message of a thread."""
        ...


class Interval(NamedTuple):
    """A 95 % confidence interval of a rate."""

    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """One case, the answer it got and its scores."""

    case: Case
    answer: dict[str, Any]
    scores: list[Score]
    seconds: float
    """Time of the scored turn."""

    @property
    def passed(self) -> bool:
        """Whether no scorer failed."""
        return all(item.passed for item in self.scores)

    @property
    def failures(self) -> list[Score]:
        """The scorers that failed."""
        return [item for item in self.scores if not item.passed]


@dataclass(frozen=True)
class Row:
    """The outcome of a group of cases."""

    name: str
    total: int
    passed: int

    @property
    def rate(self) -> float:
        """Share of cases that passed."""
        return self.passed / self.total if self.total else 0.0

    @property
    def interval(self) -> Interval:
        """Wilson interval of the rate."""
        return wilson(self.passed, self.total)


@dataclass(frozen=True)
class Thresholds:
    """The least rates that pass."""

    overall: float
    category: float
    categories: dict[str, float] = field(default_factory=dict[str, float])

    def of(self, category: str) -> float:
        """The bar of one category."""
        return self.categories.get(category, self.category)


def wilson(passed: int, total: int) -> Interval:
    """Wilson score interval, which stays honest for few cases and for rates near one."""
    if not total:
        return Interval(0.0, 1.0)
    rate, square = passed / total, Z_95**2
    centre = rate + square / (2 * total)
    spread = Z_95 * math.sqrt(rate * (1 - rate) / total + square / (4 * total**2))
    scale = 1 + square / total
    return Interval(max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def load_assistant(model: str | None = None) -> AssistantLike:
    """Build the assistant in the evaluation's own setting: Tokyo, and no data of the user."""
    os.environ["ASK_REGION"] = REGION
    os.environ["ASK_DATA_DIR"] = tempfile.mkdtemp(prefix="ask-eval-")
    os.environ["ASK_MODEL"] = model or "planner"
    from assistant import build_assistant

    return build_assistant()


def run_case(assistant: AssistantLike, case: Case) -> Result:
    """Ask the turns of a case in a thread of its own and score the last answer."""
    thread = f"eval-{uuid4().hex}" if case.turns else None
    answer: dict[str, Any] = {}
    started = time.perf_counter()
    try:
        for message in case.messages:
            started = time.perf_counter()
            answer = assistant.ask(message, thread_id=thread).model_dump(mode="json")
        scores = score(answer, case)
    except Exception as error:  # a crash is a failed case, and the run goes on
        scores = [Score("crash", False, f"{type(error).__name__}: {error}")]
    return Result(case, answer, scores, time.perf_counter() - started)


def run_cases(
    assistant: AssistantLike,
    cases: Sequence[Case],
    progress: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Run every case in order."""
    results: list[Result] = []
    for case in cases:
        results.append(run_case(assistant, case))
        progress(results[-1])
    return results


def overall(results: Sequence[Result]) -> Row:
    """The outcome of all cases together."""
    return Row("overall", len(results), sum(result.passed for result in results))


def by_hand(results: Sequence[Result]) -> Row:
    """The outcome of the cases worded by hand in the way people ask."""
    kept = [result for result in results if result.case.hand]
    return Row("by hand", len(kept), sum(result.passed for result in kept))


def by_category(results: Sequence[Result]) -> list[Row]:
    """The outcome of each category, in order of appearance."""
    return _rows((result.case.category, result.passed) for result in results)


def by_scorer(results: Sequence[Result]) -> list[Row]:
    """The outcome of each scorer over the cases it applied to."""
    return _rows((item.name, item.passed) for result in results for item in result.scores)


def percentile(results: Sequence[Result], share: float) -> float:
    """Time in milliseconds that this share of answers stayed within."""
    times = sorted(result.seconds for result in results)
    return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else 0.0


def read_thresholds(path: Path = THRESHOLDS) -> Thresholds:
    """Read the bars from a TOML file."""
    return Thresholds(**tomllib.loads(path.read_text(encoding="utf-8")))


def below(results: Sequence[Result], bars: Thresholds, *, whole: bool = True) -> list[str]:
    """Say which bars are missed; the overall bar counts only for a whole split."""
    missed = [
        f"{row.name}: {row.rate:.1%} < {bars.of(row.name):.0%}"
        for row in by_category(results)
        if row.rate < bars.of(row.name)
    ]
    total = overall(results)
    if whole and total.rate < bars.overall:
        missed.append(f"overall: {total.rate:.1%} < {bars.overall:.0%}")
    return missed


def _rows(outcomes: Iterable[tuple[str, bool]]) -> list[Row]:
    totals, passes = Counter[str](), Counter[str]()
    for name, passed in outcomes:
        totals[name] += 1
        passes[name] += passed
    return [Row(name, total, passes[name]) for name, total in totals.items()]
