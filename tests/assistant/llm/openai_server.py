"""A local server that speaks OpenAI's chat completions with server-sent events.

Requests are checked against the request types that OpenAI publishes (the `openai` package generates
them from its OpenAPI description), and by the API's rule that each tool call is answered.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from openai.types.chat import completion_create_params as schema
from pydantic import TypeAdapter, ValidationError

from tests.assistant.llm.replies import Asked, ModelHandler, Reply, cut

_ERRORS = {
    "throttled": (429, "rate_limit_exceeded", "Rate limit reached for requests"),
    "invalid": (404, "model_not_found", "The model does not exist"),
    "overflow": (400, "context_length_exceeded", "This model's maximum context length is 8192"),
    "denied": (401, "invalid_api_key", "Incorrect API key provided"),
    "server": (500, "server_error", "The server had an error"),
    "no_tools": (400, "invalid_request_error", "this model does not support tools"),
}
_STOPS = {"refusal": "content_filter", "length": "length"}


@cache
def _adapter(stream: bool) -> TypeAdapter[Any]:
    kind = (
        schema.CompletionCreateParamsStreaming if stream
        else schema.CompletionCreateParamsNonStreaming
    )  # fmt: skip
    return TypeAdapter(kind)


def problems(body: dict[str, Any]) -> list[str]:
    """Return what is wrong with a request."""
    found: list[str] = []
    try:
        adapter = _adapter(bool(body.get("stream")))
        parsed: Any = adapter.validate_python(body)
        adapter.dump_python(parsed)  # message lists are read lazily
    except ValidationError as error:
        found += [f"{e['loc']}: {e['msg']}" for e in error.errors()][:4]
    known = set(schema.CompletionCreateParamsStreaming.__annotations__) | set(
        schema.CompletionCreateParamsBase.__annotations__
    )
    found += [f"unknown field {key}" for key in body if key not in known]
    pending: set[str] = set()
    for message in body.get("messages", []):
        if message["role"] == "tool":
            if message["tool_call_id"] not in pending:
                found.append("a tool message answers no tool call")
            pending.discard(message["tool_call_id"])
            continue
        if pending:
            found.append(f"tool calls {sorted(pending)} are not answered")
        made: list[Any] = message.get("tool_calls") or []
        pending = {call["id"] for call in made}
        if message["role"] == "assistant" and not (message.get("content") or pending):
            found.append("an assistant message is empty")
    return found


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts: list[Any] = content or []
    return "".join(part.get("text", "") for part in parts)


def _understood(body: dict[str, Any], headers: Any) -> Asked:
    spoken = [m for m in body["messages"] if m["role"] not in ("system", "developer")]
    messages = [
        {
            "role": message["role"],
            "text": _text(message.get("content")),
            "calls": message.get("tool_calls") or [],
            "results": [message] if message["role"] == "tool" else [],
        }
        for message in spoken
    ]
    return Asked(
        model=body["model"],
        system="".join(
            _text(m["content"]) for m in body["messages"] if m["role"] in ("system", "developer")
        ),
        messages=messages,
        tools=[tool["function"]["name"] for tool in body.get("tools", [])],
        streamed=bool(body.get("stream")),
        body=body,
        headers={name.lower(): value for name, value in headers.items()},
    )


class OpenAIHandler(ModelHandler):
    """One request to an OpenAI-compatible server."""

    def do_POST(self) -> None:
        """Answer chat completions."""
        body = json.loads(self.body())
        if not self.path.endswith("/chat/completions"):
            self._fail(404, "not_found", self.path)
            return
        if not self.headers.get("authorization", "").startswith("Bearer "):
            self._fail(401, "invalid_api_key", "no key")
            return
        if found := problems(body):
            self.state.rejected += found
            self._fail(400, "invalid_request_error", "; ".join(found))
            return
        asked = _understood(body, self.headers)
        self.state.asked.append(asked)
        reply = self.state.brain(asked)
        if reply.error:
            self._fail(*_ERRORS[reply.error])
        elif asked.streamed:
            self.begin_stream("text/event-stream")
            self.send_pieces(reply, _chunks(reply))
        else:
            self.send(200, json.dumps(_whole(reply)).encode())

    def _fail(self, status: int, code: str, message: str) -> None:
        error = {"message": message, "type": code, "code": code, "param": None}
        self.send(status, json.dumps({"error": error}).encode())


def _line(content: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()


def _chunk(delta: dict[str, Any], stop: str | None = None) -> bytes:
    return _line({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "local",
        "choices": [{"index": 0, "delta": delta, "finish_reason": stop}],
    })  # fmt: skip


def _chunks(reply: Reply) -> list[bytes]:
    lines = [_chunk({"role": "assistant", "content": ""})]
    lines += [_chunk({"content": piece}) for piece in cut(reply.text)]
    for number, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        head = {"index": number, "id": f"call_{id(reply)}_{number}", "type": "function"}
        lines.append(_chunk({"tool_calls": [{**head, "function": function}]}))
        for piece in cut(call.raw if call.raw is not None else json.dumps(call.args)):
            part = {"index": number, "function": {"arguments": piece}}
            lines.append(_chunk({"tool_calls": [part]}))
    if reply.error_in_stream:
        _, code, message = _ERRORS[reply.error_in_stream]
        return [*lines, _line({"error": {"message": message, "type": code, "code": code}})]
    lines.append(b"data: {broken\n\n" if reply.breaks_frame else _chunk({}, _stop(reply)))
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    lines.append(_line({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "local",
        "choices": [], "usage": usage,
    }))  # fmt: skip
    return [*lines, b"data: [DONE]\n\n"]


def _stop(reply: Reply) -> str:
    return _STOPS.get(reply.stop) or ("tool_calls" if reply.calls else "stop")


def _whole(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function",
             "function": {"name": call.name, "arguments": json.dumps(call.args)}}
            for i, call in enumerate(reply.calls)
        ]  # fmt: skip
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "local",
        "choices": [{"index": 0, "message": message, "finish_reason": _stop(reply)}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }  # fmt: skip
