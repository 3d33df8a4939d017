"""`ask mcp` as its clients see it, over stdio and over HTTP, in both eras of the protocol."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest

pytest.importorskip("mcp", reason="needs the extra mcp")

from mcp import Client
from mcp.shared.exceptions import MCPError

from assistant.tool_registry import TOOLS
from tests.ui.mcp import clients
from ui.cli import run

Connect = Callable[[], AbstractAsyncContextManager[Client]]
CALLS: dict[str, dict[str, Any]] = {
    "describe_instances": {"names": ["g5.xlarge", "H100", "g6"]},
    "compare_instances": {"names": ["g5", "g4dn"]},
    "find_instances": {"gpu": "H100", "language": "en"},
    "estimate_cost": {"lines": [{"name": "g5.xlarge", "hours": 160}]},
    "search_glossary": {"query": "EFAとは"},
    "size_training": {"model": "7B", "method": "qlora"},
    "size_inference": {"model": "7B", "language": "en"},
    "model_memory": {"model": "7B"},
    "diagnose": {"text": "CUDA out of memory. Tried to allocate 2.00 GiB"},
    "generate_bundle": {"workload": "llm-train", "options": {"model": "7B"}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a server that asks for a token."""
    with clients.running(tmp_path_factory.mktemp("mcp"), ASK_MCP_TOKEN=clients.TOKEN) as url:
        yield url


@pytest.fixture(params=["stdio", "http"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Connect:
    """What opens a session over one of the transports."""
    if request.param == "stdio":
        return lambda: clients.stdio(tmp_path)
    url: str = request.getfixturevalue("server")
    return lambda: clients.http(url)


def text_of(result: Any, field: str = "content") -> str:
    content: Any = getattr(result, field)
    (only,) = cast("list[Any]", content) if isinstance(content, list) else [content]
    return str(only.text)


def test_every_tool_is_listed_and_called(connect: Connect) -> None:
    """The client itself checks typed content against the schema that the server listed."""

    async def session() -> None:
        async with connect() as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {*TOOLS, "ask"} == {*CALLS, "ask"}
            for tool in tools.values():
                jsonschema.Draft202012Validator.check_schema(tool.input_schema)
                jsonschema.Draft202012Validator.check_schema(tool.output_schema or {})
                assert tool.title
                assert tool.annotations
                assert tool.annotations.read_only_hint is (tool.name != "ask")
            for name, arguments in CALLS.items():
                jsonschema.validate(arguments, tools[name].input_schema)
                result = await client.call_tool(name, arguments)
                assert not result.is_error, text_of(result)
                assert result.structured_content["kind"]
                assert text_of(result)

    clients.together(session)


def test_figures_carry_prices_with_date_and_source(connect: Connect) -> None:
    async def session() -> Any:
        async with connect() as client:
            return await client.call_tool("describe_instances", {"names": ["g5.xlarge"]})

    result = clients.together(session)
    (item,) = result.structured_content["items"]
    assert item["figures"]["memory_gib"] == 16
    assert item["figures"]["gpu_model"] == "A10G"
    price = item["prices"][0]
    assert (price["region"], price["term"]) == ("ap-northeast-1", "on-demand")
    assert price["usd_per_hour"] == "1.459"
    assert price["as_of"] == "2026-02-01"
    assert price["source"]
    assert "1.459 USD" in text_of(result)
    assert len(json.dumps(result.structured_content)) < 4_000


def test_a_conversation_goes_on_and_reports_its_steps(connect: Connect) -> None:
    steps: list[str] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        steps.append(message or "")

    async def session() -> tuple[Any, Any]:
        async with connect() as client:
            first = await client.call_tool(
                "ask", {"question": "g5.xlargeの料金は?"}, progress_callback=heard
            )
            thread = first.structured_content["thread_id"]
            more = {"question": "バージニア北部だと?", "thread_id": thread}
            return first, await client.call_tool("ask", more)

    first, second = clients.together(session)
    assert "1.459 USD" in first.structured_content["answer"] == text_of(first)
    assert first.structured_content["citations"]
    assert steps
    assert "1.006 USD" in second.structured_content["answer"]


def test_malformed_calls_give_typed_errors(connect: Connect) -> None:
    bad: list[tuple[str, dict[str, Any], str]] = [
        ("describe_instances", {}, "bad_input"),
        ("describe_instances", {"names": "g5.xlarge"}, "bad_input"),
        ("describe_instances", {"names": ["g5"], "colour": "red"}, "bad_input"),
        ("describe_instances", {"names": ["g9.xlarge"]}, "unknown_name"),
        ("describe_instances", {"names": ["g5"], "region": "mars-1"}, "bad_input"),
        ("compare_instances", {"names": ["g5"]}, "bad_input"),
        ("estimate_cost", {"lines": [{"name": "g5.xlarge", "hours": -1}]}, "bad_input"),
        ("find_instances", {"sort": "beauty"}, "bad_input"),
        ("ask", {}, "bad_input"),
        ("ask", {"question": "g5は?", "language": "fr"}, "bad_input"),
    ]

    async def session() -> None:
        async with connect() as client:
            for name, arguments, code in bad:
                result = await client.call_tool(name, arguments)
                assert result.is_error, (name, arguments)
                error = result.structured_content["error"]
                assert error["code"] == code, (name, arguments, error)
                assert error["message"] == text_of(result)
                assert "Traceback" not in text_of(result)
            names = await client.call_tool("describe_instances", {"names": ["p5.24xlarge"]})
            assert "p5.4xlarge" in names.structured_content["error"]["suggestions"]
            with pytest.raises(MCPError) as unknown:
                await client.call_tool("rm_rf", {})
            assert unknown.value.error.data["code"] == "unknown_tool"
            good = await client.call_tool("search_glossary", {"query": "NVLink"})
            assert not good.is_error, "the session goes on after errors"

    clients.together(session)


def test_resources_are_read_by_address(connect: Connect, catalogue: Any) -> None:
    async def session() -> None:
        async with connect() as client:
            uris: list[str] = []
            cursor = None
            while True:
                page = await client.list_resources(cursor=cursor)
                uris += [resource.uri for resource in page.resources]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert len(uris) == len(set(uris))
            assert sum(uri.startswith("ask://instances/") for uri in uris) == len(catalogue.types)
            assert sum(uri.startswith("ask://glossary/") for uri in uris) >= 285
            templates = (await client.list_resource_templates()).resource_templates
            assert {item.uri_template for item in templates} == {
                "ask://glossary/{id}", "ask://instances/{name}",
            }  # fmt: skip
            entry = await client.read_resource("ask://glossary/EFA")
            assert entry.contents[0].mime_type == "text/markdown"
            assert "## 出典" in text_of(entry, "contents")
            machine = await client.read_resource("ask://instances/g5.xlarge")
            assert "A10G" in text_of(machine, "contents")
            for uri in (
                "ask://instances/g9.xlarge",
                "ask://glossary/..%2f..",
                "file:///etc/passwd",
            ):
                with pytest.raises(MCPError) as error:
                    await client.read_resource(uri)
                assert error.value.error.data["code"] == "unknown_resource"

    clients.together(session)


def test_prompts_fill_in_what_they_are_given(connect: Connect) -> None:
    async def session() -> None:
        async with connect() as client:
            prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
            assert {"choose_instance", "monthly_cost", "compare", "explain"} <= set(prompts)
            for prompt in prompts.values():
                given = {argument.name: "{x}値" for argument in prompt.arguments or []}
                filled = await client.get_prompt(prompt.name, given)
                assert text_of(filled.messages[0]).count("{x}値") == len(given)
                with pytest.raises(MCPError) as missing:
                    await client.get_prompt(prompt.name, {})
                assert missing.value.error.data["code"] == "missing_argument"

    clients.together(session)


def test_older_clients_with_a_handshake_are_served_too(server: str, tmp_path: Path) -> None:
    async def session() -> None:
        for opened in (clients.http(server, mode="legacy"), clients.stdio(tmp_path, mode="legacy")):
            async with opened as client:
                assert len((await client.list_tools()).tools) == len(TOOLS) + 1
                result = await client.call_tool("ask", {"question": "g5は?", "language": "en"})
                assert result.structured_content["language"] == "en"

    clients.together(session)


def post(url: str, body: bytes, **headers: str) -> int:
    """Return the status, also where the server answers before it has read the body."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    with contextlib.closing(connection):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(
                "POST", parts.path, body, {"Content-Type": "application/json", **headers}
            )
        return connection.getresponse().status


def test_http_lets_nobody_in_without_the_token(server: str) -> None:
    assert post(server, b"{}") == 401
    assert post(server, b"{}", Authorization="Bearer wrong") == 401
    assert post(server, b"{}", Authorization=f"Bearer {clients.TOKEN}") == 406
    health = server.replace("/mcp", "/healthz")
    with urllib.request.urlopen(health, timeout=10) as reply:
        assert json.load(reply)["status"] == "ok"


def rpc(url: str, body: bytes) -> tuple[int, int]:
    """Return the status and the JSON-RPC error code of a raw request."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {clients.TOKEN}",
    }
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers), timeout=30
        ) as reply:
            status, text = reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    return status, json.loads(text.rpartition("data: ")[2])["error"]["code"]


