"""The MCP server: which handler serves which request."""

from __future__ import annotations

from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server

from assistant.answer import Language
from assistant.app import Assistant
from ui.mcp.prompts import Prompts
from ui.mcp.resources import Resources
from ui.mcp.texts import words
from ui.mcp.tools import Limits, Tools
from ui.version import installed_version

_HOUR_MS = 3_600_000


def build_server(assistant: Assistant, limits: Limits | None = None) -> Server[Any]:
    """Return a server over the assistant; it opens no connection by itself."""
    language: Language = "en" if assistant.settings.lang == "en" else "ja"
    tools, resources = Tools(assistant, limits or Limits()), Resources(assistant)
    prompts = Prompts(language)
    hint = CacheHint(ttl_ms=_HOUR_MS, scope="public")  # lists change with an upgrade only
    return Server(
        "ask",
        version=installed_version(),
        title="ask",
        instructions=words(language)["instructions"],
        cache_hints={"tools/list": hint, "resources/list": hint, "prompts/list": hint},
        on_list_tools=tools.list,
        on_call_tool=tools.call,
        on_list_resources=resources.list,
        on_list_resource_templates=resources.templates,
        on_read_resource=resources.read,
        on_completion=resources.complete,
        on_list_prompts=prompts.list,
        on_get_prompt=prompts.get,
    )
