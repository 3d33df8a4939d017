"""Keys that a user pasted never leave: they are masked in all messages that go to a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from langchain_core.messages import BaseMessage

from assistant.settings import mask_secrets

_Message = TypeVar("_Message", bound=BaseMessage)


def redact(messages: Sequence[_Message]) -> Iterator[_Message]:
    """Yield the messages with keys masked, in contents and in the arguments of tool calls."""
    for message in messages:
        content = _masked(message.content)
        update: dict[str, Any] = {} if content == message.content else {"content": content}
        calls = getattr(message, "tool_calls", None)
        if calls and (masked := _masked(calls)) != calls:
            update["tool_calls"] = masked
        yield message.model_copy(update=update) if update else message


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, list):
        return [_masked(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in cast("dict[Any, Any]", value).items()}
    return value
