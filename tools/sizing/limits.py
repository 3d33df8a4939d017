"""What rules a machine out before any memory is computed, and targets that cannot be met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.sizing.models import InferenceRequest, ModelSpec, TrainingRequest
from tools.sizing.placements import (
    RECOMMENDED_CAPABILITY,
    Machine,
    Named,
    nearest_seller,
)
from tools.sizing.plan_words import text


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that the GPU or the instance cannot do, and what to do instead."""

    reason: Text
    change: Text
    instead: TrainingRequest
    """The request with the change."""


def machine_limit(request: TrainingRequest, here: Sequence[Machine]) -> Limit | None:
    """Return what rules out all of the machines; None if at least one is possible."""
    found = [_limit(request, machine) for machine in here]
    return found[0] if found and all(found) else None


def attention_limit(spec: ModelSpec, request: TrainingRequest) -> Limit | None:
    """Return that Transformers lacks the attention asked for, on whatever machine."""
    if request.attention is None or request.attention in spec.attention:
        return None
    names = {"sdpa": "SDPA", "flash_attention_2": "FlashAttention-2", "eager": "eager"}
    asked, instead = names[str(request.attention)], spec.attention[0]
    if "sdpa" not in spec.attention:
        instead = "eager"
    return Limit(
        text(
            f"Transformers の {spec.name} は {asked} に対応していません"
            "(読み込みが ValueError で止まります)",
            f"{spec.name} has no {asked} in Transformers (loading stops with a ValueError)",
        ),
        text(f"{names[instead]} にする", f"use {names[instead]}"),
        request.model_copy(update={"attention": instead}),
    )


def _limit(request: TrainingRequest, machine: Machine) -> Limit | None:
    gpu = machine.gpu
    if request.precision == "bf16" and not gpu.bf16:
        return Limit(
            text(
                f"{gpu.key} は bf16 に対応していません(Compute Capability "
                f"{gpu.compute_capability}、"
                "bf16 は 8.0 以降)。エミュレーションで動いても遅くなります",
                f"the {gpu.key} has no bf16 (compute capability {gpu.compute_capability}, bf16 "
                "needs 8.0); emulation is slow",
            ),
            text("fp16 にする", "use fp16"),
            request.model_copy(update={"precision": "fp16"}),
        )
    if request.attention == "flash_attention_2" and not gpu.flash_attention_2:
        return Limit(
            text(
                f"{gpu.key}({gpu.architecture})では FlashAttention-2 が動きません(Ampere 以降)",
                f"FlashAttention-2 does not run on the {gpu.key} ({gpu.architecture}); it needs "
                "Ampere or later",
            ),
            text("SDPA にする", "use SDPA"),
            request.model_copy(update={"attention": "sdpa"}),
        )
    return _fraction_limit(request, machine)


ServingLimit = tuple[Text, Text | None]
"""Why a machine cannot serve, and the change that helps (None: only another machine)."""


def serving_limit(request: InferenceRequest, machine: Machine) -> ServingLimit | None:
    """Return what rules a machine out whatever the memory, and the change that helps."""
    gpu = machine.gpu
    if float(gpu.compute_capability or 0) < RECOMMENDED_CAPABILITY or gpu.key == "T4g":
        return (
            text(
                f"現行の vLLM は {gpu.key}({gpu.architecture}、{machine.item.arch})用の"
                "カーネルを含みません",
                f"current vLLM has no kernels for the {gpu.key} ({gpu.architecture}, "
                f"{machine.item.arch})",
            ),
            None,
        )
    if request.weights == "bf16" and not gpu.bf16:
        return (
            text(f"{gpu.key} は bf16 に対応していません", f"the {gpu.key} has no bf16"),
            text("fp16 にする", "use fp16"),
        )
    if "fp8" in (request.weights, request.kv_format) and not gpu.fp8:
        return (
            text(
                f"{gpu.key} は FP8 に対応していません(Ada・Hopper 以降)",
                f"the {gpu.key} has no FP8 (Ada, Hopper and later)",
            ),
            text("int8 にする", "use int8"),
        )
    return None


def _fraction_limit(request: TrainingRequest, machine: Machine) -> Limit | None:
    several = (request.instances or 1) > 1 or (request.gpus or 1) > 1
    sharded = request.engine in ("deepspeed", "fsdp") or bool(request.zero_stage)
    offloaded = request.offload not in (None, "none")
    if machine.partition == 1 or not (several or sharded or offloaded):
        return None
    return Limit(
        text(
            f"{machine.name} は GPU の一部({machine.partition:g} 枚分)だけを持ち、"
            "NCCL を使う学習(複数 GPU、DeepSpeed、FSDP)ができません",
            f"{machine.name} has a part of a GPU ({machine.partition:g}), on which training with "
            "NCCL (several GPUs, DeepSpeed, FSDP) does not run",
        ),
        text("1 台で Transformers Trainer を使う", "use Transformers Trainer on one instance"),
        request.model_copy(
            update={
                "instances": 1,
                "gpus": None,
                "zero_stage": None,
                "engine": None,
                "offload": None,
            }
        ),
    )


def not_offered(catalogue: Catalogue, name: str, named: Named, region: str) -> Text:
    """Return that a region does not offer a machine, with the nearest region that does."""
    here = catalogue.regions[region] if region in catalogue.regions else None
    ja, en = (here.name, here.name_en) if here else (region, region)
    nearest = nearest_seller(catalogue, named, region)
    if nearest is None:
        return text(f"{name} はどのリージョンでも提供されていません", f"no region offers {name}")
    other = catalogue.regions.get(nearest)
    near_ja, near_en = (other.name, other.name_en) if other else (nearest, nearest)
    return text(
        f"{name} は{ja}では提供されていません。最も近い提供リージョンは{near_ja}です",
        f"{name} is not offered in {en}; the nearest region that has it is {near_en}",
    )


def too_late(name: str, count: int, hours: float, deadline: float) -> Text:
    """Return that the deadline cannot be met."""
    return text(
        f"{name} {count} 台では {hours:,.0f} 時間かかり、期限の {deadline:,.0f} "
        f"時間に間に合いません",
        f"{count} × {name} takes {hours:,.0f} hours, more than the {deadline:,.0f} hours allowed",
    )


def over_budget(name: str, count: int, usd: Decimal, budget: Decimal) -> Text:
    """Return that the budget does not suffice."""
    return text(
        f"最も安い {name} {count} 台でも {usd:,.0f} USD かかり、予算の {budget:,.0f} "
        f"USD を超えます",
        f"even {count} × {name} costs {usd:,.0f} USD, more than the budget of {budget:,.0f} USD",
    )


def gpu_note(gpu: Gpu) -> Text | None:
    """Return the catalogue's note about a GPU, if it has one."""
    if gpu.note is None or gpu.note_en is None:
        return None
    return text(gpu.note, gpu.note_en)
