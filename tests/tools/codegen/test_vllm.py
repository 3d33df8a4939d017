"""The vllm bundle: sized, compared with the wheel's argument list, offline.py against a stand-in.

vLLM needs a GPU. The stand-in takes no argument that vLLM 0.33.0's sources do not have.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.ec2.catalogue import Catalogue
from tests.tools.codegen.executing import REGION, execute, made
from tools.codegen import BundleRefusal, BundleRequest, generate, write_bundle
from tools.codegen.folder import Folder
from tools.codegen.verify import verify
from tools.codegen.wheel_names import vllm_names

MODEL = "llama-3-8b"
STAND_IN = """
from types import SimpleNamespace
NAMES = {names!r}

def check(given, known):
    unknown = sorted(set(given) - set(NAMES[known]))
    if unknown:
        raise TypeError(f"unexpected arguments: {{unknown}}")

class SamplingParams:
    def __init__(self, **given):
        check(given, "sampling")
        self.max_tokens = given["max_tokens"]

class LLM:
    def __init__(self, **given):
        check(given, "engine")
        from transformers import AutoModelForCausalLM, AutoTokenizer
        self.tokenizer = AutoTokenizer.from_pretrained(given["model"])
        self.model = AutoModelForCausalLM.from_pretrained(given["model"])

    def generate(self, prompts, sampling_params=None):
        answers = []
        for prompt in prompts:
            ids = self.tokenizer(prompt, return_tensors="pt").input_ids
            new = self.model.generate(ids, max_new_tokens=sampling_params.max_tokens)
            text = self.tokenizer.decode(new[0])
            answers.append(SimpleNamespace(outputs=[SimpleNamespace(text=text)]))
        return answers
"""


def test_offline_generation_passes_only_arguments_that_the_wheel_has(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    write_bundle(made(catalogue, "vllm", model=MODEL, instance="g5.xlarge"), tmp_path)
    names = vllm_names()
    known = {
        "engine": sorted(names.engine | names.offline),
        "sampling": sorted(names.sampling),
    }
    (tmp_path / "vllm.py").write_text(textwrap.dedent(STAND_IN.format(names=known)))
    execute(tmp_path, sys.executable, "offline.py", "--smoke")
    lines = (tmp_path / "smoke/answers.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["prompt"] for row in rows] == ["good day", "day to you"]
    assert all(row["answer"].startswith(row["prompt"]) for row in rows)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"model": MODEL, "instance": "g5.xlarge"}, {"dtype": "bfloat16", "max-model-len": 4096}),
        ({"model": "qwen2.5-0.5b", "instance": "g4dn.xlarge"}, {"dtype": "float16"}),
        (
            {"model": MODEL, "instance": "g4dn.xlarge", "quantization": "int8"},
            {"quantization": "int8_per_channel_weight_only"},
        ),
        (
            {"model": MODEL, "instance": "g5.12xlarge", "tensor_parallel": 4},
            {"tensor-parallel-size": 4},
        ),
        (
            {"model": MODEL, "instance": "g5.xlarge", "quantization": "awq", "weights": "o/m-AWQ"},
            {"model": "o/m-AWQ", "tensor-parallel-size": 1},
        ),
    ],
)
def test_the_engine_follows_the_plan(
    catalogue: Catalogue, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    engine = yaml.safe_load(made(catalogue, "vllm", **options).file("vllm.yaml").text)
    assert engine | expected == engine


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"instance": "g4dn.xlarge"}, "GiB"),
        ({"instance": "c7g.16xlarge"}, "GPU"),
        ({"instance": "g5.xlarge", "quantization": "awq"}, "チェックポイント"),
        ({"instance": "g5.xlarge", "quantization": "nf4"}, "nf4"),
    ],
)
def test_what_cannot_be_served_is_refused_with_a_way_out(
    catalogue: Catalogue, options: dict[str, Any], reason: str
) -> None:
    request = BundleRequest(workload="vllm", region=REGION, options={"model": MODEL} | options)
    refused = generate(catalogue, request)
    assert isinstance(refused, BundleRefusal)
    assert reason in refused.reason.ja and refused.suggestion is not None


YAML = "vllm.yaml"


@pytest.mark.parametrize(
    ("path", "old", "new", "check"),
    [
        (YAML, "max-num-seqs:", "num-scheduler-steps:", "vllm_arguments"),
        (YAML, "max-num-seqs:", "swap-space:", "vllm_arguments"),
        (YAML, 'dtype: "bfloat16"', 'dtype: "bf16"', "vllm_arguments"),
        (YAML, "max-model-len: 4096", "max-model-len: 400000", "memory"),
        (YAML, "gpu-memory-utilization: 0.92", "gpu-memory-utilization: 1.5", "memory"),
        (YAML, "tensor-parallel-size: 1", "tensor-parallel-size: 3", "tensor_parallel"),
        (YAML, "tensor-parallel-size: 1", "kv-cache-dtype: fp8", "serving_fits"),
        ("offline.py", "max_tokens=", "max_new_tokens=", "vllm_arguments"),
        ("requirements.txt", "vllm==0.33.0", "vllm==0.6.0", "vllm_version"),
        ("requirements.txt", "vllm==0.33.0", "vllm==0.33.0\ntorch==2.13.0", "requirements"),
    ],
)
def test_a_wrong_vllm_bundle_is_rejected(
    catalogue: Catalogue, path: str, old: str, new: str, check: str
) -> None:
    bundle = made(catalogue, "vllm", model=MODEL, instance="g5.xlarge")
    files = {item.path: item.text for item in bundle.files}
    assert old in files[path]
    files[path] = files[path].replace(old, new)
    failed = {item.key for item in verify(Folder(files), catalogue) if item.status == "failed"}
    assert check in failed


def test_bfloat16_on_t4_is_rejected(catalogue: Catalogue) -> None:
    bundle = made(catalogue, "vllm", model="qwen2.5-0.5b", instance="g4dn.xlarge")
    files = {item.path: item.text for item in bundle.files}
    files[YAML] = files[YAML].replace('dtype: "float16"', 'dtype: "bfloat16"')
    failed = {item.key for item in verify(Folder(files), catalogue) if item.status == "failed"}
    assert failed == {"precision"}


def test_the_readme_says_that_it_was_not_run(catalogue: Catalogue) -> None:
    readme = made(catalogue, "vllm", model=MODEL, instance="g5.xlarge").file("README.md").text
    assert "実行して確かめたものではありません" in readme
    assert vllm_names().sha256[:16] in readme
