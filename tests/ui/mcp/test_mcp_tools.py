"""Limits, schemas and words of the MCP server, in process."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import anyio
import jsonschema
import pytest

pytest.importorskip("mcp", reason="needs the extra mcp")

from mcp import Client

import ui.mcp
from assistant.app import Assistant
from assistant.tool_registry import TOOLS, ToolRunner
from tools.results import Result
from ui.mcp.compact import compact_result, result_schema
from ui.mcp.server import build_server
from ui.mcp.tools import Limits


class Slow:
    """Tools that take their time, or break."""

    def attempt(self, name: str, request: Mapping[str, Any]) -> Result:
        time.sleep(0.5)
        raise RuntimeError("secret detail")


@pytest.fixture
def slow(forgetful: Assistant, monkeypatch: pytest.MonkeyPatch) -> Assistant:
    monkeypatch.setitem(forgetful.__dict__, "runner", Slow())
    return forgetful


def code_of(result: Any) -> str:
    return result.structured_content["error"]["code"]


def test_a_call_that_takes_too_long_ends_with_a_timeout(slow: Assistant) -> None:
    async def session() -> None:
        async with Client(build_server(slow, Limits(timeout_seconds=0.1))) as client:
            assert code_of(await client.call_tool("find_instances", {})) == "timeout"

    anyio.run(session)


def test_more_calls_than_may_wait_are_refused(slow: Assistant) -> None:
    codes: list[str] = []

    async def session() -> None:
        async with Client(build_server(slow, Limits(concurrency=1, waiting=1))) as client:

            async def call() -> None:
                codes.append(code_of(await client.call_tool("find_instances", {})))

            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(call)

    anyio.run(session)
    assert sorted(codes) == ["internal", "internal", "throttled", "throttled"]


def test_what_nobody_foresaw_is_told_without_details(slow: Assistant) -> None:
    async def session() -> Any:
        async with Client(build_server(slow)) as client:
            return await client.call_tool("find_instances", {})

    result = anyio.run(session)
    assert code_of(result) == "internal"
    assert "secret detail" not in result.content[0].text


@pytest.mark.parametrize("names", [["g5"], ["C"], ["H100", "g5.xlarge"], ["trn2"]])
def test_compact_results_fit_their_schema(runner: ToolRunner, names: list[str]) -> None:
    result = runner.run("describe_instances", {"names": names})
    small = compact_result(result)
    jsonschema.validate(small, result_schema(TOOLS["describe_instances"]))
    assert len(str(small)) < len(result.model_dump_json())


def test_a_long_list_is_given_in_brief(runner: ToolRunner) -> None:
    result = runner.run("find_instances", {"limit": 50})
    small = compact_result(result)
    jsonschema.validate(small, result_schema(TOOLS["find_instances"]))
    assert len(str(small)) * 3 < len(result.model_dump_json())


def test_schemas_name_no_definition_that_is_missing_or_unused() -> None:
    for tool in TOOLS.values():
        schema = result_schema(tool)
        text = str(schema)
        for name in schema.get("$defs", {}):
            assert f"#/$defs/{name}'" in text
        assert schema["type"] == "object"


def test_a_profile_is_given_as_figures() -> None:
    for name in ("describe_instances", "compare_instances", "find_instances"):
        definitions = result_schema(TOOLS[name])["$defs"]
        assert "figures" in definitions["InstanceProfile"]["properties"]
        assert "InstanceType" not in definitions


def test_the_workloads_and_their_options_are_listed(forgetful: Assistant) -> None:
    async def session() -> Any:
        async with Client(build_server(forgetful)) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            return tools["generate_bundle"].input_schema["properties"]

    properties = anyio.run(session)
    assert "llm-train" in properties["workload"]["enum"]
    assert "llm-train: model*" in properties["options"]["description"]


def test_both_languages_have_the_same_words() -> None:
    path = Path(ui.mcp.__file__).parent / "data" / "texts.toml"
    words = tomllib.loads(path.read_text("utf-8"))

    def paths(value: Any, at: str = "") -> set[str]:
        if isinstance(value, Mapping):
            items = cast("Mapping[str, Any]", value).items()
        elif isinstance(value, list):
            items = ((str(item["name"]), item) for item in cast("list[Any]", value))
        else:
            return {at}
        return {path for key, item in items for path in paths(item, f"{at}/{key}")}

    assert paths(words["ja"]) == paths(words["en"])
    assert set(TOOLS) <= set(words["ja"]["tools"])
