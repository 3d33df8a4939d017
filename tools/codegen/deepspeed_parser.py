"""Ask DeepSpeed's own parser and Transformers' integration about a bundle's ds_config.json.

Both are imported in a process of their own: they take seconds and write to standard output.
`python -m tools.codegen.deepspeed_parser FOLDER` is that process; its last line is a JSON list of
problems.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tools.codegen.spec import Check, failed, passed, skipped

KEY = "deepspeed_parser"
_TIMEOUT_S = 120


def parser_check(folder: Path) -> Check:
    """Return whether the installed DeepSpeed and Transformers accept the folder's configuration."""
    if find_spec("deepspeed") is None or find_spec("transformers") is None:
        return skipped(
            KEY,
            "DeepSpeed 自身のパーサーでの確認は、deepspeed と transformers のある環境で行えます",
            "DeepSpeed's own parser needs deepspeed and transformers installed",
        )
    command = [sys.executable, "-m", "tools.codegen.deepspeed_parser", str(folder.resolve())]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode:
        cause = (done.stderr.strip().splitlines() or ["?"])[-1]
        return failed(KEY, f"DeepSpeed が設定を拒否: {cause}", f"DeepSpeed rejects it: {cause}")
    problems: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
    if problems:
        listed = "、".join(problems)
        return failed(KEY, f"設定が合いません: {listed}", f"mismatches: {listed}")
    return passed(
        KEY,
        "DeepSpeed 自身のパーサーと Transformers の統合が受け付ける",
        "DeepSpeed's own parser and Transformers' integration accept it",
    )


def problems_of(folder: Path) -> list[str]:
    """Return the mismatches that the integration finds. Raises what the libraries raise."""
    from deepspeed.runtime import config as source  # pyright: ignore[reportMissingTypeStubs]
    from transformers.integrations.deepspeed import HfTrainerDeepSpeedConfig

    settings = tomllib.loads((folder / "config.toml").read_text("utf-8"))
    given = json.loads((folder / "ds_config.json").read_text("utf-8"))
    processes = settings["gpus"]
    integration: Any = HfTrainerDeepSpeedConfig(given)
    integration.trainer_config_process(_arguments(settings, processes))
    library: Any = source
    # The parser asks torch.distributed how many processes run; here none do yet.
    library.dist = SimpleNamespace(get_rank=lambda: 0, get_world_size=lambda: processes)
    library.DeepSpeedConfig(integration.config)
    return list(integration.mismatches)


def _arguments(settings: dict[str, Any], processes: int) -> Any:
    """Return what the integration reads from TrainingArguments, as train.py would set it."""
    per_step = settings["micro_batch"] * processes
    return SimpleNamespace(
        world_size=processes,
        per_device_train_batch_size=settings["micro_batch"],
        gradient_accumulation_steps=settings["global_batch"] // per_step,
        max_grad_norm=settings["max_grad_norm"],
        learning_rate=settings["learning_rate"],
        adam_beta1=0.9,
        adam_beta2=0.999,
        adam_epsilon=1e-8,
        weight_decay=settings["weight_decay"],
        save_on_each_node=False,
        fp16=settings["precision"] == "fp16",
        fp16_full_eval=False,
        bf16=settings["precision"] == "bf16",
        bf16_full_eval=False,
    )


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(problems_of(Path(sys.argv[1]))) + "\n")
