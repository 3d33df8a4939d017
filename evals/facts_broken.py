"""Break one fact of the product on purpose: in a catalogue, in a formula or in the glossary."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu, InstanceType

FACTOR = Decimal("1.1")
"""A wrong price or rate: as far off as a typing error, and further than any rounding."""

FORMULAS: tuple[tuple[str, str, Any], ...] = (
    ("tools.cost.usage", "HOURS_PER_MONTH", 720),
    ("knowledge.ec2.schema", "MIB_PER_GIB", 1000),
)
"""Constants of formulas: module, name, wrong value."""


@dataclass(frozen=True, slots=True, order=True)
class FactName:
    """A fact as `Answer.figures` names its source: `g5.xlarge:usd_per_hour:on-demand@us-east-1`."""

    subject: str
    attribute: str
    region: str = ""

    @classmethod
    def parse(cls, source: str) -> FactName:
        """Return the fact of a figure's source."""
        name, _, region = source.partition("@")
        subject, _, attribute = name.partition(":")
        return cls(subject, attribute, region)

    def __str__(self) -> str:
        """Return the source it was parsed from."""
        return f"{self.subject}:{self.attribute}" + (f"@{self.region}" if self.region else "")


def broken(fact: FactName) -> Catalogue | None:
    """Return a catalogue in which only this fact is wrong; None if it cannot be broken alone."""
    catalogue = Catalogue()
    if fact.attribute.startswith("usd_per_hour:"):
        return _with_price(catalogue, fact)
    if fact.subject in catalogue.types and fact.attribute in _TYPE_CHANGES:
        item = catalogue.types[fact.subject]
        changed = _TYPE_CHANGES[fact.attribute](item)
        if changed is None:
            return None
        catalogue.__dict__["types"] = catalogue.types | {fact.subject: changed}
        return catalogue
    if fact.subject in catalogue.gpus:
        changed_gpu = _changed_gpu(catalogue.gpus[fact.subject], fact.attribute)
        if changed_gpu:
            catalogue.__dict__["gpus"] = catalogue.gpus | {fact.subject: changed_gpu}
            return catalogue
    return None


def _with_price(catalogue: Catalogue, fact: FactName) -> Catalogue | None:
    term: Any = fact.attribute.partition(":")[2]
    rows = catalogue.prices_file.prices.get(term, {}).get(fact.region, {})
    if fact.subject not in rows:
        return None
    price, source = rows[fact.subject]
    prices = dict(catalogue.prices_file.prices)
    prices[term] = dict(prices[term]) | {
        fact.region: rows | {fact.subject: (price * FACTOR, source)}
    }
    catalogue.__dict__["prices_file"] = catalogue.prices_file.model_copy(update={"prices": prices})
    return catalogue


def _part(item: InstanceType, part: str, field: str, factor: float) -> InstanceType | None:
    record = getattr(item, part)
    value = getattr(record, field) if record else None
    if not value:
        return None
    wrong = type(value)(value * factor)
    return item.model_copy(update={part: record.model_copy(update={field: wrong})})


_TYPE_CHANGES: dict[str, Callable[[InstanceType], InstanceType | None]] = {
    "vcpus": lambda i: i.model_copy(update={"vcpus": i.vcpus * 2}),
    "cores": lambda i: i.model_copy(update={"cores": i.cores * 2}),
    "memory_gib": lambda i: i.model_copy(update={"memory_mib": i.memory_mib * 2}),
    "gpu_count": lambda i: _part(i, "gpu", "devices", 2),
    "network_gbps": lambda i: _part(i, "network", "peak_gbps", 2),
    "network_baseline_gbps": lambda i: _part(i, "network", "baseline_gbps", 2),
    "efa_interfaces": lambda i: _part(i, "network", "efa_interfaces", 2),
    "ebs_gbps": lambda i: _part(i, "ebs", "maximum_mbps", 2),
    "nvme_gb": lambda i: _part(i, "instance_store", "total_gb", 2),
}


def _changed_gpu(gpu: Gpu, attribute: str) -> Gpu | None:
    if attribute.startswith("tflops_"):
        precision: Any = attribute.removeprefix("tflops_")
        if precision not in gpu.tflops:
            return None
        tflops = gpu.tflops | {precision: gpu.tflops[precision] * 2}
        return gpu.model_copy(update={"tflops": tflops})
    fields = {
        "gpu_memory_gb": "memory_gb",
        "memory_bandwidth_gb_s": "memory_bandwidth_gb_s",
        "nvlink_gb_s": "nvlink_gb_s",
    }
    name = fields.get(attribute)
    value = getattr(gpu, name) if name else None
    return gpu.model_copy(update={name: value * 2}) if name and value else None


@contextmanager
def formula_broken(module: str, name: str, value: object) -> Generator[None]:
    """Give a constant a wrong value for a while."""
    found = importlib.import_module(module)
    right = getattr(found, name)
    setattr(found, name, type(right)(str(value)) if isinstance(right, Decimal) else value)
    try:
        yield
    finally:
        setattr(found, name, right)


def raised_figures(text: str) -> str:
    """Return a text of the glossary with every figure one higher."""
    return re.sub(r"(?<![\w.])\d+(?![\w.])", lambda match: str(int(match[0]) + 1), text)