def test_what_is_no_request_gets_an_error_of_the_protocol(server: str) -> None:
    assert rpc(server, b"{not json") == (400, -32700)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}
    assert rpc(server, json.dumps(call).encode())[1] == -32602
    unknown = {"jsonrpc": "2.0", "id": 1, "method": "tools/burn"}
    assert rpc(server, json.dumps(unknown).encode())[1] == -32601


def test_http_refuses_large_bodies_and_foreign_pages(server: str) -> None:
    known = {"Authorization": f"Bearer {clients.TOKEN}"}
    assert post(server, b" " * 1_100_000, **known) == 413
    assert post(server, b"{}", **known, Origin="https://evil.example") == 403
    assert post(server, b"{}", **known, Host="evil.example") == 421


def test_an_address_for_others_needs_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mcp", "--http", "--host", "0.0.0.0"]) == 3
    assert "ASK_MCP_TOKEN" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_configurations_in_the_readme_start_this_server(name: str) -> None:
    text = (clients.ROOT / name).read_text("utf-8")
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    (desktop,) = [block["mcpServers"] for block in blocks if "mcpServers" in block]
    (editor,) = [block["servers"] for block in blocks if "servers" in block]
    assert run([*desktop["ask"]["args"], "--help"]) == 0
    assert desktop["ask"]["args"] == editor["ask"]["args"] == ["mcp"]
    assert editor["ask"]["type"] == "stdio"
    assert editor["ask-team"]["type"] == "http"
    assert editor["ask-team"]["url"].endswith("/mcp")
