"""A bundle that someone changed for the worse is rejected, whatever was changed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue
from tests.tools.codegen.plans import LLAMA_8B, QWEN_05B, plan
from tests.tools.codegen.running import llm_bundle
from tools.codegen.bundle import write_bundle
from tools.codegen.deepspeed_schema import schema, schema_problems
from tools.codegen.folder import Folder
from tools.codegen.spec import Bundle
from tools.codegen.verify import verify, verify_folder
from tools.codegen.wheels import versions

Files = dict[str, str]
Mutation = Callable[[Files], None]


def sub(path: str, pattern: str, replacement: str) -> Mutation:
    """Return a mutation that replaces the first match in a file; it must match."""

    def change(files: Files) -> None:
        files[path], count = re.subn(pattern, replacement, files[path], count=1, flags=re.MULTILINE)
        assert count, (path, pattern)

    return change


def edit_json(path: str, change: Callable[[dict[str, Any]], object]) -> Mutation:
    """Return a mutation of a JSON file."""

    def apply(files: Files) -> None:
        loaded = json.loads(files[path])
        change(loaded)
        files[path] = json.dumps(loaded)

    return apply


def on_instance(name: str, catalogue: Catalogue) -> Mutation:
    """Return a mutation that claims the bundle is for another instance type."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["sheet"]["instance"] = catalogue.types[name].model_dump(mode="json")

    return edit_json("bundle.json", change)


def zero(**values: Any) -> Mutation:
    """Return a mutation of the block zero_optimization."""
    return edit_json("ds_config.json", lambda c: c["zero_optimization"].update(values))


def top(**values: Any) -> Mutation:
    """Return a mutation of ds_config.json's top level."""
    return edit_json("ds_config.json", lambda c: c.update(values))


def add(path: str, text: str) -> Mutation:
    """Return a mutation that adds a file, or lines to one."""

    def change(files: Files) -> None:
        files[path] = files.get(path, "") + text

    return change


def remove(path: str) -> Mutation:
    """Return a mutation that deletes a file."""

    def change(files: Files) -> None:
        del files[path]

    return change


CPU = {"device": "cpu"}
NVME = {"device": "nvme", "nvme_path": "/x"}
MUTATIONS: list[tuple[str, Mutation]] = [
    ("batch", sub("config.toml", r"^global_batch = \d+", "global_batch = 40")),
    ("batch", sub("config.toml", r"^micro_batch = \d+", "micro_batch = 1")),
    ("batch", sub("config.toml", r"^micro_batch = \d+", "micro_batch = 0")),
    ("batch", sub("config.toml", r"^micro_batch = \d+", 'micro_batch = "2"')),
    ("batch", sub("config.toml", r"^gpus = \d+", "gpus = 4")),
    ("batch", top(train_batch_size=512)),
    ("batch", top(gradient_accumulation_steps=3)),
    ("processes", sub("launch.sh", r"^processes=8", "processes=4")),
    ("precision", sub("config.toml", r'^precision = "bf16"', 'precision = "fp16"')),
    ("precision", top(fp16={"enabled": True})),
    ("deepspeed_schema", top(train_batchsize=8)),
    ("deepspeed_schema", top(amp={"enabled": False})),
    ("deepspeed_schema", zero(stag=2)),
    ("deepspeed_schema", zero(reduce_bucket_size=0.5)),
    ("deepspeed_schema", zero(stage=7)),
    ("deepspeed_schema", zero(cpu_offload=True)),
    ("deepspeed_schema", zero(offload_param=CPU)),
    ("deepspeed_schema", top(bf16={"enabled": True, "loss_scale": 0})),
    ("environment", add("launch.sh", "\nexport FI_PROVIDER=efa NCCL_PROTO=simple\n")),
    ("environment", add("launch.sh", "\nexport PYTORCH_CUDA_ALLOC_CONF=x\n")),
    ("architecture", add("Dockerfile", "FROM --platform=linux/arm64 python:3.11\n")),
    ("architecture", sub("launch.sh", "expected_arch=x86_64", "expected_arch=arm64")),
    ("wheels", sub("requirements.txt", r"^torch==.*", "torch==1.13.1")),
    ("requirements", add("requirements.txt", "vllm==0.33.0\n")),
    ("files_parse", add("train.py", "\ndef (:\n")),
    ("files_parse", add("config.toml", "\nx = = 1\n")),
    ("files_listed", remove("smoke.py")),
    ("batch", sub("config.toml", r"^micro_batch = .*\n", "")),
    ("manifest", sub("bundle.json", r'"workload": "llm-train"', '"workload": "nothing"')),
    ("price", sub("bundle.json", r'"usd_per_hour": "[\d.]+"', '"usd_per_hour": "0.01"')),
]


