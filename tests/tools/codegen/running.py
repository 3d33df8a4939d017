"""Write a bundle into a folder and run its launch script for real, on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from tools.codegen.bundle import write_bundle
from tools.codegen.generation import assemble
from tools.codegen.spec import Bundle, BundleRefusal, BundleRequest
from tools.codegen.workloads.llm_train import LlmTrainOptions, draft_of
from tools.sizing.models import TrainingPlan

REGION = "ap-northeast-1"
TIMEOUT_S = 300
EXTENSIONS = Path(os.environ.get("TORCH_EXTENSIONS_DIR", "/tmp/ask-torch-extensions"))
"""DeepSpeed compiles its communication kernels once; all tests share them."""


def llm_bundle(catalogue: Catalogue, plan: TrainingPlan, **options: Any) -> Bundle:
    """Return the bundle of a plan."""
    values = LlmTrainOptions.model_validate({"model": plan.model.name, "region": REGION} | options)
    draft = draft_of(values, plan)
    assert not isinstance(draft, BundleRefusal), draft.reason.ja
    request = BundleRequest(workload="llm-train", region=REGION, options=options)
    bundle = assemble(catalogue, request, draft)
    assert isinstance(bundle, Bundle), bundle
    return bundle


def run(bundle: Bundle, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Write the bundle and run `./launch.sh --smoke`; fail with its output if it fails."""
    write_bundle(bundle, folder, force=True)
    binaries = Path(sys.executable).parent
    env = {
        "PATH": f"{binaries}:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "TORCH_EXTENSIONS_DIR": str(EXTENSIONS),
        "OMP_NUM_THREADS": "1",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9",
        **environment,
    }
    done = subprocess.run(
        ["./launch.sh", "--smoke"], cwd=folder, env=env, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-4000:])
    return done


def measured(folder: Path) -> dict[str, float]:
    """Return what the run measured."""
    return json.loads((folder / "output" / "smoke" / "measured.json").read_text("utf-8"))
