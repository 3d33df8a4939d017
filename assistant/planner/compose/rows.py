"""Rows of instance tables: the lines that matter to ML teams, some with several attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.planner.compose.phrases import Phrases, fraction, number
from knowledge.ec2.schema import Gpu, NotOffered
from tools.attributes import BY_KEY
from tools.profiles import InstanceProfile

Cell = Callable[[Phrases, InstanceProfile], str | None]
"""Returns the cell of one instance type; None if the row does not apply to it."""


def what(say: Phrases, item: InstanceProfile) -> str:
    """Return the GPU (or accelerator, or CPU) of an instance type in a few words."""
    gpu, neuron = item.type.gpu, item.type.neuron
    if gpu and gpu.partition < 1:
        return say("gpu_slice", gpu=gpu.gpu, fraction=fraction(gpu.partition))
    if gpu:
        return say("gpu_cell", gpu=gpu.gpu, count=gpu.devices)
    if neuron:
        return say("gpu_cell", gpu=neuron.model, count=neuron.devices)
    return say("gpu_none")


def gpu_memory(say: Phrases, gpu: Gpu) -> str:
    """Return a GPU's memory as the data sheet and as the API give it."""
    return say("memory_api", gb=gpu.memory_gb, gib=number(gpu.memory_gib))


def _gpu(say: Phrases, item: InstanceProfile) -> str | None:
    if item.type.gpu is None and item.type.neuron is None:
        return say("none")
    architecture = item.gpu.architecture if item.gpu else ""
    suffix = f"({architecture})" if say.language == "ja" else f" ({architecture})"
    return what(say, item) + (suffix if architecture else "")


def _memory(say: Phrases, item: InstanceProfile) -> str | None:
    if item.type.gpu is None or item.gpu is None:
        return None
    if item.type.gpu.partition < 1:
        return f"{number(item.type.gpu.memory_gib)} GiB"
    return gpu_memory(say, item.gpu)


def _network(say: Phrases, item: InstanceProfile) -> str | None:
    network = item.type.network
    if network.peak_gbps is None:
        return network.text
    text = f"{number(network.peak_gbps)} Gbps"
    if network.baseline_gbps is not None and network.baseline_gbps < network.peak_gbps:
        text = say("up_to", value=text) + say(
            "baseline", value=f"{number(network.baseline_gbps)} Gbps"
        )
    efa = network.efa_interfaces
    return text + (say("with_efa", count=efa) if efa else say("without_efa"))


def plain(key: str) -> Cell:
    """Return a cell of one attribute; beside a slice of a GPU, the GPU's own figure is marked."""
    attribute = BY_KEY[key]

    def cell(say: Phrases, item: InstanceProfile) -> str | None:
        value = attribute.of(item)
        if value is None:
            return None
        sliced = (
            attribute.gpu is not None and item.type.gpu is not None and item.type.gpu.partition < 1
        )
        return say.value(attribute, value) + (say("whole_gpu") if sliced else "")

    return cell


def _flags(say: Phrases, item: InstanceProfile) -> str | None:
    gpu = item.gpu
    if gpu is None:
        return None
    return " / ".join(
        say("yes" if flag else "no") for flag in (gpu.bf16, gpu.fp8, gpu.flash_attention_2)
    )


def _size(say: Phrases, item: InstanceProfile) -> str | None:
    return f"{item.type.vcpus} vCPU / {number(item.type.memory_gib)} GiB"


def _total(say: Phrases, item: InstanceProfile) -> str | None:
    attachment = item.type.gpu
    if attachment is None or item.gpu is None or attachment.devices == 1:
        return None
    return f"{number(item.gpu.memory_gb * attachment.devices)} GB"


def _cpu(say: Phrases, item: InstanceProfile) -> str | None:
    model = (item.family and item.family.cpu_model) or item.type.cpu_maker
    return f"{model}、{item.type.arch}" if say.language == "ja" else f"{model}, {item.type.arch}"