def changed(bundle: Bundle, *mutations: Mutation) -> Folder:
    files = {item.path: item.text for item in bundle.files}
    for mutate in mutations:
        mutate(files)
    return Folder(files)


def failures(folder: Folder, catalogue: Catalogue) -> set[str]:
    return {check.key for check in verify(folder, catalogue) if check.status == "failed"}


@pytest.fixture(scope="module")
def deepspeed(catalogue: Catalogue) -> Bundle:
    """GPT-2 XL under ZeRO-2 on p4d.24xlarge."""
    return llm_bundle(catalogue, plan(catalogue))


def test_a_generated_bundle_passes(catalogue: Catalogue, deepspeed: Bundle) -> None:
    assert failures(changed(deepspeed), catalogue) == set()
    assert {check.status for check in deepspeed.checks} == {"passed", "skipped"}


@pytest.mark.parametrize(("key", "mutation"), MUTATIONS)
def test_a_change_for_the_worse_is_rejected(
    catalogue: Catalogue, deepspeed: Bundle, key: str, mutation: Mutation
) -> None:
    assert key in failures(changed(deepspeed, mutation), catalogue)


def test_bf16_on_a_v100_is_rejected(catalogue: Catalogue, deepspeed: Bundle) -> None:
    """And so is a torch without kernels for it."""
    found = failures(changed(deepspeed, on_instance("p3.16xlarge", catalogue)), catalogue)
    assert {"precision", "wheels"} <= found


def test_offload_beyond_the_memory_of_the_host_is_rejected(catalogue: Catalogue) -> None:
    made = llm_bundle(catalogue, plan(catalogue, "g5.12xlarge", model=QWEN_05B, zero_stage=3))
    named = sub("config.toml", r"^model = .*", 'model = "meta-llama/Llama-3.1-8B"')
    offload = zero(offload_optimizer=CPU)
    beyond = failures(
        changed(made, named, offload, on_instance("g5.2xlarge", catalogue)), catalogue
    )
    assert "host_memory" in beyond


def test_offload_beyond_the_disks_is_rejected(catalogue: Catalogue, deepspeed: Bundle) -> None:
    big = sub("config.toml", r"^model = .*", 'model = "meta-llama/Llama-3.1-405B"')
    here = on_instance("g5.12xlarge", catalogue)
    there = changed(deepspeed, big, zero(stage=3, offload_optimizer=NVME), here)
    assert "nvme" in failures(there, catalogue)


def test_an_x86_image_on_arm64_is_rejected(catalogue: Catalogue, deepspeed: Bundle) -> None:
    image = add("Dockerfile", "FROM --platform=linux/amd64 python:3.11-slim\n")
    on_arm = changed(deepspeed, image, on_instance("g5g.xlarge", catalogue))
    assert "architecture" in failures(on_arm, catalogue)


