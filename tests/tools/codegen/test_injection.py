"""What users type never becomes code: it is quoted, or refused with a clear message."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.ec2.catalogue import Catalogue
from tests.tools.codegen.plans import plan
from tests.tools.codegen.running import llm_bundle
from tools.codegen.bundle import write_bundle
from tools.codegen.generation import parse_options
from tools.codegen.registry import find_workload
from tools.codegen.spec import BundleRequest
from tools.errors import ToolInputError

NASTY = (
    "it's", 'a"b', "a\nb", "$(touch pwned)", "`touch pwned`", "{{ 7*7 }}", "{% include 'x' %}",
    "../../etc/passwd", "'; import os; os.system('touch pwned') #", '"""', "a\\", "\x1b[31m", "|x",
    "\u202e", "a;touch pwned", "&&touch pwned", "<script>", "s3://a/../b", "\x00", "\ud800",
)  # fmt: skip
NAMES = ("weights", "dataset", "output_dir", "checkpoint_s3")
FREE = ("dataset_config", "dataset_split", "text_column")


def options(**values: Any) -> Any:
    request = BundleRequest(
        workload="llm-train", region="us-east-1", options={"model": "gpt2-xl", **values}
    )
    return parse_options(find_workload("llm-train"), request)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", NASTY)
def test_names_paths_and_buckets_are_refused_with_the_reason(name: str, text: str) -> None:
    with pytest.raises(ToolInputError) as caught:
        options(**{name: text})
    assert name in caught.value.message_ja
    assert len(caught.value.message_ja.splitlines()) == 1


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("text", [text for text in NASTY if text not in ("\x00", "\ud800")])
def test_free_text_arrives_as_typed_and_runs_nothing(
    catalogue: Catalogue, tmp_path: Path, name: str, text: str
) -> None:
    bundle = llm_bundle(catalogue, plan(catalogue), **{name: text})
    write_bundle(bundle, tmp_path)
    assert tomllib.loads((tmp_path / "config.toml").read_text("utf-8"))[name] == text
    for path in tmp_path.glob("*.py"):
        ast.parse(path.read_text("utf-8"))
        assert text not in path.read_text("utf-8") or text in ('"""', "a\\")
    subprocess.run(["bash", "-n", "launch.sh"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 5000])
def test_text_that_no_file_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ToolInputError):
        options(text_column=text)


@given(st.text(max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_column_comes_back_or_is_refused(catalogue: Catalogue, text: str) -> None:
    try:
        parsed = options(text_column=text)
    except ToolInputError:
        return
    bundle = llm_bundle(catalogue, plan(catalogue), text_column=parsed.text_column)
    assert tomllib.loads(bundle.file("config.toml").text)["text_column"] == text


def test_ordinary_names_are_taken() -> None:
    taken = options(
        weights="meta-llama/Llama-3.1-8B",
        dataset="s3://my-bucket/data/コーパス.jsonl",
        output_dir="/fsx/学習/run 1",
        checkpoint_s3="s3://my-bucket/runs/",
    )
    assert taken.checkpoint_s3 == "s3://my-bucket/runs"


@pytest.mark.parametrize(
    ("name", "value"),
    [("micro_batch", 0), ("method", "dpo"), ("lerning_rate", 1), ("tokens", "many"), ("model", "")],
)
def test_other_mistakes_name_the_option(name: str, value: object) -> None:
    with pytest.raises(ToolInputError) as caught:
        options(**{name: value})
    assert name in caught.value.message_ja and name in caught.value.message_en
