"""Buffers and overhead: gathered parameters, communication, CUDA context, fragmentation."""

from __future__ import annotations

from tools.sizing.models import ModelSpec
from tools.sizing.parts import GIB, Part, amount
from tools.sizing.setup import BYTES, TrainingSetup, lora_parameters
from tools.sizing.states import gradient_bytes

CONTEXT_GIB = 0.6
"""CUDA context, kernels and library workspaces (stas00/ml-engineering: 0.45 to 0.9)."""
NCCL_GIB = 1.5
"""NCCL and torch.distributed after the first collective (same: 1.0 to 1.5 on two GPUs)."""
NCCL_MANY_GIB = 2.0
NCCL_MANY_RANKS = 64
FRAGMENTATION = 0.05
FRAGMENTATION_VARIABLE = 0.12
PREFETCH = 0.9
"""stage3_prefetch_bucket_size "auto" is 0.9 x hidden**2 (Transformers' DeepSpeed integration)."""


def live_parameters(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the parameters that are gathered while they are used (stage 3, FSDP)."""
    if setup.stage != 3:
        return Part("live_parameters", 0.0, "")
    split = setup.tensor_parallel * setup.pipeline_parallel
    embedding = spec.vocab * spec.hidden
    block = spec.block_parameters
    width = BYTES[setup.precision]
    trains = 2 if setup.method == "full" else 1
    if setup.engine == "fsdp":
        # Two blocks (one in use, one prefetched) and the root unit with the embeddings.
        size = width * (2 * block + spec.embedding_parameters) + width * trains * block
        return Part(
            "live_parameters",
            size / split,
            f"{width} B × ({2 + trains} × {amount(block)} + {amount(spec.embedding_parameters)})",
        )
    window = min(setup.live_parameters, spec.parameters / split)
    prefetch = PREFETCH * spec.hidden**2
    largest = max(embedding, block) / split
    return Part(
        "live_parameters",
        width * (window + prefetch) + width * trains * largest,
        f"{width} B × ({amount(window)} + {amount(prefetch)}) + "
        f"{width * trains} B × {amount(largest)}",
    )


def communication(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the buckets of gradients on their way."""
    width = gradient_bytes(spec, setup)
    trained = lora_parameters(spec, setup)
    if setup.engine == "deepspeed" and setup.stage:
        bucket = min(setup.reduce_bucket or spec.hidden**2, trained)
        copies = 1 if setup.stage == 3 else 2
        return Part(
            "communication", width * bucket * copies, f"{copies} × {width} B × {amount(bucket)}"
        )
    if setup.engine != "fsdp" and setup.data_parallel > 1:
        # DDP's buckets are a second copy of all gradients (gradient_as_bucket_view is off).
        return Part("communication", width * trained, f"DDP {width} B × {amount(trained)}")
    return Part("communication", 0.0, "")


def overhead(setup: TrainingSetup) -> Part:
    """Return what the driver shows besides the allocator's memory."""
    nccl = 0.0
    if setup.gpus > 1:
        nccl = NCCL_MANY_GIB if setup.gpus >= NCCL_MANY_RANKS else NCCL_GIB
    formula = f"CUDA {CONTEXT_GIB} GiB" + (f" + NCCL {nccl} GiB" if nccl else "")
    return Part("overhead", (CONTEXT_GIB + nccl) * GIB, formula)


def fragmentation(allocated: float, setup: TrainingSetup) -> Part:
    """Return what the allocator reserves without using it."""
    rate = FRAGMENTATION_VARIABLE if setup.variable_length else FRAGMENTATION
    return Part("fragmentation", rate * allocated, f"{rate:.0%} × {allocated / GIB:.1f} GiB")
