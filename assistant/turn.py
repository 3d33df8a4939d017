"""One turn of the graph: run it, lock its numbers, make the Answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.errors import GraphRecursionError

from assistant.agent import RECURSION_LIMIT
from assistant.answer import Answer, Citation, Figure, Language, ToolCall
from assistant.branch import branch
from assistant.errors import UpstreamError
from assistant.events import Step, TextDelta
from assistant.grounding import NumberLock, Verdict
from assistant.planner.normalise import is_english
from assistant.planner.vocabulary import table
from tools.codegen.spec import Bundle
from tools.results import InputFailure, NameFailure, Result, restore

SHOWN_QUESTION = 500


class Turns:
    """Run turns on a compiled graph."""

    def __init__(self, graph: Any, lock: NumberLock) -> None:
        """Use a graph whose model is the planner."""
        self._graph, self._lock = graph, lock

    def run(
        self, question: str, thread: str, language: Language | None
    ) -> Iterator[Step | TextDelta | Answer]:
        """Yield the steps of a turn, its verified text and its Answer."""
        spoken = language or ("en" if is_english(question) else "ja")
        message = HumanMessage(
            question, additional_kwargs={"language": language} if language else {}
        )
        config = {"configurable": {"thread_id": thread}, "recursion_limit": RECURSION_LIMIT}
        new: list[AnyMessage] = []
        updates = self._graph.stream(
            {"messages": [message]}, config, stream_mode="updates", durability="exit"
        )
        try:
            for update in updates:
                for node in update.values():
                    found: list[AnyMessage] = node.get("messages", []) if node else []
                    new += found
                    yield from steps_of(found, spoken)
        except GraphRecursionError as error:
            raise UpstreamError(
                f"モデルが {RECURSION_LIMIT} 段で答えを出しませんでした。質問を分けてください。",
                f"The model gave no answer in {RECURSION_LIMIT} steps; ask one thing at a time.",
            ) from error
        answer = finish(self._lock, question, thread, spoken, new)
        for block in answer.answer.split("\n\n"):
            yield TextDelta(block + "\n\n")
        yield answer

    def branch(self, thread: str, turns: int) -> str:
        """Return a new thread with the first turns of another one."""
        return branch(self._graph, thread, turns)


def finish(
    lock: NumberLock, question: str, thread: str, spoken: Language, new: Sequence[AnyMessage]
) -> Answer:
    """Return the Answer of a turn that the planner spoke, its figures verified."""
    said = next(m for m in reversed(new) if isinstance(m, AIMessage))
    results = {
        m.tool_call_id: restore(m.artifact)
        for m in new
        if isinstance(m, ToolMessage) and m.artifact
    }
    extra = said.additional_kwargs
    text = str(said.content)
    verdict = lock.check(
        text, list(results.values()), quoted=extra.get("quoted", ()), question=question
    )
    locked = text if verdict.passed else _without_unsupported(text, verdict, spoken)
    emptied = not verdict.passed and locked.count("\n") < 2
    if not text.strip():
        locked, emptied = _phrase("no_text", spoken), True
    warnings = list(extra.get("warnings", []))
    if not verdict.passed:
        warnings.append(_phrase("replaced", spoken))
    return Answer(
        question=question,
        answer=locked,
        language=extra.get("language", spoken),
        abstained=bool(extra.get("abstained")) or emptied,
        reason="unsupported_figure" if emptied else extra.get("reason"),
        citations=[Citation.model_validate(item) for item in extra.get("citations", [])],
        figures=_distinct(verdict.figures),
        tool_calls=tool_calls_of(new, results),
        charts=charts_of(results.values()),
        suggestions=extra.get("suggestions", []),
        warnings=warnings,
        thread_id=thread,
        answer_id=uuid.uuid4().hex[:12],
        elapsed_ms=0,
    ).holding(bundles_of(results.values()))


def refuse_long(question: str, thread: str, limit: int) -> Answer:
    """Return the answer to a question that is too long to read."""
    spoken: Language = "en" if is_english(question[:SHOWN_QUESTION]) else "ja"
    return Answer(
        question=question[:SHOWN_QUESTION],
        answer=_phrase("too_long", spoken).format(limit=f"{limit:,}"),
        language=spoken,
        abstained=True,
        reason="too_long",
        thread_id=thread,
        answer_id=uuid.uuid4().hex[:12],
        elapsed_ms=0,
    )


def steps_of(messages: Sequence[AnyMessage], spoken: Language) -> Iterator[Step]:
    """Yield what messages mean to someone who waits."""
    for message in messages:
        if isinstance(message, AIMessage):
            for call in message.tool_calls:
                names = "・".join(map(str, call["args"].get("names", ())))
                phrases: dict[str, str] = table("phrases")[spoken]
                label = phrases.get(f"step_{call['name']}", "{names}").format(names=names)
                yield Step(label, call["name"], "started")
        elif isinstance(message, ToolMessage):
            yield Step("", message.name or "", "done")


def bundles_of(results: Iterable[Result]) -> list[Bundle]:
    """Return the bundles among the results."""
    return [result for result in results if isinstance(result, Bundle)]


def charts_of(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return the pictures of the results, each once."""
    found = [chart for result in results for chart in getattr(result, "charts", ())]
    return [chart.model_dump(mode="json") for chart in dict.fromkeys(found)]


def tool_calls_of(messages: Sequence[AnyMessage], results: dict[str, Result]) -> list[ToolCall]:
    """Return the tool calls of a turn, with what became of them."""
    calls = [
        call
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    ]
    return [
        ToolCall(
            name=call["name"],
            args=call["args"],
            ok=not isinstance(results.get(call["id"] or ""), NameFailure | InputFailure | None),
        )
        for call in calls
    ]


def _without_unsupported(text: str, verdict: Verdict, spoken: Language) -> str:
    """Return the text without the sentences and rows that hold unsupported figures or names."""
    segments = {mention.segment.strip() for mention in verdict.unsupported}
    kept: list[str] = []
    for line in text.split("\n"):
        cells = " | ".join(cell.strip() for cell in line.strip().strip("|").split("|"))
        if cells in segments or any(name in line.lower() for name in verdict.unknown_names):
            continue
        for segment in segments:
            line = line.replace(segment, "")
        kept.append(line)
    return "\n".join([*kept, "", _phrase("replaced", spoken)])


def _distinct(figures: Sequence[Figure]) -> list[Figure]:
    return list({(figure.text, figure.source): figure for figure in figures}.values())


def _phrase(key: str, spoken: Language) -> str:
    phrases: dict[str, str] = table("phrases")[spoken]
    return phrases[key]
