"""The attribute registry: every figure and fact that can be shown, compared, filtered or verified.

One entry serves all users of an attribute: comparison rows, search filters and sorting, the words
by which the planner recognises it, and the number lock. Adding an attribute is adding a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from knowledge.ec2.schema import MIB_PER_GIB, Gpu, Precision
from tools.profiles import InstanceProfile

Value = Decimal | int | float | str | bool
MBPS_PER_GBPS = 1000


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named property of instance types (and of GPUs, where `gpu` is set)."""

    key: str
    ja: str
    en: str
    unit: str
    get: Callable[[InstanceProfile], Value | None]
    gpu: Callable[[Gpu], Value | None] | None = None
    better: Literal["higher", "lower"] | None = None
    """Which end a buyer prefers; None where it depends."""

    def of(self, subject: InstanceProfile | Gpu) -> Value | None:
        """Return the value for an instance type or a GPU; None if it has none."""
        if isinstance(subject, Gpu):
            return self.gpu(subject) if self.gpu else None
        return self.get(subject)


def _on_gpu(get: Callable[[Gpu], Value | None]) -> Callable[[InstanceProfile], Value | None]:
    """Lift a GPU property to instance types: None for a type without a known GPU."""
    return lambda item: get(item.gpu) if item.gpu else None


def _gpu_attribute(
    key: str,
    ja: str,
    en: str,
    unit: str,
    get: Callable[[Gpu], Value | None],
    better: Literal["higher", "lower"] | None = "higher",
) -> Attribute:
    return Attribute(key, ja, en, unit, _on_gpu(get), get, better)


def _tflops(precision: Precision) -> Attribute:
    label = precision.upper()
    return _gpu_attribute(
        f"tflops_{precision}",
        f"{label} 性能(密行列)",
        f"{label} peak (dense)",
        "TFLOPS",
        lambda gpu: gpu.tflops.get(precision),
    )


def _gpu_count(item: InstanceProfile) -> Value | None:
    gpu = item.type.gpu
    return None if gpu is None else int(gpu.count) if gpu.partition == 1 else gpu.count


def _gpu_memory_gb(item: InstanceProfile) -> Value | None:
    """Data-sheet memory per logical GPU: a slice of the whole for fractional types."""
    if item.type.gpu is None or item.gpu is None:
        return None
    return item.gpu.memory_gb * item.type.gpu.partition


def _gpu_memory_total_gb(item: InstanceProfile) -> Value | None:
    each = _gpu_memory_gb(item)
    return (
        None
        if each is None or item.type.gpu is None
        else Decimal(str(each)) * item.type.gpu.devices
    )


def _ebs_gbps(item: InstanceProfile) -> Value | None:
    mbps = item.type.ebs.maximum_mbps
    return None if mbps is None else mbps / MBPS_PER_GBPS


def _block_usd_per_hour(item: InstanceProfile) -> Value | None:
    quote = item.quote("capacity-block")
    return quote.usd_per_hour if quote else None


def _usd_per_gpu_hour(item: InstanceProfile) -> Value | None:
    price, gpu = item.usd_per_hour, item.type.gpu
    return None if price is None or gpu is None else price / Decimal(str(gpu.count))


