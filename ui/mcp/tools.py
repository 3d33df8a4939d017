"""Listing and calling tools: all of the assistant's registry, and `ask` itself.

A call that goes wrong returns a result with `isError` and `{"error": {"code", "message", …}}`, so
that the calling model can correct itself; only an unknown tool is an error of the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.answer import Answer, Citation, Language
from assistant.app import Assistant
from assistant.artifacts import workloads
from assistant.errors import AssistantError
from assistant.events import Step
from assistant.tool_registry import TOOLS, Tool
from tools.results import InputFailure, NameFailure
from ui.failures import failure_of
from ui.language import language_of
from ui.mcp.compact import Json, compact_result, result_schema
from ui.mcp.texts import tool_title

Context = ServerRequestContext[Any, Any]
_T = TypeVar("_T")
_ASK = (
    "Answer a question about AWS machine-learning compute in Japanese or English, with verified "
    "numbers, sources and dates. Pass thread_id of an earlier answer to go on from it. For one "
    "precise thing the other tools return typed data."
)
_LANGUAGE = {
    "type": "string",
    "enum": ["ja", "en"],
    "description": "Language of the short text; Japanese by default.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes on."""

    concurrency: int = 8
    waiting: int = 64
    """Calls that may wait for a free place; more are refused as `busy`."""
    timeout_seconds: float = 60.0


class AskRequest(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1, max_length=20_000)
    thread_id: str | None = Field(None, min_length=1, max_length=200)
    """Conversation to go on with."""
    language: Literal["ja", "en"] | None = None
    """Language of the answer; by default that of the question."""


class Reply(BaseModel):
    """An answer, as other programs need it."""

    answer: str
    """Markdown."""
    language: Language
    abstained: bool
    reason: str | None
    citations: list[Citation]
    suggestions: list[str]
    warnings: list[str]
    model: str
    thread_id: str | None
    """Pass it on to ask a follow-up question."""
    answer_id: str


