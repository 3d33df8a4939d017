"""Training plans made by hand: what the generator is given, without asking the sizing engine."""

from __future__ import annotations

from typing import Any

from knowledge.ec2.catalogue import Catalogue
from tools.charts import Text
from tools.profiles import profiler
from tools.sizing.models import (
    Choice,
    MemoryBreakdown,
    MemoryTerm,
    ModelSpec,
    Placement,
    Range,
    Run,
    TrainingPlan,
    TrainingRequest,
)

REGION = "ap-northeast-1"
GPT2_XL = ModelSpec(
    name="GPT-2 XL", hf_id="openai-community/gpt2-xl", parameters=1_557_611_200,
    active_parameters=1_557_611_200, hidden=1600, layers=48, heads=25, kv_heads=25, head_dim=64,
    intermediate=6400, vocab=50257, tied_embeddings=True, max_positions=1024, mlp_matrices=2,
    checkpoint_dtype="fp32",
)  # fmt: skip
QWEN_05B = ModelSpec(
    name="Qwen2.5 0.5B", hf_id="Qwen/Qwen2.5-0.5B", parameters=494_032_768,
    active_parameters=494_032_768, hidden=896, layers=24, heads=14, kv_heads=2, head_dim=64,
    intermediate=4864, vocab=151936, tied_embeddings=True, max_positions=32768,
)  # fmt: skip
LLAMA_8B = ModelSpec(
    name="Llama 3.1 8B", hf_id="meta-llama/Llama-3.1-8B", parameters=8_030_261_248,
    active_parameters=8_030_261_248, hidden=4096, layers=32, heads=32, kv_heads=8, head_dim=128,
    intermediate=14336, vocab=128256, max_positions=131072,
)  # fmt: skip


def plan(
    catalogue: Catalogue,
    instance: str = "p4d.24xlarge",
    *,
    model: ModelSpec = GPT2_XL,
    instances: int = 1,
    **changes: Any,
) -> TrainingPlan:
    """Return a plan for all GPUs of the instances; fields of the plan can be changed."""
    item = catalogue.types[instance]
    gpu = catalogue.gpu_of(item)
    assert item.gpu and gpu
    gpus = item.gpu.devices * instances
    values: dict[str, Any] = {
        "method": "full", "engine": "deepspeed" if gpus > 1 else "trainer",
        "precision": "bf16" if gpu.bf16 else "fp16", "attention": "sdpa", "optimizer": "adamw",
        "zero_stage": 2 if gpus > 1 else 0, "offload": "none", "checkpointing": True,
        "sequence_length": 1024, "micro_batch": 2, "accumulation": 1, "lora_rank": None,
    } | changes  # fmt: skip
    values.setdefault("global_batch", values["micro_batch"] * values["accumulation"] * gpus)
    usable = gpu.usable_gib or gpu.memory_gib
    quote = profiler(catalogue, REGION).quote(instance, REGION, "on-demand")
    efa = instances > 1 and item.network.efa_interfaces > 0
    return TrainingPlan(
        request=TrainingRequest(model=model.name, region=REGION, instance=instance),
        model=model,
        placement=Placement(
            instance=item, gpu=gpu, instances=instances, gpus=gpus, quote=quote, efa=efa
        ),
        liger=False,
        trainable_parameters=model.parameters if values["method"] == "full" else 42_000_000,
        memory=_memory(usable),
        host_ram_gib=20.0,
        nvme_gb=0.0,
        run=Run(
            tokens_per_second=Range(low=9e3, expected=1e4, high=1.1e4),
            mfu=Range(low=0.3, expected=0.35, high=0.4),
            flops_per_token=6.0 * model.parameters,
            bound="compute", tokens=None, hours=None, usd=None,
            assumption=Text(ja="MFU 0.35 を仮定", en="assumes an MFU of 0.35"),
        ),
        choices=(Choice(what=Text(ja="ZeRO-2", en="ZeRO-2"), why=Text(ja="収まる", en="fits")),),
        rejected=(),
        environment={"PYTORCH_ALLOC_CONF": "expandable_segments:True"},
        **values,
    )  # fmt: skip


def _memory(usable: float) -> MemoryBreakdown:
    term = MemoryTerm(
        key="parameters", label=Text(ja="重み", en="weights"), gib=2.9, formula="2 B × 1.56e9"
    )
    return MemoryBreakdown(
        terms=(term,), allocated_gib=9, reserved_gib=10, peak_gib=11,
        usable_gib=usable, budget_gib=usable * 0.92,
    )  # fmt: skip
