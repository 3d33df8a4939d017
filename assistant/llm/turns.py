"""One turn with a real model: the graph runs in a thread, so that nobody who leaves has to wait."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage, RemoveMessage, ToolMessage

from assistant.answer import Answer, Citation, Figure, Language
from assistant.branch import branch
from assistant.citations import sources_of
from assistant.events import Step, TextDelta
from assistant.grounding import NumberLock
from assistant.llm.failures import Cancelled
from assistant.llm.turn import Turn
from assistant.llm.wording import phrases
from assistant.planner.normalise import is_english
from assistant.trace import span
from assistant.turn import bundles_of, charts_of, finish, steps_of, tool_calls_of
from tools.results import restore

RECURSION_LIMIT = 100
"""A net under the speaker's own limits, which count model calls."""
MAX_SOURCES = 8


class ModelTurns:
    """Run turns on a graph with the speaker in it."""

    def __init__(self, graph: Any, lock: NumberLock, turn_seconds: float) -> None:
        """`turn_seconds`: after so long the planner takes over."""
        self._graph, self._lock, self._turn_seconds = graph, lock, turn_seconds

    def run(
        self, question: str, thread: str, language: Language | None
    ) -> Iterator[Step | TextDelta | Answer]:
        """Yield the steps of a turn, its verified text and its Answer. Closing it cancels it."""
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        spoken = language or ("en" if is_english(question) else "ja")
        deadline = time.monotonic() + self._turn_seconds
        turn = Turn(question, spoken, events.put, deadline)
        context = contextvars.copy_context()
        work = threading.Thread(
            target=context.run, args=(self._work, turn, thread, language, events), daemon=True
        )
        work.start()
        try:
            while True:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                if isinstance(event, Answer):
                    break
            work.join()
        finally:
            turn.cancelled.set()

    def branch(self, thread: str, turns: int) -> str:
        """Return a new thread with the first turns of another one."""
        return branch(self._graph, thread, turns)

    def _work(
        self, turn: Turn, thread: str, language: Language | None, events: queue.SimpleQueue[Any]
    ) -> None:
        config = {"configurable": {"thread_id": thread}, "recursion_limit": RECURSION_LIMIT}
        message = HumanMessage(
            turn.question,
            id=uuid.uuid4().hex,
            additional_kwargs={"language": language} if language else {},
        )
        new: list[AnyMessage] = []
        try:
            with span("turn", {"ask.thread_id": thread}) as traced:
                traced.text("ask.question", turn.question)
                stream: Any = self._graph.stream(
                    {"messages": [message]},
                    config,
                    context=turn,
                    stream_mode="updates",
                    durability="exit",
                )
                for update in stream:
                    for node in ("model", "tools"):
                        content: Any = update.get(node) or {}
                        found: list[AnyMessage] = content.get("messages", [])
                        new += found
                        for step in steps_of(found, turn.language):
                            events.put(step)
                answer = self._finish(turn, thread, new)
                traced.set(_answer_attributes(answer, turn))
            events.put(answer)
        except BaseException as error:
            self._forget(config, message, new)
            if not isinstance(error, Cancelled):
                events.put(error)

    def _forget(self, config: Any, message: HumanMessage, new: Sequence[AnyMessage]) -> None:
        """Take a turn that came to nothing out of the thread: nobody shall see half of it."""
        try:
            stored = self._graph.get_state(config).values.get("messages", [])
            start = next((i for i, m in enumerate(stored) if m.id == message.id), None)
            if start is not None:
                gone = [RemoveMessage(id=m.id) for m in stored[start:]]
                self._graph.update_state(config, {"messages": gone}, as_node="model")
        except Exception:
            return  # the turn failed already; the error that ends it says more than this one

    def _finish(self, turn: Turn, thread: str, new: Sequence[AnyMessage]) -> Answer:
        if turn.by_planner:
            return self._by_planner(turn, thread, new)
        sources, days = _sources(turn, new)
        turn.release(_ending(turn, sources, days))
        results = {
            m.tool_call_id: restore(m.artifact)
            for m in new
            if isinstance(m, ToolMessage) and m.artifact
        }
        return Answer(
            question=turn.question,
            answer=turn.text.strip(),
            language=turn.language,
            citations=sources,
            figures=list({(f.text, f.source): f for f in turn.figures}.values()),
            tool_calls=tool_calls_of(new, results),
            charts=charts_of(results.values()),
            warnings=_warnings(turn),
            model=turn.model,
            thread_id=thread,
            answer_id=uuid.uuid4().hex[:12],
            elapsed_ms=0,
        ).holding(bundles_of(results.values()))

    def _by_planner(self, turn: Turn, thread: str, new: Sequence[AnyMessage]) -> Answer:
        """Return the planner's answer, after what a model had already said."""
        answer = finish(self._lock, turn.question, thread, turn.language, new)
        begun = bool(turn.shown)
        label = _label(turn, "simple_rest" if begun else "simple_answer")
        turn.release(("\n\n" if begun else "") + label + "\n\n")
        turn.release(answer.answer)
        return answer.model_copy(
            update={
                "answer": turn.text,
                "figures": [*turn.figures, *answer.figures],
                "warnings": [*answer.warnings, *_warnings(turn)],
                "model": "planner",
            }
        )


