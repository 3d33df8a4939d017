"""Machines: the GPU instance types that can run a job, with usable memory and price.

Sizes of a family that carry the same GPUs differ in host memory, vCPUs and price alone. A search
looks at each group of them once (`shape`), and takes the cheapest member with enough host memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu, InstanceType, NotOffered, Term
from tools.cost.nearby import nearest_first
from tools.errors import NoGpuError
from tools.names import Names
from tools.profiles import Quote, profiler
from tools.sizing.models import Placement

MIN_CAPABILITY = 7.0
"""Volta: older GPUs have no tensor cores, and current PyTorch builds do not run on them."""
RECOMMENDED_CAPABILITY = 7.5
"""Turing: the default PyTorch wheels and vLLM have no kernels for older GPUs."""
COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Numbers of instances that a search tries."""
NODE_GPUS = 4
"""Fewer GPUs in an instance, and several instances make no sense: a larger size is cheaper."""
_UNPRICED = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance type with GPUs, as sold in a region under a term."""

    item: InstanceType
    gpu: Gpu
    usable_gib: float
    """What CUDA offers on each (part of a) GPU."""
    quote: Quote

    @property
    def name(self) -> str:
        """The instance type."""
        return self.item.name

    @property
    def devices(self) -> int:
        """GPUs that the operating system sees."""
        return self.item.gpu.devices if self.item.gpu else 0

    @property
    def partition(self) -> float:
        """Share of a physical GPU behind each."""
        return self.item.gpu.partition if self.item.gpu else 1.0

    @property
    def shape(self) -> tuple[str, int, float]:
        """What decides about GPU memory: types of one shape differ in the host alone."""
        return self.gpu.key, self.devices, self.partition

    @property
    def host_gib(self) -> float:
        """Memory of the host."""
        return self.item.memory_gib

    @property
    def nvme_gb(self) -> float:
        """Local NVMe."""
        return float(self.item.instance_store.total_gb) if self.item.instance_store else 0.0

    @property
    def efa(self) -> bool:
        """Whether it has EFA."""
        return self.item.network.efa_interfaces > 0

    @property
    def clusters(self) -> bool:
        """Whether training over several of it is sensible."""
        return self.devices >= NODE_GPUS and self.efa and self.partition == 1

    @property
    def usd_per_hour(self) -> Decimal | None:
        """Price of one, if the catalogue has it."""
        return self.quote.usd_per_hour

    @property
    def order(self) -> tuple[Decimal, float, int, str]:
        """Cheapest first; unpriced types last, by host memory."""
        usd = self.usd_per_hour
        priced = usd if usd is not None else _UNPRICED
        return priced, self.item.memory_gib, self.item.vcpus, self.item.name

    def placement(self, count: int, gpus: int | None = None) -> Placement:
        """Return `count` of this machine as a placement; `gpus` where not all are used."""
        return Placement(
            instance=self.item,
            gpu=self.gpu,
            instances=count,
            gpus=gpus or self.devices * count,
            quote=self.quote,
            efa=count > 1 and self.efa,
        )


@dataclass(frozen=True, slots=True)
class Named:
    """What a name means: the machines to choose from, and what was written."""

    machines: tuple[Machine, ...]
    kind: str
    """instance, family or gpu."""


@lru_cache(maxsize=32)
def machines(catalogue: Catalogue, region: str, term: Term) -> tuple[Machine, ...]:
    """Return the machines worth recommending that a region offers under a term, cheapest first.

    GPUs that the default wheels have no kernels for (V100, and the T4g on its Arm host) are left
    out; a plan for one of them can be asked for by name.
    """
    found = (
        build_machine(catalogue, item, region, term)
        for item in catalogue.types.values()
        if item.listed and item.gpu and not item.bare_metal and item.arch == "x86_64"
    )
    offered = [
        machine
        for machine in found
        if machine
        and not isinstance(machine.quote.purchase, NotOffered)
        and float(machine.gpu.compute_capability or 0) >= RECOMMENDED_CAPABILITY
    ]
    return tuple(sorted(offered, key=lambda machine: machine.order))


def build_machine(
    catalogue: Catalogue, item: InstanceType, region: str, term: Term
) -> Machine | None:
    """Return a type as a machine; None without a GPU that current frameworks run on."""
    gpu = catalogue.gpu_of(item)
    if gpu is None or item.gpu is None or gpu.usable_gib is None or gpu.maker != "NVIDIA":
        return None
    if float(gpu.compute_capability or 0) < MIN_CAPABILITY:
        return None
    share = item.gpu.memory_mib / gpu.memory_mib
    quote = profiler(catalogue, region).quote(item.name, region, term)
    return Machine(item, gpu, gpu.usable_gib * share, quote)


def named_machines(catalogue: Catalogue, name: str, region: str, term: Term) -> Named:
    """Return the machines that a name means, offered or not. Raises ToolInputError."""
    subjects = Names(catalogue).resolve(name)
    kind = subjects[0].kind
    keys = {subject.key for subject in subjects}
    items = [
        item
        for item in catalogue.types.values()
        if (kind == "instance" and item.name in keys)
        or (kind == "family" and item.family in keys and item.listed)
        or (kind == "gpu" and item.gpu and item.gpu.gpu in keys and item.listed)
        or (kind == "series" and item.series in keys and item.listed)
    ]
    built = [m for item in items if (m := build_machine(catalogue, item, region, term))]
    if not built:
        raise NoGpuError(
            f"{name} には学習・推論に使える NVIDIA GPU(Volta 以降)がありません",
            f"{name} has no NVIDIA GPU (Volta or later) to train or serve on",
        )
    if kind == "gpu":
        whole = [machine for machine in built if machine.partition == 1]
        built = whole or built
    return Named(tuple(sorted(built, key=lambda machine: machine.order)), kind)


def offered_machines(named: Named) -> tuple[Machine, ...]:
    """Return the machines that the region offers."""
    return tuple(m for m in named.machines if not isinstance(m.quote.purchase, NotOffered))


def nearest_seller(catalogue: Catalogue, named: Named, region: str) -> str | None:
    """Return the nearest region that offers one of the machines; None if none does."""
    regions = {code for machine in named.machines for code in machine.item.regions}
    return next(iter(nearest_first(region, regions - {region})), None)


def groups(found: tuple[Machine, ...]) -> list[tuple[Machine, ...]]:
    """Return the machines by shape, each group cheapest first."""
    grouped: dict[tuple[str, int, float], list[Machine]] = {}
    for machine in found:
        grouped.setdefault(machine.shape, []).append(machine)
    return [tuple(members) for members in grouped.values()]


def with_host(members: tuple[Machine, ...], host_gib: float, nvme_gb: float) -> Machine | None:
    """Return the cheapest member whose host holds what is needed there."""
    return next((m for m in members if m.host_gib >= host_gib and m.nvme_gb >= nvme_gb), None)