# A table: one attribute a line.
# fmt: off
ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("vcpus", "vCPU", "vCPUs", "vCPU", lambda i: i.type.vcpus, None, "higher"),
    Attribute("cores", "物理コア", "physical cores", "コア", lambda i: i.type.cores, None,
              "higher"),
    Attribute("threads_per_core", "コアあたりスレッド", "threads per core", "スレッド",
              lambda i: i.type.threads_per_core),
    Attribute("memory_gib", "メモリ", "memory", "GiB", lambda i: i.type.memory_gib, None, "higher"),
    Attribute("memory_per_vcpu_gib", "vCPU あたりメモリ", "memory per vCPU", "GiB",
              lambda i: i.type.memory_gib / i.type.vcpus, None, "higher"),
    Attribute("arch", "CPU アーキテクチャ", "architecture", "", lambda i: i.type.arch),
    Attribute("cpu_maker", "CPU メーカー", "CPU maker", "", lambda i: i.type.cpu_maker),
    Attribute("cpu_model", "CPU", "CPU", "", lambda i: i.family.cpu_model if i.family else None),
    Attribute("clock_ghz", "持続クロック", "sustained clock", "GHz",
              lambda i: i.type.clock_ghz, None, "higher"),
    Attribute("gpu_model", "GPU", "GPU", "", lambda i: i.type.gpu.gpu if i.type.gpu else None,
              lambda g: g.key),
    Attribute("gpu_count", "GPU 数", "GPUs", "基", _gpu_count, None, "higher"),
    Attribute("gpu_memory_gb", "GPU メモリ(公称)", "GPU memory (data sheet)", "GB",
              _gpu_memory_gb, lambda g: g.memory_gb, "higher"),
    Attribute("gpu_memory_gib", "GPU メモリ(API)", "GPU memory (API)", "GiB",
              lambda i: i.type.gpu.memory_gib if i.type.gpu else None, lambda g: g.memory_gib,
              "higher"),
    Attribute("gpu_memory_total_gb", "GPU メモリ合計(公称)", "total GPU memory (data sheet)", "GB",
              _gpu_memory_total_gb, None, "higher"),
    Attribute("gpu_memory_total_gib", "GPU メモリ合計(API)", "total GPU memory (API)", "GiB",
              lambda i: i.type.gpu.memory_total_gib if i.type.gpu else None, None, "higher"),
    _gpu_attribute("usable_gib", "使える GPU メモリ", "usable GPU memory", "GiB",
                   lambda g: g.usable_gib),
    _gpu_attribute("memory_bandwidth_gb_s", "GPU メモリ帯域", "GPU memory bandwidth", "GB/s",
                   lambda g: g.memory_bandwidth_gb_s),
    _gpu_attribute("memory_type", "GPU メモリ種別", "GPU memory type", "",
                   lambda g: g.memory_type, None),
    _gpu_attribute("gpu_architecture", "GPU 世代", "GPU architecture", "",
                   lambda g: g.architecture, None),
    _gpu_attribute("compute_capability", "Compute Capability", "compute capability", "",
                   lambda g: g.compute_capability, None),
    _tflops("fp32"), _tflops("tf32"), _tflops("fp16"), _tflops("bf16"), _tflops("fp8"),
    _gpu_attribute("bf16", "bf16", "bf16", "", lambda g: g.bf16),
    _gpu_attribute("fp8", "FP8", "FP8", "", lambda g: g.fp8),
    _gpu_attribute("flash_attention_2", "FlashAttention-2", "FlashAttention-2", "",
                   lambda g: g.flash_attention_2),
    # FlashAttention-3 is written for Hopper alone; Blackwell has FlashAttention-4.
    _gpu_attribute("flash_attention_3", "FlashAttention-3", "FlashAttention-3", "",
                   lambda g: g.architecture == "Hopper", None),
    _gpu_attribute("gpu_maker", "GPU メーカー", "GPU maker", "", lambda g: g.maker, None),
    _gpu_attribute("nvlink_gb_s", "NVLink(GPU あたり双方向)", "NVLink (per GPU, bidirectional)",
                   "GB/s", lambda g: g.nvlink_gb_s),
    _gpu_attribute("nvlink_generation", "NVLink 世代", "NVLink generation", "世代",
                   lambda g: g.nvlink_generation),
    Attribute("network_gbps", "ネットワーク(最大)", "network (peak)", "Gbps",
              lambda i: i.type.network.peak_gbps, None, "higher"),
    Attribute("network_baseline_gbps", "ネットワーク(ベースライン)", "network (baseline)", "Gbps",
              lambda i: i.type.network.baseline_gbps, None, "higher"),
    Attribute("efa_interfaces", "EFA インターフェイス", "EFA interfaces", "本",
              lambda i: i.type.network.efa_interfaces, None, "higher"),
    Attribute("ebs_gbps", "EBS 帯域(最大)", "EBS bandwidth (peak)", "Gbps", _ebs_gbps, None,
              "higher"),
    Attribute("nvme_gb", "ローカル NVMe", "local NVMe", "GB",
              lambda i: i.type.instance_store.total_gb if i.type.instance_store else 0, None,
              "higher"),
    Attribute("nvme_disks", "NVMe 本数", "NVMe disks", "本",
              lambda i: i.type.instance_store.disks if i.type.instance_store else 0),
    Attribute(
        "generation", "ファミリー世代", "family generation", "世代", lambda i: i.type.generation
    ),
    Attribute("bare_metal", "ベアメタル", "bare metal", "", lambda i: i.type.bare_metal),
    Attribute("neuron_model", "アクセラレータ", "accelerator", "",
              lambda i: i.type.neuron.model if i.type.neuron else None),
    Attribute("neuron_devices", "アクセラレータ数", "accelerators", "個",
              lambda i: i.type.neuron.devices if i.type.neuron else None),
    Attribute("neuron_memory_gib", "アクセラレータメモリ", "accelerator memory", "GiB",
              lambda i: i.type.neuron.memory_mib / MIB_PER_GIB
              if i.type.neuron and i.type.neuron.memory_mib else None),
    Attribute("usd_per_hour", "オンデマンド料金", "on-demand price", "USD",
              lambda i: i.usd_per_hour, None, "lower"),
    Attribute("usd_per_gpu_hour", "GPU あたり料金", "price per GPU", "USD",
              _usd_per_gpu_hour, None, "lower"),
    Attribute("capacity_block", "Capacity Block 対応", "Capacity Blocks", "",
              lambda i: "capacity-block" in i.type.usage_classes),
    Attribute("block_usd_per_hour", "Capacity Block 料金", "Capacity Block price", "USD",
              _block_usd_per_hour, None, "lower"),
)
# fmt: on

BY_KEY: dict[str, Attribute] = {attribute.key: attribute for attribute in ATTRIBUTES}
