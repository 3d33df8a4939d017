"""Measure peak memory and speed of training runs on a GPU machine, with random weights.

Run: python benchmarks/measure_gpu.py [--smoke] [--only TEXT] [-o FILE]

Writes benchmarks/data/measured_<gpu>.csv in the columns of published_memory.csv, one line a run:
allocated and reserved peaks of PyTorch, the driver's figure, tokens per second and the versions.
Each run is a process of its own, so that nothing of one is left for the next; a run that is out of
memory is a row too. `--smoke` runs two tiny models on the CPU and writes no memory figures.
"""

# PyTorch, DeepSpeed and PEFT are partly untyped.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

MODELS: dict[str, dict[str, Any]] = {
    "tiny": {"hidden": 64, "layers": 2, "heads": 4, "kv": 2, "inner": 128, "vocab": 512},
    "GPT-2 XL": {"gpt2": True, "hidden": 1600, "layers": 48, "heads": 25, "vocab": 50257},
    "Llama 3.2 1B": {
        "hidden": 2048, "layers": 16, "heads": 32, "kv": 8, "inner": 8192, "vocab": 128256,
        "tied": True,
    },
    "Llama 3.2 3B": {
        "hidden": 3072, "layers": 28, "heads": 24, "kv": 8, "inner": 8192, "vocab": 128256,
        "tied": True,
    },
    "Llama 2 7B": {
        "hidden": 4096, "layers": 32, "heads": 32, "kv": 32, "inner": 11008, "vocab": 32000,
    },
    "Llama 3.1 8B": {
        "hidden": 4096, "layers": 32, "heads": 32, "kv": 8, "inner": 14336, "vocab": 128256,
    },
}  # fmt: skip
"""Shapes of named models (GPT-2 XL, a 1.2B, a 3.2B and two of the 7B class)."""
PACKAGES = ("torch", "transformers", "deepspeed", "peft", "bitsandbytes", "accelerate")
STEPS, WARM = 6, 2


def run_of(model: str, method: str = "full", **fields: Any) -> dict[str, Any]:
    """Return one run; `fields` are those of TrainingSetup."""
    run = {
        "model": model,
        "method": method,
        "engine": "trainer",
        "zero_stage": 0,
        "offload": "none",
        "attention": "sdpa",
        "checkpointing": False,
        "sequence_length": 1024,
        "micro_batch": 1,
        "lora_rank": 16,
        "lora_targets": "all-linear",
        "lora_dropout": False,
    }
    return {**run, **fields}


def deepspeed(model: str, stage: int, offload: str = "none", **fields: Any) -> dict[str, Any]:
    """Return one DeepSpeed run on one rank."""
    return run_of(model, engine="deepspeed", zero_stage=stage, offload=offload, **fields)


def all_runs() -> list[dict[str, Any]]:
    """Return the runs of a measuring session: 31."""
    small, large = "Llama 3.2 3B", "Llama 2 7B"
    runs = [run_of("GPT-2 XL", micro_batch=size) for size in (1, 4)]
    runs += [run_of("GPT-2 XL", attention="eager"), run_of("GPT-2 XL", checkpointing=True)]
    runs += [run_of("Llama 3.2 1B", micro_batch=size) for size in (1, 2, 4, 8)]
    runs += [run_of("Llama 3.2 1B", checkpointing=True, micro_batch=8)]
    runs += [run_of("Llama 3.2 1B", sequence_length=length) for length in (2048, 4096)]
    runs += [run_of(small, micro_batch=size) for size in (1, 4)]
    runs += [run_of(small, checkpointing=True, sequence_length=4096)]
    runs += [run_of(small, attention="eager", sequence_length=2048)]
    runs += [run_of(small, "lora", micro_batch=size) for size in (1, 4)]
    runs += [run_of(small, "lora", lora_targets="query-value", checkpointing=True)]
    runs += [run_of(large, "lora", checkpointing=flag) for flag in (False, True)]
    runs += [run_of(large, "lora", checkpointing=True, sequence_length=4096)]
    runs += [run_of(large, checkpointing=True), run_of("Llama 3.1 8B", "lora", checkpointing=True)]
    runs += [deepspeed("Llama 3.2 1B", stage) for stage in (0, 1, 2, 3)]
    runs += [deepspeed(small, stage, checkpointing=True) for stage in (2, 3)]
    runs += [deepspeed(small, 2, "optimizer-cpu", checkpointing=True)]
    runs += [deepspeed(small, 3, "optimizer-param-cpu", checkpointing=True)]
    return runs


