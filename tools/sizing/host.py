"""Memory and disk of the host that a training run needs."""

from __future__ import annotations

from tools.sizing.models import ModelSpec
from tools.sizing.parts import GIB
from tools.sizing.setup import BYTES, TrainingSetup, lora_parameters

PROCESS_GIB = 3.0
"""A Python process with PyTorch, its CUDA libraries and a data loader."""
SYSTEM_GIB = 4.0
BUFFER_FACTOR = 1.5
"""Room beside the states: pinned copies and buffers (DeepSpeed's own estimators use it)."""
OFFLOAD_BYTES = {
    "none": 0,
    "optimizer-cpu": 16,
    "optimizer-param-cpu": 18,
    "optimizer-nvme": 4,
    "all-nvme": 4,
}
"""Per trained parameter on the CPU: fp32 master, two moments and fp32 gradients, 16-bit weights."""
NVME_BYTES = {"optimizer-nvme": 16, "all-nvme": 18}


def host_ram_gib(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the host memory that one instance needs."""
    processes = min(setup.gpus, setup.gpus_per_node)
    offload = setup.offload if setup.stage else "none"
    trained = lora_parameters(spec, setup)
    states = OFFLOAD_BYTES[offload] * trained / setup.nodes * BUFFER_FACTOR
    if setup.offloads_parameters and setup.method != "full":
        states += 2 * spec.parameters / setup.nodes * BUFFER_FACTOR
    return (max(states, _loading(spec, setup, processes))) / GIB + (
        PROCESS_GIB * processes + SYSTEM_GIB
    )


def nvme_gb(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the local NVMe space that one instance needs, in GB (10**9)."""
    width = NVME_BYTES.get(setup.offload, 0) if setup.stage == 3 else 0
    return width * lora_parameters(spec, setup) / setup.nodes / 1e9


def _loading(spec: ModelSpec, setup: TrainingSetup, processes: int) -> float:
    """Return the bytes held while the checkpoint is read.

    zero.Init (stage 3) and FSDP's loading keep one copy on the host; otherwise every process reads
    the checkpoint, shard by shard, into its GPU: one shard of at most 5 GB each.
    """
    width = BYTES[setup.loader_dtype or spec.checkpoint_dtype]
    whole = width * spec.parameters
    if setup.stage == 3:
        return whole
    return min(whole, 5e9) * processes
