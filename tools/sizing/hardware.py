"""What a GPU and its host sustain: matrix products, attention, links. Peaks are in the catalogue.

Each figure names where it was measured; where nothing is published the figure is an estimate and
`measured` is False, so that answers can say so.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from knowledge.ec2.schema import Gpu, InstanceType
from tools.profiles import Model


class Sustained(NamedTuple):
    """Shares of a GPU's dense 16-bit peak that kernels reach."""

    matmul: float
    attention: float
    """FlashAttention, forward and backward."""
    measured: bool


_SUSTAINED = {
    # matmul: stas00/ml-engineering, maximum achievable matmul FLOPS (271, 794 and 1745 TFLOPS).
    # attention: FlashAttention-2 (2307.08691, A100) and FlashAttention-3 (2407.08608, which also
    # measures version 2 on H100), causal, forward and backward.
    "A100": Sustained(0.869, 0.60, True),
    "H100": Sustained(0.803, 0.38, True),
    "H200": Sustained(0.803, 0.38, True),
    "B200": Sustained(0.776, 0.30, True),
    "B300": Sustained(0.786, 0.30, True),
    # L4 is held back by its 72 W, T4 by its 70 W; no published sweep was found for the rest.
    "L4": Sustained(0.50, 0.35, False),
    "T4": Sustained(0.45, 0.20, False),
    "T4g": Sustained(0.45, 0.20, False),
    "V100": Sustained(0.75, 0.25, False),
}
_OTHER = Sustained(0.75, 0.45, False)
UNMEASURED_MFU = 0.28
"""Most that a plain stack is planned to reach on a GPU without published runs."""
_UNMEASURED_MFU = {"A10G": 0.315, "L4": 0.28, "T4": 0.21, "T4g": 0.21, "V100": 0.37}
"""Planning figures of plain Transformers and DeepSpeed, 0.7 of a tuned stack: estimates, and for
the V100 what DeepSpeed published of BERT (0.53)."""
TUNED_OVER_PLAIN = 1 / 0.7
HALF_OVER_FP32 = 4
"""Dense 16-bit peak over fp32 where the maker lists only fp32 (RTX PRO 6000): L4 and L40S have 4.0;
401 TFLOPS were measured in products on the workstation card of 125."""
FP8_MATMUL = 0.734
"""1,453 of 1,979 TFLOPS on H200 (stas00/ml-engineering)."""
Flash = Literal[1, 2, 3]
"""Generation of the attention kernels; 3 stands for FlashAttention-3 and 4."""
FLASH_1 = 0.5
"""FlashAttention-2 is about twice as fast as the first (2307.08691)."""
FLASH_3 = 0.65
"""FlashAttention-3 on Hopper and 4 on Blackwell, forward and backward (2407.08608)."""

NVLINK_SHARE = 0.40
"""Bus bandwidth of large all-reduces over the advertised bidirectional NVLink bandwidth: 232 of 600
(A100), 368 of 900 (H200, ring), 723 of 1,800 GB/s (B200); stas00/ml-engineering."""
PCIE_GB_S = 8.0
"""GPUs without NVLink and peer access talk through host memory: 6 to 10 GB/s (estimate)."""
EFA_SHARE, TCP_SHARE = 0.85, 0.6
"""Share of the network's line rate in large collectives: 340 of 400 on p4d; TCP is an estimate."""
HOST_LINK_GB_S = {"3": 12.0, "4": 24.0, "5": 55.0, "6": 100.0}
"""PCIe x16 by generation, one direction (55 measured on H200; others in proportion)."""


class Host(Model):
    """What one instance gives besides its GPUs."""

    vcpus: int = 96
    network_gbps: float = 100.0
    efa: bool = False


def host_of(instance: InstanceType) -> Host:
    """Return the host figures of an instance type."""
    return Host(
        vcpus=instance.vcpus,
        network_gbps=instance.network.baseline_gbps or instance.network.peak_gbps or 1.0,
        efa=instance.network.efa_interfaces > 0,
    )


def sustained(gpu: Gpu) -> Sustained:
    """Return the shares of peak that kernels reach on this GPU."""
    return _SUSTAINED.get(gpu.model, _OTHER)


def mfu_limit(gpu: Gpu, *, tuned: bool) -> float | None:
    """Return the MFU beyond which no estimate goes; None where published runs back the model."""
    if sustained(gpu).measured:
        return None
    limit = _UNMEASURED_MFU.get(gpu.model, UNMEASURED_MFU)
    return limit * (TUNED_OVER_PLAIN if tuned else 1.0)


def half_peak_tflops(gpu: Gpu) -> float:
    """Return the dense 16-bit peak: listed, or from fp32 where tensor cores have no figure."""
    listed = gpu.tflops.get("bf16") or gpu.tflops.get("fp16")
    if listed:
        return listed
    fp32 = gpu.tflops.get("fp32", 10.0)
    return fp32 * (HALF_OVER_FP32 if gpu.bf16 else 1)


def attention_share(gpu: Gpu, flash: Flash) -> float:
    """Return the share of peak that attention kernels of a generation reach."""
    if flash == 3 and gpu.architecture.startswith(("Hopper", "Blackwell")):
        return FLASH_3
    return sustained(gpu).attention * (FLASH_1 if flash == 1 else 1.0)


def bus_gb_s(gpu: Gpu, host: Host, *, nodes: int) -> float:
    """Return the bus bandwidth of collectives over all GPUs of a run, per GPU."""
    inside = gpu.nvlink_gb_s * NVLINK_SHARE if gpu.nvlink_gb_s else PCIE_GB_S
    if nodes == 1:
        return inside
    share = EFA_SHARE if host.efa else TCP_SHARE
    return min(inside, host.network_gbps / 8 * share)


def host_link_gb_s(gpu: Gpu) -> float:
    """Return the bandwidth between a GPU and its host, one direction."""
    text = gpu.host_link or ""
    generation = next((char for char in text.removeprefix("PCIe ") if char.isdigit()), "3")
    return HOST_LINK_GB_S.get(generation, 12.0)
