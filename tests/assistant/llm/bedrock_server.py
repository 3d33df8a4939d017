"""A local server that speaks Bedrock's Converse and ConverseStream, binary event stream included.

Requests are checked with botocore's own service model, and by the rules that the service adds: who
speaks in turn, each tool use answered in the next message, tools declared where they are used.
"""

from __future__ import annotations

import binascii
import itertools
import json
import re
import struct
import urllib.parse
from functools import cache
from typing import Any

from botocore.loaders import Loader  # pyright: ignore[reportMissingTypeStubs]
from botocore.model import ServiceModel  # pyright: ignore[reportMissingTypeStubs]
from botocore.validate import ParamValidator  # pyright: ignore[reportMissingTypeStubs]

from tests.assistant.llm.replies import Asked, ModelHandler, Reply, cut

_PATH = re.compile(r"/model/(?P<model>[^/]+)/converse(?P<stream>-stream)?$")
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=\w+/\d{8}/[\w-]+/bedrock/aws4_request, "
    r"SignedHeaders=[\w;-]+, Signature=[0-9a-f]{64}$"
)
_ERRORS = {
    "throttled": (429, "ThrottlingException", "Too many requests, please wait."),
    "invalid": (400, "ValidationException", "The provided model identifier is invalid."),
    "overflow": (400, "ValidationException", "Input is too long for requested model."),
    "denied": (403, "AccessDeniedException", "You don't have access to the model."),
    "server": (500, "InternalServerException", "The system encountered an unexpected error."),
    "no_tools": (400, "ValidationException", "This model doesn't support tool use."),
}
_STOPS = {"refusal": "guardrail_intervened", "length": "max_tokens"}


@cache
def _operation(name: str) -> Any:
    loader: Any = Loader()
    service: Any = ServiceModel(
        loader.load_service_model("bedrock-runtime", "service-2"), "bedrock-runtime"
    )
    return service.operation_model(name)


def frame(headers: dict[str, str], payload: bytes, *, broken: bool = False) -> bytes:
    """Return a message of the event stream: prelude, headers and payload with their checksums."""
    packed = b"".join(
        struct.pack("!B", len(name)) + name.encode() + b"\x07"
        + struct.pack("!H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )  # fmt: skip
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    head = prelude + struct.pack("!I", binascii.crc32(prelude))
    body = head + packed + payload
    checksum = binascii.crc32(body) ^ (0xFFFF if broken else 0)
    return body + struct.pack("!I", checksum & 0xFFFFFFFF)


def event(kind: str, content: dict[str, Any], *, broken: bool = False) -> bytes:
    """Return an event of ConverseStream."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(content).encode(), broken=broken)


def problems(model: str, body: dict[str, Any], *, stream: bool) -> list[str]:
    """Return what is wrong with a request."""
    operation = _operation("ConverseStream" if stream else "Converse")
    validator: Any = ParamValidator()
    report = validator.validate({**body, "modelId": model}, operation.input_shape)
    found = [report.generate_report()] if report.has_errors() else []
    pending: set[str] = set()
    roles = [message["role"] for message in body.get("messages", [])]
    if not roles or roles[0] != "user":
        found.append("a conversation must start with a user message")
    if any(a == b for a, b in itertools.pairwise(roles)):
        found.append("roles must alternate")
    for message in body.get("messages", []):
        results = {b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b}
        uses = {b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b}
        if results != pending:
            found.append(f"tool results {sorted(results)} do not answer {sorted(pending)}")
        pending = uses
        if any(not b["text"].strip() for b in message["content"] if "text" in b):
            found.append("a text block is blank")
        if (uses or results) and "toolConfig" not in body:
            found.append("toolConfig must be defined when using toolUse and toolResult blocks")
    return found


def _understood(model: str, body: dict[str, Any], *, stream: bool, headers: Any) -> Asked:
    messages = [
        {
            "role": message["role"],
            "text": "".join(block.get("text", "") for block in message["content"]),
            "calls": [b["toolUse"] for b in message["content"] if "toolUse" in b],
            "results": [b["toolResult"] for b in message["content"] if "toolResult" in b],
        }
        for message in body["messages"]
    ]
    tools = body.get("toolConfig", {}).get("tools", [])
    return Asked(
        model=model,
        system="".join(block.get("text", "") for block in body.get("system", [])),
        messages=messages,
        tools=[tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool],
        streamed=stream,
        body=body,
        headers={name.lower(): value for name, value in headers.items()},
    )


class BedrockHandler(ModelHandler):
    """One request to Bedrock."""

    def do_POST(self) -> None:
        """Answer Converse and ConverseStream."""
        match = _PATH.match(urllib.parse.urlparse(self.path).path)
        content = self.body()
        if match is None:
            self._fail(404, "UnknownOperationException", self.path)
            return
        if not _SIGNED.match(self.headers.get("authorization", "")):
            self._fail(403, "MissingAuthenticationTokenException", "not signed")
            return
        model, stream = urllib.parse.unquote(match["model"]), bool(match["stream"])
        body = json.loads(content)
        if found := problems(model, body, stream=stream):
            self.state.rejected += found
            self._fail(400, "ValidationException", "; ".join(found))
            return
        asked = _understood(model, body, stream=stream, headers=self.headers)
        self.state.asked.append(asked)
        reply = self.state.brain(asked)
        if reply.error:
            self._fail(*_ERRORS[reply.error])
        elif stream:
            self.begin_stream("application/vnd.amazon.eventstream")
            self.send_pieces(reply, _events(reply))
        else:
            self.send(200, json.dumps(_whole(reply)).encode())

    def _fail(self, status: int, code: str, message: str) -> None:
        content = json.dumps({"message": message}).encode()
        self.send(status, content, x_amzn_errortype=code)


def _events(reply: Reply) -> list[bytes]:
    events = [event("messageStart", {"role": "assistant"})]
    index = 0
    if reply.text:
        for piece in cut(reply.text):
            content = {"delta": {"text": piece}, "contentBlockIndex": 0}
            events.append(event("contentBlockDelta", content))
        events.append(event("contentBlockStop", {"contentBlockIndex": 0}))
        index = 1
    for number, call in enumerate(reply.calls, index):
        use = {"toolUseId": f"tooluse_{id(reply)}_{number}", "name": call.name}
        start = {"start": {"toolUse": use}, "contentBlockIndex": number}
        events.append(event("contentBlockStart", start))
        for piece in cut(call.raw if call.raw is not None else json.dumps(call.args)):
            content = {"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": number}
            events.append(event("contentBlockDelta", content))
        events.append(event("contentBlockStop", {"contentBlockIndex": number}))
    if reply.error_in_stream:
        status, _, message = _ERRORS[reply.error_in_stream]
        kind = {429: "throttlingException", 500: "internalServerException"}[status]
        headers = {":exception-type": kind, ":content-type": "application/json",
                   ":message-type": "exception"}  # fmt: skip
        return [*events, frame(headers, json.dumps({"message": message}).encode())]
    events.append(event("messageStop", {"stopReason": _stop(reply)}, broken=reply.breaks_frame))
    usage = {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120}
    events.append(event("metadata", {"usage": usage, "metrics": {"latencyMs": 5}}))
    return events


def _stop(reply: Reply) -> str:
    return _STOPS.get(reply.stop) or ("tool_use" if reply.calls else "end_turn")


def _whole(reply: Reply) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
    content += [
        {"toolUse": {"toolUseId": f"tooluse_{i}", "name": call.name, "input": call.args}}
        for i, call in enumerate(reply.calls)
    ]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _stop(reply),
        "usage": {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120},
        "metrics": {"latencyMs": 5},
    }
