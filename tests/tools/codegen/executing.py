"""Write a bundle into a folder and run its own command for real, on the CPU, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from tools.codegen import Bundle, BundleRequest, generate, write_bundle

REGION = "ap-northeast-1"
TIMEOUT_S = 400


def made(catalogue: Catalogue, workload: str, **options: Any) -> Bundle:
    """Return a bundle; fail with the reason if there is none."""
    bundle = generate(catalogue, BundleRequest(workload=workload, region=REGION, options=options))
    assert isinstance(bundle, Bundle), bundle.reason.ja
    return bundle


def execute(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a bundle's folder; fail with its output if it fails."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}),
        **environment,
    }
    done = subprocess.run(
        list(command), cwd=folder, env=env, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-4000:])
    return done


def smoke(bundle: Bundle, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Write a bundle and run it as its README says, with --smoke."""
    write_bundle(bundle, folder, force=True)
    return execute(folder, "./launch.sh", "--smoke", **environment)


def metrics(folder: Path) -> dict[str, Any]:
    """Return what the smoke run measured."""
    return json.loads((folder / "smoke/output/metrics.json").read_text("utf-8"))