def test_states_that_no_gpu_could_hold_are_rejected(catalogue: Catalogue) -> None:
    """A larger model, ZeRO off, and full training where adapters were planned."""
    made = llm_bundle(catalogue, plan(catalogue, zero_stage=3, model=LLAMA_8B))
    larger = sub("config.toml", r"^model = .*", 'model = "meta-llama/Llama-3.1-70B"')
    assert {"states", "fits"} & failures(changed(made, larger), catalogue)
    assert "states" in failures(changed(made, zero(stage=0)), catalogue)


def test_a_batch_that_only_overflows_activations_is_rejected(
    catalogue: Catalogue, deepspeed: Bundle
) -> None:
    """All files agree with each other; the sizing engine still says that it does not fit."""
    longer = sub("config.toml", r"^sequence_length = .*", "sequence_length = 65536")
    assert "fits" in failures(changed(deepspeed, longer), catalogue)


def test_nodes_that_get_other_variables_are_rejected(catalogue: Catalogue) -> None:
    made = llm_bundle(catalogue, plan(catalogue, model=LLAMA_8B, instances=2, zero_stage=3))
    assert failures(changed(made), catalogue) == set()
    assert "network" in failures(changed(made, add(".deepspeed_env", "NCCL_X=1\n")), catalogue)
    fewer = sub("hostfile", r"^node2 .*\n", "")
    assert "processes" in failures(changed(made, fewer), catalogue)


def test_spot_limits_must_agree(catalogue: Catalogue) -> None:
    options = {"spot": True, "checkpoint_s3": "s3://bucket-a/x", "max_hours": 5}
    made = llm_bundle(catalogue, plan(catalogue), **options)
    assert failures(changed(made), catalogue) == set()
    longer = sub("config.toml", r"^max_hours = .*", "max_hours = 50")
    assert "spot" in failures(changed(made, longer), catalogue)


LIBRARIES = """
import json, sys
from pathlib import Path
from tools.codegen.deepspeed_parser import problems_of
from tools.codegen.extract_deepspeed import extract

found = {"schema": extract()}
for folder in map(Path, sys.argv[1:]):
    try:
        found[folder.name] = problems_of(folder)
    except Exception as error:
        found[folder.name] = type(error).__name__
print("\\n" + json.dumps(found))
"""


def test_deepspeed_and_transformers_agree_with_the_extracted_schema(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    """One process of theirs: the schema, two stages that they accept, and two mistakes."""
    pytest.importorskip("deepspeed")
    for stage in (1, 3):
        made = llm_bundle(catalogue, plan(catalogue, zero_stage=stage))
        write_bundle(made, tmp_path / f"zero{stage}")
        write_bundle(made, tmp_path / f"broken{stage}")
    for number, mutation in ((1, zero(stag=2)), (3, top(train_batch_size=512))):
        files = {"ds_config.json": (tmp_path / f"broken{number}/ds_config.json").read_text()}
        mutation(files)
        (tmp_path / f"broken{number}/ds_config.json").write_text(files["ds_config.json"])
        assert schema_problems(json.loads(files["ds_config.json"])) or number == 3
    names = ("zero1", "zero3", "broken1", "broken3")
    command = [sys.executable, "-c", LIBRARIES, *(str(tmp_path / name) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["zero1"] == found["zero3"] == []
    assert found["broken1"] == "ValidationError"
    assert found["broken3"] == "AssertionError"
    assert found["schema"] == schema()


def test_verifying_a_folder_asks_deepspeed_itself(catalogue: Catalogue, tmp_path: Path) -> None:
    pytest.importorskip("deepspeed")
    write_bundle(llm_bundle(catalogue, plan(catalogue, zero_stage=3)), tmp_path)
    found = {check.key: check for check in verify_folder(tmp_path, catalogue)}
    assert found["deepspeed_parser"].status == "passed", found["deepspeed_parser"]


def test_the_schema_is_that_of_the_pinned_deepspeed() -> None:
    assert schema()["version"] == versions()["deepspeed"]
    assert schema_problems({"train_batch_size": 8, "zero_optimization": {"stage": 3}}) == []