def smoke_runs() -> list[dict[str, Any]]:
    """Return two tiny runs for the CPU."""
    return [
        run_of("tiny", sequence_length=32, checkpointing=True),
        run_of("tiny", "lora", sequence_length=32, micro_batch=2),
    ]


def build_model(run: dict[str, Any]) -> Any:
    """Return the model of a run with random bf16 weights on the device."""
    import torch
    from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

    shape = MODELS[run["model"]]
    if shape.get("gpt2"):
        config: Any = GPT2Config(
            n_embd=shape["hidden"], n_layer=shape["layers"], n_head=shape["heads"],
            n_positions=max(run["sequence_length"], 1024), resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0,
        )  # fmt: skip
    else:
        config = LlamaConfig(
            hidden_size=shape["hidden"], num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"],
            intermediate_size=shape["inner"], vocab_size=shape["vocab"],
            tie_word_embeddings=bool(shape.get("tied")), max_position_embeddings=131072,
        )  # fmt: skip
    config.use_cache = False
    device = "cuda" if torch.cuda.is_available() else "cpu"
    load_on = "cpu" if run["engine"] == "deepspeed" else device
    with torch.device(load_on):
        model: Any = AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16, attn_implementation=run["attention"]
        )
    if run["checkpointing"]:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return add_adapters(model, run) if run["method"] == "lora" else model


def add_adapters(model: Any, run: dict[str, Any]) -> Any:
    """Return the model with LoRA adapters."""
    from peft import LoraConfig, get_peft_model

    targets: Any = "all-linear" if run["lora_targets"] == "all-linear" else ["q_proj", "v_proj"]
    model.enable_input_require_grads()
    adapters = LoraConfig(r=run["lora_rank"], target_modules=targets, task_type="CAUSAL_LM")
    return get_peft_model(model, adapters)


