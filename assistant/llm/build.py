"""Wiring of answers from real models: clients, middleware, graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.messages.utils import count_tokens_approximately
from langgraph.runtime import get_runtime

from assistant.agent import build_agent
from assistant.bedrock import cache_settings
from assistant.grounding import NumberLock
from assistant.llm.candidates import Candidate
from assistant.llm.failures import Cancelled
from assistant.llm.speaker import Speaker
from assistant.llm.turn import Turn
from assistant.llm.turns import ModelTurns
from assistant.llm.wording import phrases
from assistant.models import BEDROCK, ModelName, build_model, parse_models
from assistant.planner.chat_model import PlannerChatModel
from assistant.settings import Settings
from assistant.tool_registry import ToolRunner
from assistant.trace import start_tracing

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver

DEFAULT_CONTEXT = 60_000
"""Tokens of a thread before older turns are summarised: well inside any model with tools."""
CHARS_PER_TOKEN = 1.5  # Japanese; LangChain's default is English prose
KEPT_MESSAGES = 8
MAX_SUMMARY = 4000
"""Characters; a longer summary is no summary."""


def build_model_turns(
    settings: Settings,
    runner: ToolRunner,
    checkpointer: BaseCheckpointSaver[str],
    lock: NumberLock,
    planner: PlannerChatModel,
    model: BaseChatModel | None,
) -> ModelTurns:
    """Return what answers with the configured models (or `model`), the planner behind them."""
    start_tracing(settings.trace)
    speaker = Speaker(candidates_of(settings, model), planner, lock, silence=settings.model_timeout)
    middleware = (speaker, _summaries(speaker, planner, settings))
    graph = build_agent(planner, runner, checkpointer, middleware, with_text=True)
    return ModelTurns(graph, lock, settings.model_turn_timeout)


def candidates_of(settings: Settings, model: BaseChatModel | None = None) -> list[Candidate]:
    """Return the configured models in the order in which they are asked."""
    if model is not None:
        return [Candidate(settings.model, lambda: model)]
    names = parse_models(settings)
    found = [_candidate(name, settings) for name in names]
    if len(found) == 1:
        found[0].model  # noqa: B018 - a wrong setting is told, not answered around
    return found


def _candidate(name: ModelName, settings: Settings) -> Candidate:
    cached = name.provider == BEDROCK
    return Candidate(
        name.label,
        lambda: build_model(name, settings),
        (lambda model: cache_settings(settings, model)) if cached else (lambda _: {}),
    )


def _summaries(speaker: Speaker, planner: BaseChatModel, settings: Settings) -> Any:
    """Return the middleware that summarises long threads, whatever becomes of the models."""

    def summarise(messages: Sequence[AnyMessage]) -> str:
        turn = get_runtime(Turn).context
        said = phrases(turn.language)
        asked = [str(m.content) for m in messages if isinstance(m, HumanMessage)]
        plain = said["summary_earlier"].format(questions=" / ".join(asked)[:MAX_SUMMARY])
        try:
            request = HumanMessage(said["summary_request"].format(text=_as_text(messages)))
            return speaker.complete([request], turn)[:MAX_SUMMARY] or plain
        except Cancelled:
            raise
        except Exception:
            return plain

    return _ThreadSummaries(
        planner,
        trigger=("tokens", settings.model_context or DEFAULT_CONTEXT),
        keep=("messages", KEPT_MESSAGES),
        summarizer=cast("Any", summarise),
        trim_tokens_to_summarize=None,
        token_counter=partial(count_tokens_approximately, chars_per_token=CHARS_PER_TOKEN),
    )


class _ThreadSummaries(SummarizationMiddleware[Any, Any]):
    """Summarises at the beginning of a turn only: a turn must not lose its own question."""

    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Summarise older turns if the thread has grown too long."""
        if not isinstance(state["messages"][-1], HumanMessage):
            return None
        return super().before_model(state, runtime)


def _as_text(messages: Sequence[AnyMessage]) -> str:
    return "\n".join(f"{m.type}: {str(m.content)[:1500]}" for m in messages if m.content)
