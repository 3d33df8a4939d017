"""Route of sizing requests: the arguments of size_training, size_inference and diagnose."""

from __future__ import annotations

import re
from typing import Any

from assistant.planner.request import Request
from assistant.planner.usage import Usage
from assistant.planner.workload import Workload

MAX_MACHINES = 3
_TRAINING = (
    "method",
    "optimizer",
    "engine",
    "precision",
    "attention",
    "zero_stage",
    "offload",
    "checkpointing",
    "liger",
    "compile",
    "micro_batch",
    "global_batch",
    "tokens",
    "samples",
    "epochs",
    "lora_rank",
    "gpus",
    "spot",
    "deadline_hours",
)


def asks_model_alone(request: Request) -> bool:
    """Whether only the memory of the model itself is asked for: weights, KV cache, Adam."""
    workload = request.workload
    if "adam" in workload.asks:
        return True
    if request.intent != "size_infer" or "fit" in workload.asks:
        return False
    if _machines(request):
        return bool(workload.asks >= {"weights", "count"})
    alone = workload.task is None and "memory" in workload.asks
    return bool(workload.asks & {"kv", "weights"}) or alone


_MEMORY = re.compile(r"vram|メモリ|memory|何 ?gi?b|何ギガ|容量")


def asks_states(request: Request) -> bool:
    """Whether the memory of full training is asked for, and no machine is named for it."""
    workload = request.workload
    return (
        workload.model is not None
        and workload.method in (None, "full")
        and workload.optimizer in (None, "adamw")
        and not workload.asks & {"fit", "time", "cost", "speed", "count"}
        and bool(_MEMORY.search(request.text))
        and not _states_only(workload)
        and not _machines(request)
    )


def asks_weights_first(request: Request) -> bool:
    """Whether the question is how many of a GPU serve a model, or how much memory that takes."""
    workload = request.workload
    if not _machines(request) and _MEMORY.search(request.text) and not workload.asks & {"kv"}:
        return True
    gpus = [subject for subject in request.subjects if subject.kind == "gpu"]
    whole = workload.weights not in ("int4", "awq", "gptq", "nf4")  # scales would add to the count
    many = whole and "count" in workload.asks and not workload.gpus
    return many and bool(gpus) and len(gpus) == len(request.subjects)


def memory_args(request: Request) -> dict[str, Any]:
    """Return the arguments of model_memory."""
    workload, usage = request.workload, request.usage or Usage()
    args: dict[str, Any] = {
        "model": workload.model,
        "gpus": workload.gpus or (usage.gpus if usage.gpus != 1 else None),
        "zero_stage": workload.zero_stage,
        "weights": workload.weights,
        "kv_format": workload.kv_format,
        "context": workload.length,
        "concurrency": workload.concurrency or workload.micro_batch,
        "gpu": next(iter(_machines(request)), None),
    }
    return {key: value for key, value in args.items() if value is not None}


def training_args(request: Request, region: str | None) -> list[dict[str, Any]]:
    """Return the arguments of size_training, once per machine that was named."""
    workload, usage = request.workload, request.usage or Usage()
    args = {key: workload.said[key] for key in _TRAINING if key in workload.said}
    if workload.model:
        args["model"] = workload.model
    if workload.length:
        args["sequence_length"] = workload.length
    args |= _usage(usage, workload)
    if _states_only(workload):
        args["states_only"] = True
    if usage.budget_usd is not None:
        args["budget_usd"] = str(usage.budget_usd)
    if usage.budget_jpy is not None:
        args["budget_jpy"] = str(usage.budget_jpy)
    if usage.jpy_per_usd is not None:
        args["jpy_per_usd"] = str(usage.jpy_per_usd)
    return _each(request, args, region)


def _states_only(workload: Workload) -> bool:
    """Whether the question is the ZeRO paper's: model states on each GPU."""
    if "fit" in workload.asks:
        return False
    split = workload.zero_stage is not None and "memory" in workload.asks
    return "states" in workload.asks or (split and workload.tokens is None)


def inference_args(request: Request, region: str | None) -> list[dict[str, Any]]:
    """Return the arguments of size_inference, once per machine that was named."""
    workload, usage = request.workload, request.usage or Usage()
    keys = ("weights", "kv_format", "concurrency", "tensor_parallel", "gpus", "spot")
    args = {key: workload.said[key] for key in keys if key in workload.said}
    if workload.model:
        args["model"] = workload.model
    if workload.length:
        args["context"] = workload.length
    if workload.micro_batch and "concurrency" not in args:
        args["concurrency"] = workload.micro_batch
    args |= _usage(usage, workload)
    return _each(request, args, region)


def _usage(usage: Usage, workload: Workload) -> dict[str, Any]:
    """Return what was said about machines, GPUs and the term."""
    args: dict[str, Any] = {}
    if usage.count and not workload.concurrency:
        args["instances"] = usage.count
    if usage.gpus and usage.gpus > 1 and not workload.gpus:  # 1 GPU: "on each GPU", as a rule
        args["gpus"] = usage.gpus
    if "spot" in usage.terms:
        args["spot"] = True
    return args


def _each(request: Request, args: dict[str, Any], region: str | None) -> list[dict[str, Any]]:
    if region:
        args["region"] = region
    machines = list(dict.fromkeys(_machines(request)))[:MAX_MACHINES]
    return [args | {"instance": name} for name in machines] or [args]


def _machines(request: Request) -> list[str]:
    """Return the machines named; the variants of one GPU model as the model (`A100`)."""
    gpus = [s.key for s in request.subjects if s.kind == "gpu"]
    models = {key.partition("-")[0] for key in gpus}
    others = [s.key for s in request.subjects if s.kind in ("instance", "family")]
    if others:
        return others
    return sorted(models) if len(gpus) > len(models) else gpus
