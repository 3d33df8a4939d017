"""Choose the instance type of a line: a named one, a family's usual size, a GPU's cheapest host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

from knowledge.ec2.catalogue import Catalogue, size_order
from knowledge.ec2.schema import InstanceType, Price
from tools.cost.models import UsageLine
from tools.cost.usage import Assumption
from tools.errors import ToolInputError
from tools.names import Names, Subject

SAGEMAKER = "ml."
_UNPRICED = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Choice:
    """An instance type and how many of it."""

    item: InstanceType
    count: int
    sagemaker: bool = False
    assumptions: list[Assumption] = field(default_factory=list[Assumption])


def choose(catalogue: Catalogue, line: UsageLine, region: str) -> Choice:
    """Return what a line's name means. Raises ToolInputError for a name that is too wide."""
    word = line.name.strip().lower()
    sagemaker = word.startswith(SAGEMAKER)
    subjects = Names(catalogue).resolve(word[len(SAGEMAKER) :] if sagemaker else line.name)
    kinds = {subject.kind for subject in subjects}
    if kinds == {"instance"}:
        return Choice(catalogue.types[subjects[0].key], line.count, sagemaker)
    if kinds == {"gpu"}:
        return _host(catalogue, line, region, {subject.key for subject in subjects})
    if kinds == {"family"}:
        return _usual_size(catalogue, line, subjects)
    raise ToolInputError(
        f"「{line.name}」は範囲が広く、料金を計算できません。"
        "g5.xlarge のようにサイズまで指定してください。",
        f"{line.name!r} is too wide for a cost; name a size such as g5.xlarge.",
    )


def _usual_size(catalogue: Catalogue, line: UsageLine, subjects: Sequence[Subject]) -> Choice:
    """Return a family's xlarge, or its smallest virtual size where there is none."""
    members = [item for subject in subjects for item in catalogue.families[subject.key]]
    virtual = [item for item in members if item.listed and not item.bare_metal] or members
    item = min(virtual, key=lambda item: (item.size != "xlarge", *size_order(item)))
    values = {"asked": line.name, "name": item.name}
    notes = [Assumption(code="family_size", values=values)] if len(members) > 1 else []
    return Choice(item, line.count, assumptions=notes)


def _host(catalogue: Catalogue, line: UsageLine, region: str, keys: set[str]) -> Choice:
    """Return the cheapest way to get the GPUs: in the region if it is sold there, else anywhere."""
    wanted = (line.gpus or 1) * line.count
    hosts = [
        item
        for item in catalogue.types.values()
        if item.gpu and item.gpu.gpu in keys and item.gpu.partition == 1 and item.listed
    ]
    if not hosts:
        raise ToolInputError(
            f"{line.name} を積むインスタンスは現在提供されていないため、料金を計算できません。",
            f"No instance that is offered now has the {line.name}, so there is no cost.",
        )
    here = [item for item in hosts if region in item.regions] or hosts
    item = min(here, key=lambda item: _host_order(catalogue, item, region, line, wanted))
    count = _machines(item, wanted)
    values = {
        "gpu": item.gpu.gpu if item.gpu else "",
        "gpus": str(wanted),
        "name": item.name,
        "count": str(count),
        "each": str(item.gpu.devices if item.gpu else 0),
    }
    code = "gpu_host" if line.gpus else "gpu_one"
    return Choice(item, count, assumptions=[Assumption(code=code, values=values)])


def _host_order(
    catalogue: Catalogue, item: InstanceType, region: str, line: UsageLine, wanted: int
) -> tuple[Decimal, int, str]:
    purchase = catalogue.purchase(item.name, region, line.term)
    count = _machines(item, wanted)
    price = purchase.usd_per_hour * count if isinstance(purchase, Price) else _UNPRICED
    return (price, count, item.name)


def _machines(item: InstanceType, gpus: int) -> int:
    return ceil(gpus / item.gpu.devices) if item.gpu else 1
