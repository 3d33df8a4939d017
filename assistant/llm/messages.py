"""Messages of a turn: complete or broken, endless, cut for a small context."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)

from assistant.llm.failures import Unusable
from assistant.llm.turn import Turn

MAX_MODEL_CALLS = 8
MAX_PARALLEL_CALLS = 8
MAX_REPEATS = 2
"""A call with the same arguments for the third time in a turn is a loop."""
_ENDS = ("stopReason", "stop_reason", "finish_reason", "done_reason")
"""What providers call the reason why a message ended."""
_REFUSALS = ("guardrail_intervened", "content_filtered", "content_filter", "refusal")
_TRUNCATED = ("max_tokens", "length")


def checked_message(whole: AIMessageChunk | None, pieces: int, turn: Turn) -> AIMessage:
    """Return the complete message. Raises Unusable if nothing can be made of it."""
    if whole is None:
        raise Unusable("empty")
    reason = next(
        (str(whole.response_metadata[k]) for k in _ENDS if whole.response_metadata.get(k)), ""
    )
    if not reason and pieces > 1:
        raise Unusable("upstream")  # the connection closed politely in the middle
    if reason in _REFUSALS:
        raise Unusable("refused")
    if whole.invalid_tool_calls:
        raise Unusable("malformed")
    if reason in _TRUNCATED:
        turn.note("truncated")
    for kind, count in (whole.usage_metadata or {}).items():
        if isinstance(count, int):
            turn.tokens[kind] = turn.tokens.get(kind, 0) + count
    calls = [{**call, "id": call["id"] or f"call-{i}"} for i, call in enumerate(whole.tool_calls)]
    return AIMessage(
        id=whole.id,
        content=cast("Any", whole.content),
        tool_calls=calls[:MAX_PARALLEL_CALLS],
        usage_metadata=whole.usage_metadata,
    )


def why_endless(new: Sequence[BaseMessage], turn: Turn) -> Any:
    """Return why a turn cannot go on with models: too many calls, repeated ones, no time."""
    if turn.seconds_left <= 0:
        return "timeout"
    said = [message for message in new if isinstance(message, AIMessage)]
    made = [call for message in said for call in {_written(call) for call in message.tool_calls}]
    repeated = any(made.count(call) > MAX_REPEATS for call in set(made))
    return "loop" if len(said) >= MAX_MODEL_CALLS or repeated else None


def _written(call: Mapping[str, Any]) -> str:
    return json.dumps([call["name"], call["args"]], sort_keys=True, default=str)


def since_question(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages of this turn."""
    start = max((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=0)
    return list(messages[start:])


def trimmed_messages(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return this turn alone, with long tool texts cut: what fits into a small context."""
    return [
        message.model_copy(update={"content": str(message.content)[:2000]})
        if isinstance(message, ToolMessage)
        else message
        for message in since_question(messages)
    ]


def questions_of(messages: Sequence[AnyMessage]) -> str:
    """Return all that the user wrote in the thread."""
    return "\n".join(str(m.content) for m in messages if isinstance(m, HumanMessage))
