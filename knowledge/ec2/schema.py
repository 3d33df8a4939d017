"""The catalogue's data model: instance types, GPUs, families, purchase terms and their sources.

Units are in the field names. Memory from the EC2 API is in MiB (converted to GiB by properties);
what data sheets call "24 GB" is kept beside it as `memory_gb`, because the two differ.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Series = Literal["C", "P", "G", "Inf", "Trn"]
Arch = Literal["x86_64", "arm64"]
CpuMaker = Literal["Intel", "AMD", "AWS", "NVIDIA"]
UsageClass = Literal["on-demand", "spot", "capacity-block"]
Term = Literal[
    "on-demand",
    "spot",
    "capacity-block",
    "reserved-1y-no-upfront",
    "reserved-1y-partial-upfront",
    "reserved-1y-all-upfront",
    "reserved-3y-no-upfront",
    "reserved-3y-partial-upfront",
    "reserved-3y-all-upfront",
    "ec2-savings-plan-1y-no-upfront",
    "ec2-savings-plan-1y-partial-upfront",
    "ec2-savings-plan-1y-all-upfront",
    "ec2-savings-plan-3y-no-upfront",
    "ec2-savings-plan-3y-partial-upfront",
    "ec2-savings-plan-3y-all-upfront",
    "compute-savings-plan-1y-no-upfront",
    "compute-savings-plan-1y-partial-upfront",
    "compute-savings-plan-1y-all-upfront",
    "compute-savings-plan-3y-no-upfront",
    "compute-savings-plan-3y-partial-upfront",
    "compute-savings-plan-3y-all-upfront",
]
Precision = Literal["fp32", "tf32", "fp16", "bf16", "fp8"]

MIB_PER_GIB = 1024


class Record(BaseModel):
    """Base of all catalogue records: immutable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Record):
    """Where a group of figures comes from."""

    id: str
    title: str
    title_en: str
    url: str | None = None
    as_of: date
    """Day on which the figures were true, as far as the source tells."""
    estimated: bool = False
    """True if the figures were computed from other prices: answers then say 推定."""


class Gpu(Record):
    """Facts of one whole GPU, as its maker and the EC2 API give them. TFLOPS are dense."""

    key: str
    """Our unique name: the model, with the memory size where a model has two (`A100-40GB`)."""
    model: str
    """The name that the EC2 API gives (`A100`)."""
    maker: Literal["NVIDIA", "AMD"]
    architecture: str
    compute_capability: str | None
    memory_gb: int
    """Memory on the data sheet, in GB."""
    memory_mib: int
    """Memory that the EC2 API reports for one whole GPU, in MiB."""
    usable_gib: float | None
    """What CUDA offers to a process on an idle GPU, in GiB (lowest value seen)."""
    memory_type: str | None
    memory_bandwidth_gb_s: int | None
    tflops: dict[Precision, float]
    """Dense peak by precision; a missing key means not supported, or not published."""
    bf16: bool
    fp8: bool
    flash_attention_2: bool
    nvlink_generation: int | None
    nvlink_gb_s: int | None
    """NVLink bandwidth per GPU, both directions together, in GB/s; None if there is none."""
    host_link: str | None
    source: str
    note: str | None = None
    note_en: str | None = None

    @property
    def memory_gib(self) -> float:
        """Memory that the EC2 API reports for one whole GPU, in GiB."""
        return self.memory_mib / MIB_PER_GIB


class GpuAttachment(Record):
    """The GPUs of an instance type."""

    gpu: str
    """Key of the `Gpu`."""
    devices: int = Field(ge=1)
    """Logical GPUs that the operating system sees (API LogicalGpuCount)."""
    partition: float = Field(gt=0, le=1)
    """Share of a physical GPU behind each logical one; 1 for whole GPUs."""
    memory_mib: int = Field(gt=0)
    """Memory of each logical GPU, in MiB."""

    @property
    def count(self) -> float:
        """GPUs in units of a whole GPU: 8, or 0.125 for an eighth."""
        return self.devices * self.partition

    @property
    def memory_gib(self) -> float:
        """Memory of each logical GPU, in GiB."""
        return self.memory_mib / MIB_PER_GIB

    @property
    def memory_total_gib(self) -> float:
        """Memory of all logical GPUs together, in GiB."""
        return self.devices * self.memory_gib