def _nvlink(say: Phrases, item: InstanceProfile) -> str | None:
    if item.gpu is None or item.type.gpu is None or item.type.gpu.devices == 1:
        return None
    return say.value("nvlink_gb_s", item.gpu.nvlink_gb_s)


def _spot(say: Phrases, item: InstanceProfile) -> str | None:
    quote = item.quote("spot")
    if quote is None or quote.usd_per_hour is None:
        return None
    return say.price(quote)


def _capacity(say: Phrases, item: InstanceProfile) -> str | None:
    quote = item.quote("capacity-block")
    if quote is None or isinstance(quote.purchase, NotOffered):
        return None
    return say.price(quote)


LABELS: dict[str, tuple[str, str]] = {
    "gpu": ("GPU", "GPU"),
    "gpu_memory": ("GPU メモリ(1 基)", "GPU memory (each)"),
    "gpu_total": ("GPU メモリ合計", "total GPU memory"),
    "flags": ("bf16 / FP8 / FlashAttention-2", "bf16 / FP8 / FlashAttention-2"),
    "size": ("vCPU / メモリ", "vCPUs / memory"),
    "cpu": ("CPU", "CPU"),
    "network": ("ネットワーク", "network"),
    "nvlink": ("NVLink(GPU あたり双方向)", "NVLink (per GPU, bidirectional)"),
}
SUMMARY: tuple[tuple[str, Cell], ...] = (
    ("gpu", _gpu),
    ("gpu_memory", _memory),
    ("gpu_total", _total),
    ("memory_bandwidth_gb_s", plain("memory_bandwidth_gb_s")),
    ("tflops_bf16", plain("tflops_bf16")),
    ("flags", _flags),
    ("nvlink", _nvlink),
    ("size", _size),
    ("cpu", _cpu),
    ("network", _network),
    ("ebs_gbps", plain("ebs_gbps")),
    ("nvme_gb", plain("nvme_gb")),
)
"""Rows of a description or comparison, in reading order; prices follow."""


def label(say: Phrases, key: str) -> str:
    """Return the label of a row."""
    if key in LABELS:
        return LABELS[key][0 if say.language == "ja" else 1]
    return say.label(key)


ALWAYS = ("gpu", "gpu_memory", "size", "network")
"""Rows that stay in a comparison even where all columns agree."""


def summary_rows(
    say: Phrases, items: Sequence[InstanceProfile], region: str
) -> list[tuple[str, list[str]]]:
    """Return (label, cells) of every row that applies to at least one of the items."""
    rows = [(label(say, key), [cell(say, item) for item in items]) for key, cell in SUMMARY]
    return _filled([*rows, *_price_rows(say, items, region)])


def differing_rows(
    say: Phrases, items: Sequence[InstanceProfile], region: str
) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Return the rows that differ (or always count), and the labels of the others."""
    rows: list[tuple[str, list[str | None]]] = []
    same: list[str] = []
    for key, cell in SUMMARY:
        cells = [cell(say, item) for item in items]
        if key in ALWAYS or len(set(cells)) > 1:
            rows.append((label(say, key), cells))
        elif any(cells):
            same.append(label(say, key).split("(")[0].strip())
    return _filled([*rows, *_price_rows(say, items, region)]), same


def _price_rows(
    say: Phrases, items: Sequence[InstanceProfile], region: str
) -> list[tuple[str, list[str | None]]]:
    place = say.region(region)
    rows: list[tuple[str, list[str | None]]] = []
    rows.append((say("on_demand_in", region=place), [say.price(item.quote()) for item in items]))
    rows.append((say("spot_in", region=place), [_spot(say, item) for item in items]))
    rows.append((say("capacity_in", region=place), [_capacity(say, item) for item in items]))
    return rows


def _filled(rows: Sequence[tuple[str, Sequence[str | None]]]) -> list[tuple[str, list[str]]]:
    return [(name, [cell or "—" for cell in cells]) for name, cells in rows if any(cells)]
