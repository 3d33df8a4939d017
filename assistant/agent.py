"""The agent graph: one for the planner and for real models, which differ in the chat model only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver

from assistant.tool_registry import ToolRunner
from assistant.toolbox import build_tools

RECURSION_LIMIT = 12
"""Steps of the graph in one turn of the planner, which takes three."""


def build_agent(
    model: BaseChatModel,
    runner: ToolRunner,
    checkpointer: BaseCheckpointSaver[str],
    middleware: Sequence[Any] = (),
    *,
    with_text: bool = False,
) -> Any:
    """Return the compiled graph; `with_text`: the results as text, too, for real models."""
    tools = build_tools(runner, with_text=with_text)
    options: dict[str, Any] = {"middleware": middleware} if middleware else {}
    # The graph's type parameters are of no use outside this file.
    return create_agent(model, tools, checkpointer=checkpointer, **options)  # pyright: ignore[reportUnknownVariableType]
