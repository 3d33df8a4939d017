"""A chat model that says what a test tells it to say, behind the interface that the graph uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable


class ScriptedModel(FakeMessagesListChatModel):
    """Replies in turn with the given messages, whatever it is asked."""

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Return the model itself: the script names the tools."""
        return self


def calling(name: str, call_id: str = "call", **arguments: Any) -> AIMessage:
    """A message that calls a tool."""
    call = {"name": name, "args": arguments, "id": call_id}
    return AIMessage(content="", tool_calls=[call])


def scripted(*messages: AIMessage | str) -> ScriptedModel:
    """A model that says these messages, one a call."""
    said = [AIMessage(content=m) if isinstance(m, str) else m for m in messages]
    return ScriptedModel(responses=list(said))
