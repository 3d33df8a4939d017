"""Compose comparisons of GPUs themselves."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from assistant.planner.compose.claims import judge
from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import Phrases, display, number
from assistant.planner.compose.rows import label
from knowledge.ec2.schema import Gpu
from tools.attributes import BY_KEY
from tools.instances import Comparison
from tools.profiles import GpuProfile

_GPU_ROWS = (
    "gpu_architecture",
    "gpu_memory_gb",
    "memory_type",
    "memory_bandwidth_gb_s",
    "tflops_fp32",
    "tflops_fp16",
    "tflops_bf16",
    "tflops_fp8",
    "bf16",
    "fp8",
    "flash_attention_2",
    "nvlink_gb_s",
    "compute_capability",
)
_ALWAYS = ("gpu_memory_gb", "memory_bandwidth_gb_s", "tflops_bf16")


def compare_gpus(
    draft: Draft,
    gpus: Sequence[Gpu],
    result: Comparison,
    focus: str | None = None,
    claim: tuple[str, str, bool] | None = None,
) -> None:
    """Write GPUs side by side: the rows that differ, the carriers, and a note on each.

    With a focus (memory, bandwidth, TFLOPS) only that is compared: who has more, and how much.
    """
    say = draft.say
    if focus and claim:
        judge(draft, claim, focus, {gpu.key: BY_KEY[focus].of(gpu) for gpu in gpus})
    if focus and _lead_by(draft, gpus, focus):
        return
    parts = say.listed(say("c_part", name=gpu.key, what=_in_words(say, gpu)) for gpu in gpus)
    draft.phrase("c_lead_many", parts=parts)
    rows: list[tuple[str, ...]] = []
    same: list[str] = []
    for key in _GPU_ROWS:
        cells = [_gpu_cell(say, gpu, key) for gpu in gpus]
        if key in _ALWAYS or len(set(cells)) > 1:
            rows.append((label(say, key), *cells))
        elif any(BY_KEY[key].of(gpu) is not None for gpu in gpus):
            same.append(label(say, key).split("(")[0].strip())
    carriers = (_carriers(say, item) for item in result.items if isinstance(item, GpuProfile))
    draft.table((say("item"), *(gpu.key for gpu in gpus)), [*rows, ("EC2", *carriers)])
    if same:
        draft.phrase("c_same", labels=say.listed(same))
    for gpu in gpus:
        note = gpu.note if say.language == "ja" else gpu.note_en
        if note:
            draft.quoted.append(note)
            draft.add(f"- {gpu.key}: {note}")


def _lead_by(draft: Draft, gpus: Sequence[Gpu], key: str) -> bool:
    """Write which GPU has most of one attribute, and how many times the least."""
    say = draft.say
    known = [
        (value, gpu)
        for value, gpu in ((BY_KEY[key].of(gpu), gpu) for gpu in gpus)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if len(known) < 2 or BY_KEY[key].better != "higher":
        return False
    (low, least), (high, most) = (pick(known, key=lambda row: row[0]) for pick in (min, max))
    names = {"a": most.key, "b": least.key, "label": label(say, key)}
    if high == low:
        draft.phrase("c_gpu_equal", **names, value=say.value(key, high))
        return True
    values = {"value": say.value(key, high), "other": say.value(key, low)}
    if len(gpus) > 2:  # only of two can the comparison tell a ratio
        draft.phrase("c_gpu_more", **names, **values)
    else:
        ratio = number(Decimal(str(high)) / Decimal(str(low)))
        draft.phrase("c_gpu_most", **names, **values, ratio=ratio)
    return True


def _in_words(say: Phrases, gpu: Gpu) -> str:
    bandwidth = f"、{number(gpu.memory_bandwidth_gb_s)} GB/s" if gpu.memory_bandwidth_gb_s else ""
    if say.language == "en":
        bandwidth = bandwidth.replace("、", ", ")
    return f"{gpu.architecture} {gpu.memory_gb} GB{bandwidth}"


def _gpu_cell(say: Phrases, gpu: Gpu, key: str) -> str:
    value = BY_KEY[key].of(gpu)
    if value is None and key.startswith(("tflops", "memory_b")):
        return "—"
    return say.value(key, value)


def _carriers(say: Phrases, item: GpuProfile) -> str:
    families = dict.fromkeys(carrier.type.family for carrier in item.carriers)
    return say.listed(display(family) for family in families) or "—"
