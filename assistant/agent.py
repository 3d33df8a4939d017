"""The agent graph: one graph for the planner and for real models, differing only in the chat model."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver

from assistant.tool_registry import ToolRunner
from assistant.toolbox import build_tools

RECURSION_LIMIT = 12
"""Steps of the graph in one turn; the planner takes three."""


def build_agent(model: BaseChatModel, runner: ToolRunner, checkpointer: BaseCheckpointSaver[str]) -> Any:
    """Return the compiled graph. The planner reads artifacts, other models also need the text of results."""
    tools = build_tools(runner, with_text=model._llm_type != "planner")  # pyright: ignore[reportPrivateUsage]
    return create_agent(model, tools, checkpointer=checkpointer)
