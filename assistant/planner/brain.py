"""The planner without any framework: a question -> tool calls -> text from their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from assistant.answer import Language
from assistant.planner.compose import Composition, compose
from assistant.planner.entities import EntityReader
from assistant.planner.route import Call, route
from assistant.planner.understand import Understander, Understanding
from knowledge.ec2.catalogue import Catalogue
from tools.results import Result, restore


@dataclass(frozen=True, slots=True)
class Plan:
    """What a question asks, and the tool calls that answer it, by call id."""

    understanding: Understanding
    calls: dict[str, Call]


class Planner:
    """Understand, route and compose against one catalogue."""

    def __init__(self, catalogue: Catalogue, region: str = "ap-northeast-1") -> None:
        """Read names from `catalogue`; `region` is where prices are compared if none is named."""
        self._catalogue = catalogue
        self._understander = Understander(EntityReader(catalogue), region)
        # A turn asks for its plan twice: for the calls, and again for the text.
        self._latest: tuple[object, Plan] | None = None

    def plan(
        self,
        question: str,
        history: Sequence[str],
        *,
        turn: int = 0,
        language: Language | None = None,
    ) -> Plan:
        """Return the plan of a question; `turn` makes call ids unique within a thread."""
        key = (question, tuple(history), turn, language)
        latest = self._latest
        if latest is None or latest[0] != key:
            latest = (key, self._make_plan(question, history, turn, language))
            self._latest = latest
        return latest[1]

    def _make_plan(
        self, question: str, history: Sequence[str], turn: int, language: Language | None
    ) -> Plan:
        understanding = self._understander.understand(question, history)
        if language:
            understanding = replace(understanding, language=language)
        calls: dict[str, Call] = {}
        for index, request in enumerate(understanding.requests):
            for number, call in enumerate(route(request)):
                calls[f"t{turn}r{index}c{number}"] = call
        return Plan(understanding, calls)

    def compose(
        self, plan: Plan, artifacts: Mapping[str, object], *, today: date | None = None
    ) -> Composition:
        """Return the text of a turn from the artifacts of its tool calls."""
        results: dict[int, list[Result]] = {}
        for call_id in plan.calls:
            if call_id in artifacts:
                index = int(call_id.partition("r")[2].partition("c")[0])
                results.setdefault(index, []).append(restore(artifacts[call_id]))
        outcomes = [
            (request, results.get(i, [])) for i, request in enumerate(plan.understanding.requests)
        ]
        return compose(
            plan.understanding,
            outcomes,
            regions=self._catalogue.regions,
            specs_as_of=self._catalogue.specs_as_of,
            today=today or datetime.now().astimezone().date(),
        )
