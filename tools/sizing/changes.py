"""The smallest change that makes a run fit, verified by computing the memory again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tools.charts import Text
from tools.sizing.models import Method, ModelSpec, TrainingRequest
from tools.sizing.placements import Machine, groups
from tools.sizing.plan_words import gib, text
from tools.sizing.training_search import best_trial, fewest, length_of
from tools.sizing.trial import Trial

MIN_LENGTH = 512
_METHODS: dict[Method, tuple[Method, ...]] = {
    "full": ("lora", "qlora"),
    "lora": ("qlora",),
    "qlora": (),
}


def smallest_change(
    spec: ModelSpec, request: TrainingRequest, miss: Trial, offered: Sequence[Machine]
) -> Text | None:
    """Return the smallest change of settings that fits, and the smallest change of machine."""
    settings = _settings_change(spec, request, miss)
    machine = _machine_change(spec, request, miss, offered)
    found = [change for change in (settings, machine) if change]
    if not found:
        return None
    return text("、または".join(c.ja for c in found), "; or ".join(c.en for c in found))


def _settings_change(spec: ModelSpec, request: TrainingRequest, miss: Trial) -> Text | None:
    for what, changes in _candidates(spec, request):
        changed = request.model_copy(update=changes)
        found = best_trial(spec, changed, (miss.machine,), miss.count).best
        if found is not None:
            peak = gib(found.peak_gib)
            return text(f"{what.ja}(ピーク {peak} GiB)", f"{what.en} (peak {peak} GiB)")
    return None


def _candidates(spec: ModelSpec, request: TrainingRequest) -> Iterator[tuple[Text, dict[str, Any]]]:
    """Yield changes, those that alter the result least first."""
    if request.checkpointing is False:
        yield (
            text("勾配チェックポイントを使う", "use activation checkpointing"),
            {"checkpointing": None},
        )
    if request.attention == "eager":
        yield text("SDPA にする", "use SDPA"), {"attention": None}
    if request.micro_batch and request.micro_batch > 1:
        yield text("マイクロバッチを 1 にする", "use a micro-batch of 1"), {"micro_batch": None}
    if request.zero_stage is not None and request.zero_stage < 3:
        yield text("ZeRO-3 にする", "use ZeRO-3"), {"zero_stage": 3}
    if request.offload == "none":
        yield text("オフロードを許す", "allow offload"), {"offload": None}
    if request.method == "full" and request.optimizer == "adamw":
        yield text("8 ビット AdamW にする", "use 8-bit AdamW"), {"optimizer": "adamw-8bit"}
    length = length_of(request, spec)
    while length // 2 >= MIN_LENGTH:
        length //= 2
        yield (
            text(f"系列長を {length:,} にする", f"use a sequence length of {length:,}"),
            {"sequence_length": length},
        )
    for method in _methods(spec, request):
        name = "LoRA" if method == "lora" else "QLoRA"
        changes = {"method": method, "optimizer": "adamw", "zero_stage": None, "offload": None}
        yield text(f"{name} にする", f"use {name}"), changes


def _methods(spec: ModelSpec, request: TrainingRequest) -> tuple[Method, ...]:
    """Return lighter methods: LoRA before QLoRA, and instead of it where experts stay in fp32."""
    if spec.experts and request.method == "qlora":
        return ("lora",)
    return _METHODS[request.method]


def _machine_change(
    spec: ModelSpec, request: TrainingRequest, miss: Trial, offered: Sequence[Machine]
) -> Text | None:
    """Return more of the machine, or the next size of its family, that fits."""
    if request.instance is None:
        return None
    free = request.model_copy(update={"instances": None, "gpus": None})
    family = [m for m in offered if m.item.family == miss.machine.item.family]
    found = [
        trial for members in groups(tuple(family)) if (trial := fewest(spec, free, members).best)
    ]
    found = [t for t in found if t.setup.offload == "none"] or found
    if not found:
        return None
    best = min(found, key=lambda t: (t.usd_per_hour is None, t.usd_per_hour or 0, t.count))
    name, count, peak = best.machine.name, best.count, gib(best.peak_gib)
    if count > 1:
        return text(
            f"{name} を {count} 台にする(ピーク {peak} GiB)",
            f"use {count} × {name} (peak {peak} GiB)",
        )
    return text(f"{name} にする(ピーク {peak} GiB)", f"use {name} (peak {peak} GiB)")