def _label(turn: Turn, key: str) -> str:
    """Return the line that says why the planner answers."""
    said = phrases(turn.language)
    model, failure = turn.failures[-1]
    return said[key].format(model=model, why=said[f"why_{failure.kind}"])


def _warnings(turn: Turn) -> list[str]:
    said = phrases(turn.language)
    return [said[f"note_{key}"] for key in turn.notes]


def _sources(turn: Turn, new: Sequence[AnyMessage]) -> tuple[list[Citation], set[date]]:
    """Return the cited sources, then those that figures came from, and the days of prices shown."""
    found = dict(turn.citations)
    days: set[date] = set()
    for message in new:
        if isinstance(message, ToolMessage) and message.artifact:
            for citation in sources_of(message.artifact).values():
                if citation.quote is None and _behind_figures(citation, turn.figures):
                    found.setdefault(citation.id, citation)
                    if "料金表" in citation.title and citation.as_of:
                        days.add(citation.as_of)
    if turn.language == "en":
        english = _in_english(new)
        found = {key: english.get(key, citation) for key, citation in found.items()}
    return list(found.values())[:MAX_SOURCES], days


def _in_english(new: Sequence[AnyMessage]) -> dict[str, Citation]:
    """Return the sources of this turn with their English titles."""
    english: dict[str, Citation] = {}
    for message in new:
        if isinstance(message, ToolMessage) and message.artifact:
            english |= sources_of(message.artifact, english=True)
    return english


def _behind_figures(citation: Citation, figures: Sequence[Figure]) -> bool:
    """Whether a source of a result stands behind figures that were shown."""
    priced = [f for f in figures if f.unit in ("USD", "円") or "usd" in f.source]
    spot = [f for f in priced if "spot" in f.source]
    if "スポット" in citation.title:
        return bool(spot)
    if "料金" in citation.title:
        return len(priced) > len(spot)
    gpu = [f for f in figures if ":gpu" in f.source or ":memory_bandwidth" in f.source]
    if citation.title.startswith("GPU"):
        return bool(gpu)
    return citation.id.startswith("ec2") and len(figures) > len(priced)


def _ending(turn: Turn, sources: Sequence[Citation], days: set[date]) -> str:
    """Return the note on prices and the list of sources, as blocks after the text."""
    said = phrases(turn.language)
    blocks: list[str] = []
    if days:
        first, last = min(days).isoformat(), max(days).isoformat()
        dates = first if first == last else f"{first}〜{last}"
        blocks.append(said["price_note"].format(dates=dates))
    if sources:
        listed = " ".join(
            f"[{n}] {c.title}" + (f"({c.as_of.isoformat()})" if c.as_of else "")
            for n, c in enumerate(sources, 1)
        )
        blocks.append(f"{said['sources']}: {listed}")
    gap = "" if turn.text.endswith("\n\n") else "\n" if turn.text.endswith("\n") else "\n\n"
    return gap + "\n\n".join(blocks) if blocks else ""


def _answer_attributes(answer: Answer, turn: Turn) -> dict[str, Any]:
    return {
        "ask.model": answer.model,
        "ask.tool_calls": len(answer.tool_calls),
        "ask.abstained": answer.abstained,
        "ask.failures": ",".join(f"{label}={failure.kind}" for label, failure in turn.failures),
        **{f"gen_ai.usage.{kind}": count for kind, count in turn.tokens.items()},
    }