class Tools:
    """The tools of one server."""

    def __init__(self, assistant: Assistant, limits: Limits) -> None:
        """Run calls on `assistant`, never more at a time than `limits` allows."""
        self._assistant, self._limits = assistant, limits
        self._language: Language = "en" if assistant.settings.lang == "en" else "ja"
        self._places = anyio.CapacityLimiter(limits.concurrency)
        self._taken = 0
        self._tools: list[types.Tool] | None = None

    async def list(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """Return all tools with their schemas."""
        if self._tools is None:
            self._tools = [self._described(tool) for tool in TOOLS.values()]
            self._tools.append(self._ask_described())
        return types.ListToolsResult(tools=self._tools)

    async def call(
        self, context: Context, call: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Run a tool within the limits and return its result, or what was wrong."""
        name, arguments = call.name, dict(call.arguments or {})
        if name != "ask" and name not in TOOLS:
            known = ["ask", *TOOLS]
            raise MCPError(
                types.INVALID_PARAMS,
                f"Unknown tool: {name}",
                {"code": "unknown_tool", "known": known},
            )
        language = self._spoken(arguments)
        if self._taken >= self._limits.concurrency + self._limits.waiting:
            return _busy(language)
        self._taken += 1
        try:
            with anyio.fail_after(self._limits.timeout_seconds):
                if name == "ask":
                    return await self._ask(context, arguments)
                return await self._in_thread(lambda: self._run(name, arguments, language))
        except TimeoutError:
            return _timed_out(language, self._limits.timeout_seconds)
        except Exception as error:
            return _failed(error, language)
        finally:
            self._taken -= 1

    def _spoken(self, arguments: Mapping[str, Any]) -> Language:
        given = arguments.get("language")
        if given in ("ja", "en"):
            return given
        question = arguments.get("question")
        return language_of(question) if isinstance(question, str) else self._language

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        # A thread cannot be stopped; a call that ran out of time leaves it behind to finish.
        return await anyio.to_thread.run_sync(work, limiter=self._places, abandon_on_cancel=True)

    def _run(
        self, name: str, arguments: dict[str, Any], language: Language
    ) -> types.CallToolResult:
        arguments.pop("language", None)
        result = self._assistant.runner.attempt(name, arguments)
        if isinstance(result, NameFailure | InputFailure):
            return _refused(result, language)
        text = self._assistant.describe_result(result, language)
        return _content(text, compact_result(result))

    async def _ask(self, context: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        try:
            request = AskRequest.model_validate(arguments)
        except ValidationError as error:
            return _invalid(error, self._spoken(arguments))
        found = await self._in_thread(lambda: self._answer(context, request))
        reply = Reply.model_validate(found.model_dump(include=set(Reply.model_fields)))
        return _content(found.answer, reply.model_dump(mode="json"))

    def _answer(self, context: Context, request: AskRequest) -> Answer:
        """Return the answer, telling the client of its steps where it asked for progress."""
        number = 0
        for event in self._assistant.stream(request.question, request.thread_id, request.language):
            if isinstance(event, Answer):
                return event
            if isinstance(event, Step) and event.label:
                number += 1
                anyio.from_thread.run(context.session.report_progress, number, None, event.label)
        raise AssertionError("a stream ends with its answer")

    def _described(self, tool: Tool) -> types.Tool:
        schema = tool.schema
        schema["properties"] = {**schema["properties"], "language": _LANGUAGE}
        if "workload" in schema["properties"]:
            _name_workloads(schema["properties"])
        return types.Tool(
            name=tool.name,
            title=tool_title(tool.name, self._language),
            description=tool.description,
            input_schema=schema,
            output_schema=result_schema(tool),
            # Tools are pure functions over packaged data: nothing changes, nothing is called.
            annotations=types.ToolAnnotations(
                read_only_hint=True, destructive_hint=False, idempotent_hint=True,
                open_world_hint=False,
            ),
        )  # fmt: skip

    def _ask_described(self) -> types.Tool:
        return types.Tool(
            name="ask",
            title=tool_title("ask", self._language),
            description=_ASK,
            input_schema=AskRequest.model_json_schema(),
            output_schema=Reply.model_json_schema(mode="serialization"),
            # Each question adds a turn to its conversation.
            annotations=types.ToolAnnotations(
                read_only_hint=False, destructive_hint=False, idempotent_hint=False,
                open_world_hint=self._assistant.settings.model != "planner",
            ),
        )  # fmt: skip


def _name_workloads(properties: dict[str, Any]) -> None:
    """Say which workloads there are and what each can be told; `*`: must be given."""
    known = workloads()
    properties["workload"]["enum"] = [workload.key for workload in known]
    properties["options"]["description"] = "By workload (* required). " + "; ".join(
        f"{workload.key}: {_option_names(workload.options)}" for workload in known
    )


def _option_names(options: type[BaseModel]) -> str:
    names = (
        f"{name}*" if field.is_required() else name
        for name, field in options.model_fields.items()
        if name != "region"
    )
    return ", ".join(sorted(names, key=lambda name: not name.endswith("*")))


def _content(text: str, structured: dict[str, Json]) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content=structured
    )


def _error(code: str, message: str, **more: Any) -> types.CallToolResult:
    structured = {"error": {"code": code, "message": message, **more}}
    return types.CallToolResult(
        content=[types.TextContent(text=message)], structured_content=structured, is_error=True
    )


def _refused(failure: NameFailure | InputFailure, language: Language) -> types.CallToolResult:
    message = failure.message_en if language == "en" else failure.message_ja
    if isinstance(failure, NameFailure):
        return _error(
            failure.kind, message, name=failure.name, suggestions=list(failure.suggestions)
        )
    return _error(failure.kind, message)


def _invalid(error: ValidationError, language: Language) -> types.CallToolResult:
    problem = error.errors()[0]
    field = ".".join(map(str, problem["loc"])) or "request"
    message = (
        f"Cannot read {field}: {problem['msg']}"
        if language == "en"
        else f"「{field}」の指定を読めません: {problem['msg']}"
    )
    return _error("bad_input", message, field=field)


def _busy(language: Language) -> types.CallToolResult:
    if language == "en":
        return _error("throttled", "Too many calls are waiting; try again in a few seconds.")
    return _error("throttled", "処理待ちの呼び出しが多すぎます。数秒後にもう一度試してください。")


def _timed_out(language: Language, seconds: float) -> types.CallToolResult:
    if language == "en":
        return _error("timeout", f"No result within {seconds:g} seconds.")
    return _error("timeout", f"{seconds:g} 秒以内に結果が出ませんでした。")


def _failed(error: Exception, language: Language) -> types.CallToolResult:
    failure = failure_of(error)  # keeps the details of what nobody foresaw in a file
    if isinstance(error, AssistantError):
        return _error(failure.code, error.message(language))
    return _error(failure.code, failure.message)
