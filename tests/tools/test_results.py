"""Results survive JSON and checkpoints: `kind` says what a plain dict was, nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from assistant.tool_registry import ToolRunner
from tools.facts import facts_of
from tools.results import InputFailure, NameFailure, Result, restore

REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("describe_instances", {"names": ["g5.xlarge"]}),
    ("describe_instances", {"names": ["g5", "H100", "P", "Inf", "g6f.large", "p3.2xlarge"]}),
    ("describe_instances", {"names": ["p5"], "region": "ap-northeast-3"}),
    ("compare_instances", {"names": ["g5", "g4dn"]}),
    ("compare_instances", {"names": ["A100", "H100"]}),
    ("find_instances", {"gpu": "H100"}),
    ("find_instances", {"gpu": "H100", "region": "ap-northeast-3"}),
    (
        "find_instances",
        {"conditions": [{"attribute": "bf16", "value": True},
                        {"attribute": "vcpus", "op": ">=", "value": 64}], "series": ["G"]},
    ),
    ("describe_instances", {"names": ["p4d.48xlarge"]}),
    ("describe_instances", {"names": []}),
    ("no_such_tool", {}),
]  # fmt: skip
KINDS = ["description", "comparison", "search", "unknown_name", "bad_input"]


@pytest.fixture(params=range(len(REQUESTS)), ids=lambda i: f"{REQUESTS[i][0]}-{i}")
def result(request: pytest.FixtureRequest, runner: ToolRunner) -> Result:
    index: int = request.param
    name, arguments = REQUESTS[index]
    return runner.attempt(name, arguments)


def test_the_requests_produce_every_kind(runner: ToolRunner) -> None:
    made = {runner.attempt(name, arguments).kind for name, arguments in REQUESTS}
    assert made == set(KINDS)


def test_a_result_reads_back_from_json_as_it_was(result: Result) -> None:
    plain = json.loads(json.dumps(result.model_dump(mode="json"), ensure_ascii=False))
    assert restore(plain) == result


def test_a_result_reads_back_from_its_dict_form(result: Result) -> None:
    assert restore(result.model_dump()) == result


def test_a_model_is_returned_as_it_is(result: Result) -> None:
    assert restore(result) == result


def test_the_facts_are_the_same_after_json(result: Result) -> None:
    plain = json.loads(result.model_dump_json())
    assert list(facts_of(restore(plain))) == list(facts_of(result))


@pytest.mark.parametrize(
    "artifact",
    [
        None,
        "",
        3,
        [],
        {},
        {"kind": "secret"},
        {"kind": "description"},
        {"kind": "bad_input", "x": 1},
    ],
)
def test_anything_else_is_refused(artifact: object) -> None:
    with pytest.raises(ValidationError):
        restore(artifact)


def test_a_tampered_result_is_refused(runner: ToolRunner) -> None:
    plain: dict[str, Any] = json.loads(
        runner.run("describe_instances", {"names": ["g5.xlarge"]}).model_dump_json()
    )
    plain["items"][0]["quotes"][0]["purchase"]["usd_per_hour"] = "0"
    with pytest.raises(ValidationError):
        restore(plain)


def test_a_name_failure_carries_the_real_sizes_with_prices(runner: ToolRunner) -> None:
    failure = runner.attempt("describe_instances", {"names": ["p5.24xlarge"]})
    assert isinstance(failure, NameFailure)
    assert failure.suggestions == ("p5.4xlarge", "p5.48xlarge")
    assert [item.key for item in failure.alternatives] == ["p5.4xlarge", "p5.48xlarge"]


@pytest.mark.parametrize(
    ("name", "arguments", "word", "word_ja"),
    [
        ("no_such_tool", {}, "no_such_tool", "no_such_tool"),
        ("describe_instances", {"names": []}, "names", "名前"),
        ("describe_instances", {}, "names", "名前"),
        ("describe_instances", {"names": ["g5"], "colour": 1}, "colour", "colour"),
        ("describe_instances", {"names": "g5"}, "names", "名前"),
        ("describe_instances", {"names": ["g5"], "region": "mars-1"}, "mars-1", "mars-1"),
    ],
)
def test_a_bad_request_becomes_a_message_that_names_the_field(
    runner: ToolRunner, name: str, arguments: Mapping[str, Any], word: str, word_ja: str
) -> None:
    failure = runner.attempt(name, arguments)
    assert isinstance(failure, InputFailure)
    assert word_ja in failure.message_ja
    assert word in failure.message_en
