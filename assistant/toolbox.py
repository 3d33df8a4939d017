"""The LangChain wrappers of all tools: one `StructuredTool` per entry of the registry.

The result model travels as the message's artifact; the content is a short list of facts for models
that read text.
"""

from __future__ import annotations

from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

from assistant.tool_registry import TOOLS, Tool, ToolRunner
from tools.facts import facts_of
from tools.results import InputFailure, NameFailure, Result

MAX_FACTS = 400
"""Facts in the text of a result: enough for a comparison of six families' ends."""


def build_tools(runner: ToolRunner, *, with_text: bool = True) -> list[BaseTool]:
    """Return the tools; `with_text=False` is for a model that reads artifacts, not content."""
    return [_wrap(tool, runner, with_text=with_text) for tool in TOOLS.values()]


def _wrap(tool: Tool, runner: ToolRunner, *, with_text: bool) -> BaseTool:
    def run(**request: Any) -> tuple[str, dict[str, Any]]:
        result = runner.attempt(tool.name, request)
        text = summarise(result) if with_text else result.kind
        # A plain dict: the same before and after a checkpoint, and no class of ours in a thread.
        return text, result.model_dump(mode="json")

    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.schema,
        func=run,
        response_format="content_and_artifact",
    )


def summarise(result: Result) -> str:
    """Return a result as lines of `subject attribute value unit`."""
    if isinstance(result, NameFailure | InputFailure):
        return result.message_en
    lines = [f"{fact.source} = {fact.value} {fact.unit}".strip() for fact in facts_of(result)]
    return "\n".join(lines[:MAX_FACTS])
