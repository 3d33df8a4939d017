"""Random requests: each is a verified bundle, or a refusal that says why.

All 500 under `make soak`; a slice of them otherwise.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue
from tools.codegen.bundle import write_bundle
from tools.codegen.generation import generate
from tools.codegen.spec import Bundle, BundleRefusal, BundleRequest
from tools.errors import ToolInputError
from tools.sizing.architectures import named_models

REQUESTS = 500
SLICE = 25
SOAK = os.environ.get("ASK_SOAK") == "1"
SIZES = ("1B", "3B", "7B", "8B", "13B", "32B", "70B", "180B", "700億")
LINT = ("E", "F", "I", "B", "UP", "ANN", "RUF", "C90")


def requests(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return the options of all requests, the same every time."""
    chance = random.Random(20261124)
    machines = [item.name for item in catalogue.types.values() if item.gpu or item.series == "C"]
    with_gpu = [item.name for item in catalogue.types.values() if item.gpu]
    models = [*(spec.name for spec in named_models()), *SIZES]

    def maybe(chance_of: float, *values: Any) -> Any:
        return chance.choice(values) if chance.random() < chance_of else None

    found: list[dict[str, Any]] = []
    for _ in range(REQUESTS):
        options = {
            "model": chance.choice(models),
            "instance": chance.choice(with_gpu if chance.random() < 0.95 else machines),
            "method": chance.choice(("full", "lora", "qlora")),
            "engine": chance.choice(("auto", "auto", "trainer", "deepspeed")),
            "instances": maybe(0.3, 1, 2, 3, 4, 16),
            "sequence_length": maybe(0.4, 128, 512, 1000, 2048, 4096, 32768),
            "micro_batch": maybe(0.2, 1, 2, 3, 8),
            "global_batch": maybe(0.2, 1, 16, 48, 64, 96, 512),
            "tokens": maybe(0.3, 10**6, 10**9),
            "zero_stage": maybe(0.2, 0, 1, 2, 3),
            "offload": maybe(
                0.2, "none", "optimizer-cpu", "optimizer-param-cpu", "optimizer-nvme", "all-nvme"
            ),
            "optimizer": maybe(0.2, "adamw", "adamw-8bit", "adafactor", "sgd"),
            "precision": maybe(0.15, "fp32", "fp16", "bf16"),
            "checkpointing": maybe(0.2, True, False),
            "lora_rank": maybe(0.2, 4, 64, 256),
            "lora_targets": maybe(0.2, "all-linear", "attention"),
            "max_hours": maybe(0.1, 1, 100),
        }
        if chance.random() < 0.2:
            options |= {"spot": True, "checkpoint_s3": "s3://training-runs/a"}
        found.append({name: value for name, value in options.items() if value is not None})
    return found if SOAK else found[:SLICE]


def test_random_requests_give_verified_bundles_or_reasons(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    made = refused = 0
    rejected: list[tuple[dict[str, Any], str]] = []
    for number, options in enumerate(requests(catalogue)):
        region = ("ap-northeast-1", "us-east-1")[number % 2]
        request = BundleRequest(workload="llm-train", region=region, options=options)
        try:
            result = generate(catalogue, request)
        except ToolInputError as error:
            assert error.message_ja and error.message_en
            refused += 1
            continue
        if isinstance(result, BundleRefusal):
            rejected += [(options, result.reason.ja)] * bool(result.checks)
            assert len(result.reason.ja) > 10 and len(result.reason.en) > 10
            refused += 1
            continue
        assert isinstance(result, Bundle)
        assert {check.status for check in result.checks} <= {"passed", "skipped"}
        write_bundle(result, tmp_path / f"b{number}")
        made += 1
    assert not rejected, (len(rejected), rejected[:5])
    assert made >= len(requests(catalogue)) * 0.2, (made, refused)
    assert refused
    lint_clean(tmp_path)


def lint_clean(folder: Path) -> None:
    """Assert that all Python files are formatted and lint clean, and bash reads the scripts."""
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    for name in sorted(folder.iterdir()):
        (name / "ruff.toml").write_text('line-length = 100\nsrc = ["."]\n', "utf-8")
    check = [
        "check",
        "--quiet",
        "--select",
        ",".join(LINT),
        "--ignore",
        "ANN401,RUF001,RUF002,RUF003",
    ]
    for command in (check, ["format", "--check", "--quiet"]):
        done = subprocess.run(
            [*ruff, *command, str(folder)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (done.stdout[:3000], done.stderr[:2000])
    for script in folder.rglob("*.sh"):
        subprocess.run(["bash", "-n", str(script)], check=True)


if __name__ == "__main__":
    pytest.main([__file__])
