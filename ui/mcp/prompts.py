"""Prompts: questions for common tasks, with places to fill in."""

from __future__ import annotations

from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from assistant.answer import Language
from ui.mcp.texts import words

Context = ServerRequestContext[Any, Any]
MAX_VALUE = 2_000
"""Characters of one value."""


class Prompts:
    """The prompts in one language."""

    def __init__(self, language: Language) -> None:
        """Speak `language`."""
        self._prompts: dict[str, dict[str, Any]] = {
            prompt["name"]: prompt for prompt in words(language)["prompts"]
        }

    async def list(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        """Return all prompts."""
        return types.ListPromptsResult(prompts=[_listed(item) for item in self._prompts.values()])

    async def get(self, _: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """Return a prompt with its values filled in. Raises MCPError."""
        prompt = self._prompts.get(params.name)
        if prompt is None:
            raise _invalid(f"Unknown prompt: {params.name}", "unknown_prompt")
        given = params.arguments or {}
        names = [argument["name"] for argument in prompt["arguments"]]
        for name in names:
            if not given.get(name, "").strip():
                raise _invalid(f"Missing argument: {name}", "missing_argument", argument=name)
            if len(given[name]) > MAX_VALUE:
                raise _invalid(f"Argument too long: {name}", "bad_input", argument=name)
        text = prompt["text"].format_map({name: given[name].strip() for name in names})
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(description=prompt["description"], messages=[message])


def _listed(prompt: dict[str, Any]) -> types.Prompt:
    arguments = [
        types.PromptArgument(name=item["name"], description=item["description"], required=True)
        for item in prompt["arguments"]
    ]
    return types.Prompt(
        name=prompt["name"],
        title=prompt["title"],
        description=prompt["description"],
        arguments=arguments,
    )


def _invalid(message: str, code: str, **more: str) -> MCPError:
    return MCPError(types.INVALID_PARAMS, message, {"code": code, **more})