class NeuronAttachment(Record):
    """The AWS Inferentia or Trainium devices of an instance type."""

    model: str
    devices: int
    cores_each: int
    memory_mib: int | None
    """Memory of each device, in MiB; None where the API's figure is not plausible."""


class Network(Record):
    """Network performance of an instance type."""

    text: str
    """What the API says, for example `Up to 10 Gigabit`."""
    baseline_gbps: float | None
    peak_gbps: float | None
    cards: int
    efa_interfaces: int
    """Maximum number of EFA interfaces; 0 without EFA."""


class Ebs(Record):
    """EBS bandwidth of an instance type, in Mbit/s."""

    baseline_mbps: int | None
    maximum_mbps: int | None


class InstanceStore(Record):
    """Local NVMe disks of an instance type."""

    total_gb: int
    disks: int


class InstanceType(Record):
    """One EC2 instance type as DescribeInstanceTypes gives it, plus the regions that offer it."""

    name: str
    family: str
    series: Series
    generation: int
    size: str
    vcpus: int
    cores: int
    threads_per_core: int
    memory_mib: int
    arch: Arch
    cpu_maker: CpuMaker
    clock_ghz: float | None
    """Sustained clock speed in GHz."""
    bare_metal: bool
    current_generation: bool
    hypervisor: str | None
    gpu: GpuAttachment | None
    neuron: NeuronAttachment | None = None
    network: Network
    ebs: Ebs
    instance_store: InstanceStore | None
    usage_classes: tuple[UsageClass, ...]
    regions: tuple[str, ...]
    """Regions that offer the type; empty for a type that is no longer listed."""
    listed: bool
    """False if DescribeInstanceTypes no longer returns the type."""
    source: str
    """Source id of the specification."""

    @property
    def memory_gib(self) -> float:
        """Memory in GiB."""
        return self.memory_mib / MIB_PER_GIB


class Family(Record):
    """Facts that hold for a whole family and that the API does not give."""

    key: str
    cpu_model: str | None = None
    """Processor in the maker's words; None where AWS does not say."""
    good_for: str
    """What an ML team uses it for, as a Japanese noun phrase."""
    good_for_en: str
    caution: str | None = None
    """A limit that changes decisions, as one Japanese sentence."""
    caution_en: str | None = None
    source: str


class Price(Record):
    """A price per hour in USD, before tax: Linux, shared tenancy, one instance."""

    status: Literal["price"] = "price"
    usd_per_hour: Decimal = Field(gt=0)
    source: str


class NotOffered(Record):
    """AWS does not sell the type this way in the region."""

    status: Literal["not_offered"] = "not_offered"
    source: str
    """What says so."""
    last_known: Price | None = None
    """Price from before the type was withdrawn."""


class Unknown(Record):
    """The type is sold this way, but the catalogue has no price."""

    status: Literal["unknown"] = "unknown"


Purchase = Annotated[Price | NotOffered | Unknown, Field(discriminator="status")]


class SpotAdvice(Record):
    """Spot instance advisor: savings over on-demand and how often instances are interrupted."""

    savings_percent: int
    interruption: str
    """Band of the monthly interruption rate, for example `5-10%`."""


class Region(Record):
    """An AWS region."""

    code: str
    name: str
    """Japanese name, as people say it."""
    name_en: str


class Manifest(Record):
    """Dates, counts and hashes of a snapshot's files."""

    schema_version: Literal[1] = 1
    created: date
    counts: dict[str, int]
    sha256: dict[str, str]
