"""The agent graph: one for the planner and for real models, which differ in the chat model only."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver

from assistant.tool_registry import ToolRunner
from assistant.toolbox import build_tools

RECURSION_LIMIT = 12
"""Steps of the graph in one turn; the planner takes three."""


def build_agent(
    model: BaseChatModel, runner: ToolRunner, checkpointer: BaseCheckpointSaver[str]
) -> Any:
    """Return the compiled graph; models other than the planner get the results as text, too."""
    tools = build_tools(runner, with_text=model._llm_type != "planner")  # pyright: ignore[reportPrivateUsage]
    # The graph's type parameters are of no use outside this file.
    return create_agent(model, tools, checkpointer=checkpointer)  # pyright: ignore[reportUnknownVariableType]
