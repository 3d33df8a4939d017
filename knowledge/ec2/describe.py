"""Turn DescribeInstanceTypes replies into catalogue records.

In: one item of the API's `InstanceTypes` list. Out: an `InstanceType` without regions, which come
from DescribeInstanceTypeOfferings. Prices are not covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from knowledge.ec2.schema import (
    Ebs,
    Gpu,
    GpuAttachment,
    InstanceStore,
    InstanceType,
    Network,
    NeuronAttachment,
    Series,
)

ApiItem = Mapping[str, Any]

OLDEST_GENERATION: dict[Series, int] = {"C": 4, "P": 2, "G": 3, "Inf": 1, "Trn": 1}
"""Generations before these (c1, c3, g2) are history and stay out of the catalogue."""

USAGE_CLASSES = ("on-demand", "spot", "capacity-block")

MAX_NEURON_DEVICE_MIB = 256 * 1024
"""Above the memory of any accelerator there is: the API gives 512 GiB for each Trainium2."""

_SERIES: dict[str, Series] = {
    "c": "C",
    "p": "P",
    "g": "G",
    "gr": "G",
    "inf": "Inf",
    "trn": "Trn",
}
_FAMILY = re.compile(r"([a-z]+)(\d+)")
_TOTAL = re.compile(r"(Up to )?(?:(\d+)x )?([\d.]+) Gigabit")


def series_of(name: str) -> Series | None:
    """Return the series of an instance type name, or None if the catalogue does not cover it."""
    match = _FAMILY.match(name)
    series = _SERIES.get(match[1]) if match else None
    if match is None or series is None or int(match[2]) < OLDEST_GENERATION[series]:
        return None
    return series


def parse_instance_type(item: ApiItem, gpus: Iterable[Gpu], source: str) -> InstanceType:
    """Return the record of one API item. Raises KeyError or ValueError for an unknown shape."""
    name: str = item["InstanceType"]
    series = series_of(name)
    if series is None:
        raise ValueError(f"{name} is outside the series of the catalogue")
    return InstanceType(
        **_identity(name, series),
        **_processor(item),
        memory_mib=item["MemoryInfo"]["SizeInMiB"],
        bare_metal=item["BareMetal"],
        current_generation=item["CurrentGeneration"],
        hypervisor=item.get("Hypervisor"),
        gpu=_gpu(item, gpus),
        neuron=_neuron(item),
        network=_network(item["NetworkInfo"]),
        ebs=_ebs(item),
        instance_store=_instance_store(item),
        usage_classes=_usage_classes(item),
        regions=(),
        listed=True,
        source=source,
    )


def _identity(name: str, series: Series) -> dict[str, Any]:
    family, _, size = name.partition(".")
    match = _FAMILY.match(family)
    assert match is not None  # series_of has matched the name
    return {
        "name": name,
        "family": family,
        "series": series,
        "generation": int(match[2]),
        "size": size,
    }


def _processor(item: ApiItem) -> dict[str, Any]:
    cpu, processor = item["VCpuInfo"], item["ProcessorInfo"]
    threads = cpu.get("DefaultThreadsPerCore") or 1
    supported = processor["SupportedArchitectures"]
    return {
        "vcpus": cpu["DefaultVCpus"],
        "cores": cpu.get("DefaultCores") or cpu["DefaultVCpus"] // threads,
        "threads_per_core": threads,
        "arch": next(arch for arch in ("x86_64", "arm64") if arch in supported),
        "cpu_maker": processor["Manufacturer"],
        "clock_ghz": processor.get("SustainedClockSpeedInGhz"),
    }


def _usage_classes(item: ApiItem) -> tuple[Any, ...]:
    supported = item["SupportedUsageClasses"]
    return tuple(usage for usage in USAGE_CLASSES if usage in supported)


# -- accelerators ------------------------------------------------------------------------------


def _gpu(item: ApiItem, gpus: Iterable[Gpu]) -> GpuAttachment | None:
    """Return the GPUs of a type. An API Count of 0 is intended: it means a part of one GPU."""
    attached = item.get("GpuInfo", {}).get("Gpus", [])
    if not attached:
        return None
    gpu = attached[0]
    partition: float = gpu.get("GpuPartitionSize") or 1.0
    memory: int = gpu["MemoryInfo"]["SizeInMiB"]
    return GpuAttachment(
        gpu=gpu_key(gpu["Name"], round(memory / partition), gpus),
        devices=gpu.get("LogicalGpuCount") or gpu["Count"],
        partition=partition,
        memory_mib=memory,
    )


def gpu_key(model: str, whole_memory_mib: int, gpus: Iterable[Gpu]) -> str:
    """Return the catalogue's key of a GPU model with this memory; a new GPU gets the API's name."""
    same_model = [gpu for gpu in gpus if gpu.model == model]
    for gpu in same_model:
        # A slice's memory is rounded down to a MiB, so eight of them miss the whole a little.
        if abs(gpu.memory_mib - whole_memory_mib) <= 0.01 * gpu.memory_mib:
            return gpu.key
    return f"{model}-{whole_memory_mib // 1024}GiB" if same_model else model


def _neuron(item: ApiItem) -> NeuronAttachment | None:
    devices = item.get("NeuronInfo", {}).get("NeuronDevices", [])
    if not devices:
        return None
    device = devices[0]
    memory: int | None = device.get("MemoryInfo", {}).get("SizeInMiB")
    return NeuronAttachment(
        model=device["Name"],
        devices=device["Count"],
        cores_each=device["CoreInfo"]["Count"],
        memory_mib=memory if memory and memory <= MAX_NEURON_DEVICE_MIB else None,
    )


# -- network and storage -----------------------------------------------------------------------


def _network(info: ApiItem) -> Network:
    text: str = info["NetworkPerformance"]
    cards: list[ApiItem] = info.get("NetworkCards", [])
    baseline, peak = network_gbps(
        text,
        baseline=_card_sum(cards, "BaselineBandwidthInGbps"),
        peak=_card_sum(cards, "PeakBandwidthInGbps"),
    )
    return Network(
        text=text,
        baseline_gbps=baseline,
        peak_gbps=peak,
        cards=info.get("MaximumNetworkCards") or len(cards) or 1,
        efa_interfaces=info.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
    )


def _card_sum(cards: list[ApiItem], field: str) -> float | None:
    values = [card[field] for card in cards if card.get(field) is not None]
    return round(sum(values), 3) if values else None


def network_gbps(
    text: str, *, baseline: float | None, peak: float | None
) -> tuple[float | None, float | None]:
    """Return baseline and peak Gbit/s from the API's text and the sums over its network cards.

    The card sums are finer, but for some types they contradict the text (1600 against
    `3200 Gigabit` on p6-b200). AWS documents the text, so where it names a total (`N Gigabit`,
    `N x M Gigabit`) that differs from the cards' peak, the text wins.
    """
    match = _TOTAL.fullmatch(text)
    if match is None:
        return baseline, peak
    total = int(match[2] or 1) * float(match[3])
    # The text cuts 133.333 to 133.33.
    if peak is not None and abs(peak - total) <= 0.005 * total:
        return baseline, peak
    if match[1]:
        return (None if baseline is None else min(baseline, total)), total
    return total, total


def _ebs(item: ApiItem) -> Ebs:
    info = item.get("EbsInfo", {}).get("EbsOptimizedInfo", {})
    return Ebs(
        baseline_mbps=info.get("BaselineBandwidthInMbps"),
        maximum_mbps=info.get("MaximumBandwidthInMbps"),
    )


def _instance_store(item: ApiItem) -> InstanceStore | None:
    info = item.get("InstanceStorageInfo")
    if not info:
        return None
    disks = sum(disk["Count"] for disk in info["Disks"])
    return InstanceStore(total_gb=info["TotalSizeInGB"], disks=disks)
