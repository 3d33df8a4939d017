"""Memory of a model by itself: weights, KV cache and training states, without a machine.

Paper figures: 16-bit parameters and gradients, fp32 master weights and Adam states (ZeRO, K = 12),
quantised weights without their scales. What a run needs beside them is in memory.py.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from tools.charts import Text
from tools.profiles import Model
from tools.sizing.models import Count, ModelSpec, WeightFormat, ZeroStage

WEIGHT_BYTES: dict[WeightFormat, float] = {
    "fp32": 4,
    "bf16": 2,
    "fp16": 2,
    "fp8": 1,
    "int8": 1,
    "int4": 0.5,
    "awq": 0.5,
    "gptq": 0.5,
    "nf4": 0.5,
}
KV_BYTES = {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1}
ADAM_BYTES = 8
"""Two fp32 moments a parameter."""
LOGITS_BYTES = 12
"""fp32 log-softmax and the fp32 gradients of loss and logits at the start of the backward pass."""
GIB = 2**30
GB = 10**9


class ModelMemoryRequest(Model):
    """A model, and what of its memory is asked for."""

    model: str
    gpus: Count = 1
    """GPUs that training states are split over."""
    zero_stage: ZeroStage | None = None
    weights: WeightFormat | None = None
    kv_format: Literal["bf16", "fp16", "fp8", "int8"] = "bf16"
    context: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Tokens of a sequence or request."""
    concurrency: Count = 1
    """Requests, or sequences of a micro-batch, at the same time."""
    gpu: str | None = None
    """GPU or instance type that the weights are to be put on."""


class WeightSize(Model):
    """Weights in one format."""

    format: WeightFormat
    bytes_each: float
    gb: float
    gib: float


class StateSize(Model):
    """Model states of mixed-precision AdamW on each GPU under a ZeRO stage."""

    stage: ZeroStage
    gb: float
    gib: float
    formula: Text


class ModelMemory(Model):
    """What a model takes by itself."""

    kind: Literal["model_memory"] = "model_memory"
    request: ModelMemoryRequest
    model: ModelSpec
    weights: tuple[WeightSize, ...]
    context: int
    kv_bytes_per_token: float
    kv_gib: float
    """For `context` tokens times the concurrency asked for."""
    kv_gb: float
    states: tuple[StateSize, ...]
    adam_gb: float
    adam_gib: float
    checkpointed_gb: float
    """Activations kept for `context` tokens when every block is checkpointed."""
    gpu: str | None = None
    """The GPU asked about."""
    gpus_needed: int | None = None
    """Its number that holds the weights alone."""
    logits_gb: float
    """Logits and loss of the unfused Hugging Face path for `context` tokens."""


def model_memory(catalogue: Catalogue, request: ModelMemoryRequest) -> ModelMemory:
    """Return what the model takes. Raises ToolInputError for a model that is not known."""
    from tools.sizing.architectures import resolve_model
    from tools.sizing.weights import kv_bytes, kv_bytes_per_token

    spec = resolve_model(request.model)
    context = request.context or min(spec.max_positions or 8192, 8192)
    tokens = context * request.concurrency
    per_token = kv_bytes_per_token(spec, request.kv_format)
    cache = kv_bytes(spec, context, request.kv_format) * request.concurrency
    adam = spec.parameters * ADAM_BYTES
    gpu, needed = _gpus_for(catalogue, request, spec)
    return ModelMemory(
        request=request,
        model=spec,
        gpu=gpu,
        gpus_needed=needed,
        weights=tuple(
            WeightSize(
                format=name,
                bytes_each=each,
                gb=spec.parameters * each / GB,
                gib=spec.parameters * each / GIB,
            )
            for name, each in WEIGHT_BYTES.items()
        ),
        context=context,
        kv_bytes_per_token=per_token,
        kv_gib=cache / GIB,
        kv_gb=cache / GB,
        states=tuple(_states(spec, stage, request.gpus) for stage in (0, 1, 2, 3)),
        adam_gb=adam / GB,
        adam_gib=adam / GIB,
        checkpointed_gb=2 * spec.hidden * spec.layers * tokens / GB,
        logits_gb=LOGITS_BYTES * spec.vocab * tokens / GB,
    )


def _gpus_for(
    catalogue: Catalogue, request: ModelMemoryRequest, spec: ModelSpec
) -> tuple[str | None, int | None]:
    """Return the GPU that a name means, and how many hold the weights; Nones without a name."""
    if request.gpu is None:
        return None, None
    from tools.sizing.placements import named_machines

    machine = named_machines(catalogue, request.gpu, "us-east-1", "on-demand").machines[-1]
    each = WEIGHT_BYTES[request.weights or spec.checkpoint_dtype]
    return machine.gpu.key, ceil(spec.parameters * each / GIB / machine.usable_gib)


def _states(spec: ModelSpec, stage: ZeroStage, gpus: int) -> StateSize:
    whole, split = {0: (16, 0), 1: (4, 12), 2: (2, 14), 3: (0, 16)}[stage]
    size = spec.parameters * (whole + split / gpus)
    count = f"{spec.parameters / GB:.4g}e9"
    parts = [f"{whole} B"] if whole else []
    parts += [f"{split} B / {gpus}"] if split else []
    formula = f"({' + '.join(parts)}) × {count}" if len(parts) > 1 else f"{parts[0]} × {count}"
    return StateSize(
        stage=stage, gb=size / GB, gib=size / GIB, formula=Text(ja=formula, en=formula)
    )
