"""Resources: glossary entries at ask://glossary/ID, instance types at ask://instances/NAME."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

import anyio.to_thread
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from assistant.answer import Language
from assistant.app import Assistant
from assistant.errors import AssistantError
from knowledge.chunks import Chunk
from knowledge.glossary_index import Head, load_glossary
from ui.mcp.texts import words

Context = ServerRequestContext[Any, Any]
PAGE = 200
_MARKDOWN = "text/markdown"
GLOSSARY, INSTANCES = "ask://glossary/", "ask://instances/"


class Resources:
    """What can be read by address."""

    def __init__(self, assistant: Assistant) -> None:
        """Read the glossary, and the catalogue of `assistant`."""
        self._assistant = assistant
        self._language: Language = "en" if assistant.settings.lang == "en" else "ja"

    async def list(
        self, _: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """Return a page of all resources: glossary entries, then instance types."""
        start = _position(params.cursor if params else None)
        found = self._all()
        following = str(start + PAGE) if start + PAGE < len(found) else None
        return types.ListResourcesResult(
            resources=found[start : start + PAGE], next_cursor=following
        )

    async def templates(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """Return the two forms of addresses."""
        say = words(self._language)
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(
                    name="glossary",
                    uri_template=GLOSSARY + "{id}",
                    description=say["glossary_template"],
                    mime_type=_MARKDOWN,
                ),
                types.ResourceTemplate(
                    name="instance",
                    uri_template=INSTANCES + "{name}",
                    description=say["instance_template"],
                    mime_type=_MARKDOWN,
                ),
            ]
        )

    async def read(
        self, _: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Return a resource as Markdown. Raises MCPError for an address that leads nowhere."""
        text = await anyio.to_thread.run_sync(self._text, params.uri)
        content = types.TextResourceContents(uri=params.uri, mime_type=_MARKDOWN, text=text)
        return types.ReadResourceResult(contents=[content])

    async def complete(
        self, _: Context, params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        """Return ids and names that begin with what was typed."""
        prefix, argument = params.argument.value, params.argument.name
        if argument == "id":
            found = [name for name in load_glossary().ids if name.startswith(prefix.lower())]
        elif argument in ("name", "instance", "names"):
            found = self._assistant.complete_names(prefix)
        else:
            found = []
        return types.CompleteResult(
            completion=types.Completion(
                values=found[:100], total=len(found), has_more=len(found) > 100
            )
        )

    def _all(self) -> list[types.Resource]:
        say, glossary = words(self._language), load_glossary()
        heads = [head for entry in glossary.ids if (head := glossary.get(entry))]
        entries = [
            types.Resource(
                uri=GLOSSARY + quote(head.id, safe=""),
                name=f"glossary/{head.id}",
                title=say["glossary"].format(title=self._title(head)),
                description=head.summary_en if self._language == "en" else head.summary,
                mime_type=_MARKDOWN,
            )
            for head in heads
        ]
        return entries + [
            types.Resource(
                uri=INSTANCES + quote(name, safe=""),
                name=f"instances/{name}",
                title=say["instance"].format(name=name),
                mime_type=_MARKDOWN,
            )
            for name in self._assistant.complete_names("")
            if "." in name
        ]

    def _title(self, head: Head) -> str:
        return head.en if self._language == "en" else head.ja

    def _text(self, uri: str) -> str:
        if uri.startswith(GLOSSARY):
            return self._entry(uri, unquote(uri.removeprefix(GLOSSARY)))
        if uri.startswith(INSTANCES):
            return self._instance(uri, unquote(uri.removeprefix(INSTANCES)))
        raise _nowhere(uri)

    def _entry(self, uri: str, name: str) -> str:
        glossary = load_glossary()
        head = glossary.get(name) or glossary.find(name)
        if head is None:
            raise _nowhere(uri)
        parts = [f"# {self._title(head)}", *_sections(glossary.chunks(head.id))]
        cited = [f"- [{source.title}]({source.url})({source.as_of})" for source in head.sources]
        parts.append(f"## {words(self._language)['sources']}\n\n" + "\n".join(cited))
        return "\n\n".join(parts) + "\n"

    def _instance(self, uri: str, name: str) -> str:
        try:
            result = self._assistant.run_tool("describe_instances", {"names": [name]})
        except AssistantError as error:
            raise _nowhere(uri, error.message(self._language)) from error
        return self._assistant.describe_result(result, self._language)


def _sections(chunks: Sequence[Chunk]) -> list[str]:
    """Return the passages, each heading once."""
    parts: list[str] = []
    heading = ""
    for chunk in chunks:
        if chunk.section and chunk.section != heading:
            parts.append(f"## {chunk.section}")
            heading = chunk.section
        parts.append(chunk.text.strip())
    return parts


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdecimal():
        raise MCPError(types.INVALID_PARAMS, f"Unknown cursor: {cursor}", {"code": "bad_cursor"})
    return int(cursor)


def _nowhere(uri: str, message: str = "") -> MCPError:
    data = {"code": "unknown_resource", "uri": uri, **({"message": message} if message else {})}
    return MCPError(types.INVALID_PARAMS, f"Unknown resource: {uri}", data)
