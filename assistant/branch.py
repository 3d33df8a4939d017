"""Going back in a conversation: a new thread that holds the first turns of another one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage


def branch(graph: Any, thread: str, turns: int) -> str:
    """Return a new thread with the first `turns` turns of `thread`, which stays as it is."""
    copy = uuid.uuid4().hex
    messages = graph.get_state(_config(thread)).values.get("messages", [])
    kept = first_turns(messages, turns)
    if kept:
        # As the node that ends a turn: otherwise the graph would go on with the copied messages.
        graph.update_state(_config(copy), {"messages": kept}, as_node="model")
    return copy


def first_turns(messages: Sequence[AnyMessage], turns: int) -> list[AnyMessage]:
    """Return the messages up to the end of the given number of turns."""
    starts = [index for index, found in enumerate(messages) if isinstance(found, HumanMessage)]
    end = starts[turns] if turns < len(starts) else len(messages)
    return list(messages[:end])


def _config(thread: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread}}
