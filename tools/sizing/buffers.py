"""Buffers and overhead: gathered parameters, communication, CUDA context, fragmentation."""

from __future__ import annotations

from tools.sizing import states
from tools.sizing.models import ModelSpec
from tools.sizing.parts import GIB, Part, amount
from tools.sizing.setup import BYTES, TrainingSetup

CONTEXT_GIB = 0.9
"""CUDA context, lazily loaded kernels and library workspaces: stas00/ml-engineering measures 0.45
to 0.55 for the context alone and up to 0.9 with eager kernels."""
NCCL_GIB = 1.5
"""NCCL and torch.distributed after the first collective (same: 1.0 to 1.5 on two GPUs)."""
NCCL_MANY_GIB = 2.0
NCCL_MANY_RANKS = 64
FRAGMENTATION = 0.065
FRAGMENTATION_VARIABLE = 0.115
"""Middles of 3 to 10 % and of 8 to 15 % with changing lengths (stas00/ml-engineering)."""
LASTING = frozenset({"parameters", "optimizer", "master_weights", "quantization"})
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
    kinds = states.trained(spec, setup)
    count = sum(kind.weights for kind in kinds)
    size = sum(kind.gradient * kind.weights for kind in kinds)
    if setup.engine == "deepspeed" and setup.stage:
        width = size / count
        bucket = min(setup.reduce_bucket or spec.hidden**2, count)
        overlap = setup.stage >= 2 if setup.overlap is None else setup.overlap
        copies = 2 if overlap else 1
        formula = f"{copies} × {width:g} B × {amount(bucket)}"
        return Part("communication", width * bucket * copies, formula)
    if setup.engine == "trainer" and setup.data_parallel > 1:
        # DDP's buckets are a second copy of all gradients (gradient_as_bucket_view is off).
        return Part("communication", size, f"DDP {amount(size)} B")
    return Part("communication", 0.0, "")


def overhead(setup: TrainingSetup) -> Part:
    """Return what the driver shows besides the allocator's memory."""
    nccl = 0.0
    if setup.gpus > 1:
        nccl = NCCL_MANY_GIB if setup.gpus >= NCCL_MANY_RANKS else NCCL_GIB
    formula = f"CUDA {CONTEXT_GIB} GiB" + (f" + NCCL {nccl} GiB" if nccl else "")
    return Part("overhead", (CONTEXT_GIB + nccl) * GIB, formula)


def fragmentation(parts: list[Part], setup: TrainingSetup) -> Part:
    """Return what the allocator reserves without using it: a share of what comes and goes."""
    rate = FRAGMENTATION_VARIABLE if setup.variable_length else FRAGMENTATION
    moving = sum(part.size for part in parts if part.key not in LASTING)
    return Part("fragmentation", rate * moving, f"{rate:.0%} × {moving / GIB:.1f} GiB")