def train(run: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a run, in this process."""
    import torch

    cuda = torch.cuda.is_available()
    model = build_model(run).train()
    vocab = MODELS[run["model"]]["vocab"]
    shape = (run["micro_batch"], run["sequence_length"])
    batch = torch.randint(0, vocab, shape, device="cuda" if cuda else "cpu")
    step = deepspeed_step(model, run) if run["engine"] == "deepspeed" else plain_step(model)
    times: list[float] = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step(batch)
        if cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    seconds = sorted(times[WARM:])[len(times[WARM:]) // 2]
    figures: dict[str, Any] = {"tokens_per_s": batch.numel() / seconds}
    if cuda:
        free, total = torch.cuda.mem_get_info()
        figures |= {
            "allocated": torch.cuda.max_memory_allocated() / 2**30,
            "reserved": torch.cuda.max_memory_reserved() / 2**30,
            "driver": (total - free) / 2**30,
        }
    return figures


def plain_step(model: Any) -> Any:
    """Return one training step as the plain Trainer takes it: bf16 AdamW, fused."""
    import torch

    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-5, fused=torch.cuda.is_available())

    def step(batch: Any) -> None:
        with torch.autocast(batch.device.type, torch.bfloat16):
            loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def deepspeed_step(model: Any, run: dict[str, Any]) -> Any:
    """Return one training step of a DeepSpeed engine on one rank."""
    import deepspeed as library

    hidden = MODELS[run["model"]]["hidden"]
    zero: dict[str, Any] = {"stage": run["zero_stage"], "reduce_bucket_size": hidden**2}
    if run["zero_stage"] == 3:
        zero |= {
            "stage3_prefetch_bucket_size": int(0.9 * hidden**2),
            "stage3_param_persistence_threshold": 10 * hidden,
        }
    if run["offload"] != "none":
        zero["offload_optimizer"] = {"device": "cpu"}
    if run["offload"] == "optimizer-param-cpu":
        zero["offload_param"] = {"device": "cpu"}
    engine: Any = library.initialize(
        model=model,
        model_parameters=model.parameters(),
        config={
            "train_micro_batch_size_per_gpu": run["micro_batch"],
            "bf16": {"enabled": True},
            "optimizer": {"type": "AdamW", "params": {"lr": 1e-5}},
            "zero_optimization": zero,
        },
    )[0]

    def step(batch: Any) -> None:
        loss = engine(input_ids=batch, labels=batch).loss
        engine.backward(loss)
        engine.step()

    return step


def measure(run: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a run in a process of its own; `oom` if it ran out of memory."""
    environment = {**os.environ, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29581"}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "figures.json"
        done = subprocess.run(
            [sys.executable, __file__, "--one", json.dumps(run), "-o", str(target)],
            env=environment, capture_output=True, text=True, check=False, timeout=1800,
        )  # fmt: skip
        if target.exists():
            return json.loads(target.read_text())
    if "OutOfMemoryError" in done.stderr or "out of memory" in done.stderr:
        return {"oom": True}
    raise SystemExit(f"{run}\n{done.stderr[-2000:]}")


def csv_rows(index: int, run: dict[str, Any], figures: dict[str, Any], gpu: str) -> list[Any]:
    """Return the rows of a run: one per metric, in the columns of published_memory.csv."""
    versions = " ".join(f"{name} {version_of(name)}" for name in PACKAGES)
    common = {
        **{name: str(value).lower() if isinstance(value, bool) else value
           for name, value in run.items()},
        "source": f"measured on {gpu}", "gpu": gpu, "loader_dtype": "bf16", "precision": "bf16",
        "torch_adam": "false", "whole_load": str(run["engine"] == "deepspeed").lower(),
        "excluded": "", "note": versions,
        "tokens_per_s": round(figures.get("tokens_per_s", 0), 1),
    }  # fmt: skip
    if figures.get("oom"):
        return [{**common, "id": f"r{index}", "metric": "driver", "gib": "", "outcome": "oom"}]
    return [
        {**common, "id": f"r{index}-{metric}", "metric": metric, "outcome": "ran",
         "gib": round(figures[metric], 3) if metric in figures else ""}
        for metric in ("allocated", "reserved", "driver")
    ]  # fmt: skip


def version_of(name: str) -> str:
    """Return the installed version, or a dash."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "-"


def gpu_key() -> str:
    """Return the catalogue's key of this machine's GPU, or `cpu`."""
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    name = torch.cuda.get_device_name().upper()
    gigabytes = torch.cuda.get_device_properties(0).total_memory / 2**30
    if "A100" in name:
        return "A100-80GB" if gigabytes > 60 else "A100-40GB"
    if "V100" in name:
        return "V100-32GB" if gigabytes > 20 else "V100-16GB"
    known = ("H200", "H100", "B300", "B200", "L40S", "A10G", "L4", "T4")
    return next((key for key in known if key in name), name.replace(" ", "-"))


def main() -> None:
    """Measure all runs and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if options.one:
        options.output.write_text(json.dumps(train(json.loads(options.one))))
        return
    gpu = gpu_key()
    if gpu == "cpu" and not options.smoke:
        raise SystemExit("no GPU here; --smoke tries the script on the CPU")
    runs = [run for run in (smoke_runs() if options.smoke else all_runs())
            if options.only.lower() in json.dumps(run).lower()]  # fmt: skip
    written: list[dict[str, Any]] = []
    for index, run in enumerate(runs):
        figures = measure(run)
        written += csv_rows(index, run, figures, gpu)
        print(f"{index + 1}/{len(runs)} {run['model']} {run['method']} {run['engine']}: {figures}")
    if options.smoke and not options.output:
        return
    target = options.output or ROOT / "benchmarks/data" / f"measured_{gpu.lower()}.csv"
    columns = list(dict.fromkeys(name for row in written for name in row))
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(written)
    print(target)


if __name__ == "__main__":
    main()
