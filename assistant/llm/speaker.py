"""The middleware that makes a real model speak: retries, next models, planner, verified release.

It stands in the place of the graph's plain model call. A call streams from the first model that is
worth asking; a failure is retried where that helps, then the next model goes on, and at last the
planner, which reads the same messages. Fallback and retry middleware of LangChain do not fit: they
know no text that was already shown, no circuit breaker and no cancelling.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NotRequired, cast

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from assistant.answer import Citation
from assistant.citations import sources_of
from assistant.grounding import FactIndex, NumberLock
from assistant.llm.breaker import SHARED, Breaker
from assistant.llm.candidates import Candidate, is_configuration
from assistant.llm.correction import correct
from assistant.llm.failures import OPENS_CIRCUIT, Cancelled, Failure, Unusable, classify
from assistant.llm.messages import (
    checked_message,
    questions_of,
    since_question,
    trimmed_messages,
    why_endless,
)
from assistant.llm.prompt import system_prompt
from assistant.llm.pump import pumped
from assistant.llm.redact import redact
from assistant.llm.release import Release
from assistant.llm.turn import Turn
from assistant.trace import span
from tools.results import Result, restore


def merge_artifacts(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    """Reduce two states of the artifacts to one."""
    return {**(old or {}), **(new or {})}


class AskState(AgentState[Any]):
    """The state of a thread: messages, and all tool results outside the summarised history."""

    artifacts: NotRequired[Annotated[dict[str, Any], merge_artifacts]]


class Speaker(AgentMiddleware[AskState, Turn, Any]):
    """Answers model calls of the graph."""

    state_schema = AskState  # pyright: ignore[reportAssignmentType]

    def __init__(
        self,
        candidates: Sequence[Candidate],
        planner: BaseChatModel,
        lock: NumberLock,
        *,
        silence: float,
        breaker: Breaker = SHARED,
    ) -> None:
        """Ask `candidates` in order, then `planner`; `silence` is the longest wait for a sign."""
        super().__init__()
        self._candidates, self._planner, self._lock = candidates, planner, lock
        self._silence, self._breaker = silence, breaker
        self.tools = []

    def before_model(self, state: AskState, runtime: Any) -> dict[str, Any] | None:
        """Copy new tool results into the thread's state, where no summary removes them."""
        kept = state.get("artifacts") or {}
        new = {
            message.tool_call_id: message.artifact
            for message in state["messages"]
            if isinstance(message, ToolMessage)
            and message.artifact
            and message.tool_call_id not in kept
        }
        return {"artifacts": new} if new else None

    def wrap_model_call(
        self, request: ModelRequest[Turn], handler: Callable[[ModelRequest[Turn]], Any]
    ) -> ModelResponse[Any]:
        """Return the next message of the turn."""
        turn = request.runtime.context
        return ModelResponse(result=[self._say(request, turn)])

    def complete(self, messages: Sequence[AnyMessage], turn: Turn) -> str:
        """Return a model's plain text for messages, without the graph (summaries). May raise."""
        for candidate in self._candidates[turn.skip :]:
            if self._breaker.allows(candidate.label):
                return self._collect(candidate, list(redact(messages)), turn, tools=None)
        raise Unusable("circuit")

    # -- who speaks ----------------------------------------------------------------------------

    def _say(self, request: ModelRequest[Turn], turn: Turn) -> AIMessage:
        turn.check()
        new = since_question(request.messages)
        if not turn.by_planner and (problem := why_endless(new, turn)):
            self._give_up(turn, self._current(turn), Failure(problem))
            turn.by_planner = True
        while not turn.by_planner and turn.skip < len(self._candidates):
            candidate = self._candidates[turn.skip]
            if not self._breaker.allows(candidate.label):
                self._give_up(turn, candidate.label, Failure("circuit"))
                continue
            said = self._try(candidate, request, turn)
            if said is not None:
                return said
        turn.by_planner, turn.model = True, "planner"
        return self._planner.invoke(list(request.messages))

    def _try(
        self, candidate: Candidate, request: ModelRequest[Turn], turn: Turn
    ) -> AIMessage | None:
        """Return the message of a model; None if the next one has to speak."""
        attempt, trimmed = 0, False
        while True:
            already = len(turn.shown)
            try:
                said = self._attempt(candidate, request, turn, trimmed=trimmed)
            except Cancelled:
                raise
            except Exception as error:
                if is_configuration(error):
                    raise
                failure = classify(error)
            else:
                self._breaker.succeed(candidate.label)
                turn.model = candidate.label
                return said
            if failure.kind == "context" and not trimmed:
                trimmed = True
                continue
            begun = len(turn.shown) > already
            if begun or attempt >= failure.retries or turn.seconds_left <= 0:
                self._give_up(turn, candidate.label, failure)
                turn.by_planner = turn.by_planner or begun
                return None
            turn.pause(failure.delay(attempt))
            attempt += 1

    def _give_up(self, turn: Turn, label: str, failure: Failure) -> None:
        turn.failures.append((label, failure))
        turn.skip += 1
        if failure.kind in OPENS_CIRCUIT:
            self._breaker.fail(label)

    def _current(self, turn: Turn) -> str:
        return self._candidates[min(turn.skip, len(self._candidates) - 1)].label

    # -- one attempt ---------------------------------------------------------------------------

    def _attempt(
        self, candidate: Candidate, request: ModelRequest[Turn], turn: Turn, *, trimmed: bool
    ) -> AIMessage:
        messages = trimmed_messages(request.messages) if trimmed else list(request.messages)
        sent: list[BaseMessage] = [SystemMessage(system_prompt(turn.language)), *redact(messages)]
        results, earlier, sources = self._known(request)
        facts = FactIndex(results, earlier)
        threading.Thread(target=facts.warm, name="ask-facts", daemon=True).start()
        release = Release(
            turn,
            self._lock.reader(
                facts,
                question=questions_of(request.messages),
                days=[c.as_of for c in sources.values() if c.as_of],
            ),
            sources,
            secret=system_prompt("ja"),
        )
        with span("chat", {"gen_ai.request.model": candidate.label}, messages=sent) as traced:
            whole, pieces = self._stream(candidate, sent, turn, request.tools, release)
            said = checked_message(whole, pieces, turn)
            traced.usage(said)
        if said.tool_calls:
            release.drop()
            return said.model_copy(update={"content": "", "response_metadata": {}})
        if not release.seen:
            raise Unusable("empty")
        release.finish()
        if release.waiting:
            self._correct(candidate, sent, said, release, turn, request.tools)
        if not turn.text.strip():
            raise Unusable("unsupported")
        return AIMessage(
            id=said.id,
            content=turn.text,
            usage_metadata=said.usage_metadata,
        )

    def _stream(
        self,
        candidate: Candidate,
        sent: list[BaseMessage],
        turn: Turn,
        tools: Sequence[Any],
        release: Release,
    ) -> tuple[AIMessageChunk | None, int]:
        """Return the message and the number of pieces it came in."""
        bound = candidate.with_tools(tools)
        whole: AIMessageChunk | None = None
        pieces = 0
        chunks = pumped(lambda: bound.stream(sent, **candidate.extra), turn, self._silence)
        for chunk in chunks:
            whole = chunk if whole is None else whole + chunk
            pieces += bool(chunk.text or getattr(chunk, "tool_call_chunks", None))
            if text := str(chunk.text):
                release.feed(text)
        return whole, pieces

    def _collect(
        self, candidate: Candidate, sent: list[BaseMessage], turn: Turn, tools: Sequence[Any] | None
    ) -> str:
        model = candidate.with_tools(tools) if tools else candidate.model
        chunks = pumped(lambda: model.stream(sent, **candidate.extra), turn, self._silence)
        return "".join(str(chunk.text) for chunk in chunks)

    def _correct(
        self,
        candidate: Candidate,
        sent: list[BaseMessage],
        said: AIMessage,
        release: Release,
        turn: Turn,
        tools: Sequence[Any],
    ) -> None:
        def ask(question: str) -> str:
            more = [*sent, AIMessage(str(said.text)), HumanMessage(question)]
            try:
                return self._collect(candidate, more, turn, tools)
            except Cancelled:
                raise
            except Exception:
                return ""  # the facts speak in its place

        correct(release, turn, ask)

    def _known(
        self, request: ModelRequest[Turn]
    ) -> tuple[list[Result], list[Result], dict[str, Citation]]:
        """Return this turn's results, earlier ones newest first, and what can be cited."""
        state = cast("AskState", request.state)
        kept = dict(state.get("artifacts") or {})
        for message in request.messages:
            if isinstance(message, ToolMessage) and message.artifact:
                kept[message.tool_call_id] = message.artifact
        now = {
            message.tool_call_id
            for message in since_question(request.messages)
            if isinstance(message, ToolMessage)
        }
        sources: dict[str, Citation] = {}
        for artifact in kept.values():
            sources |= sources_of(artifact)
        new = [restore(artifact) for key, artifact in kept.items() if key in now]
        old = [restore(artifact) for key, artifact in reversed(kept.items()) if key not in now]
        return new, old, sources
