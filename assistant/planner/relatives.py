"""Searches that start from a machine: cheaper than it, with as much memory, its successors.

g5.xlargeより安くて同じGPUメモリのやつ -> GPU memory = 24 GB, price < that of g5.xlarge
V100の後継は?                          -> newer GPUs with at least its memory
その安いほうを月200時間                -> the winner of the search or comparison before
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from assistant.planner.mentions import Entities, Mention
from assistant.planner.quantities import Quantity
from assistant.planner.request import Request
from assistant.planner.route import filters
from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu, InstanceType, Price
from tools.errors import ToolInputError
from tools.instances import FindRequest, Operator, find
from tools.names import Subject

_SUCCESSOR = re.compile(
    r"後継|乗り換え|移行先|置き換え先|リプレース|successor|\breplac|migrate (?:from|to)"
)
_INSTEAD = re.compile(r"代わり|代替|alternative|instead")
_CHEAPER = re.compile(
    r"(?:より|もっと|もう少し|もうちょい|もうちょっと|少し)も?[^、。]{0,4}?(?:安|お得)|安い(?:代わり|代替)|cheaper"
)
_LOOKS = re.compile(
    r"やつ|もの|インスタンス|gpu(?:は|が|で|って|ある|ない|を|$)|(?:ある|ない|ありますか|ありません?か)$|どれ|何か|ほか|他|機種|マシン|方法|"
    r"\bany|what's|what is|which|something|instances?\b"
)
_SAME = re.compile(
    r"(?:同じ|同等|same)[^、。]{0,6}?(?P<what>vcpu|gpuメモリ|gpu memory|vram|メモリ|memory)"
)
_WINNER = re.compile(
    r"それ(?!ぞれ|以|と|で|だと)|そいつ|これ(?!ら|以|と)|安い(?:ほう|方)|(?:1番|一番)(?:上|安いの|いいの)|そのインスタンス|"
    r"\bit\b|that one|the (?:cheapest|cheaper|first|top) one|the winner"
)
_OTHERS = re.compile(
    r"一番小|一番大|最小|最大|やつ|ほか|他に|以外|次|番目|その中|うち|\bother\b|next"
)


@dataclass(frozen=True, slots=True)
class Relatives:
    """Machines of one catalogue, priced in one region unless the question names another."""

    catalogue: Catalogue
    region: str

    def resolve(self, found: Entities, context: Request | None) -> bool:
        """Put what a clause means relative to a machine into its entities.

        Returns whether the clause is about the winner of what was asked before.
        """
        if context and not found.mentions and (winner := self._winner(found, context)):
            found.mentions.append(Mention(0, "", (winner,)))
            return True
        text = found.text
        newer, instead = _SUCCESSOR.search(text), _INSTEAD.search(text)
        cheaper = _CHEAPER.search(text)
        if not (newer or instead or (cheaper and _LOOKS.search(text))):
            return False
        subjects = list(found.subjects) or (list(context.subjects) if context else [])
        kinds = {subject.kind for subject in subjects}
        if found.unknown or len({s.key.partition("-")[0] for s in subjects}) != 1:
            return False
        if kinds <= {"instance", "family", "gpu"} and (base := self._base(subjects)):
            self._search(found, base, subjects, newer=bool(newer), cheaper=bool(cheaper))
        return False

    def _base(self, subjects: Sequence[Subject]) -> InstanceType | None:
        """Return the type that stands for what is named: the smallest with the least memory."""
        first = subjects[0]
        if first.kind == "instance":
            return self.catalogue.types.get(first.key)
        keys = {subject.key for subject in subjects}
        members = [
            item
            for item in self.catalogue.types.values()
            if (item.gpu.gpu if first.kind == "gpu" and item.gpu else item.family) in keys
        ]
        return min(members, key=lambda item: (item.vcpus, item.memory_mib), default=None)

    def _search(
        self,
        found: Entities,
        base: InstanceType,
        subjects: Sequence[Subject],
        *,
        newer: bool,
        cheaper: bool,
    ) -> None:
        found.relative, found.mentions = True, []
        said = {quantity.attribute for quantity in found.quantities}
        found.quantities += [
            q for q in _alike(found.text, self.catalogue, base) if q.attribute not in said
        ]
        found.excluded += [Subject("family", base.family)]
        found.excluded += [subject for subject in subjects if subject.kind == "gpu"]
        if newer:
            found.excluded += self._older(base)
            found.filters += [] if base.gpu is None else [{"attribute": "bf16", "value": True}]
        price = self.catalogue.purchase(base.name, (found.regions or [self.region])[0])
        if cheaper and isinstance(price, Price):
            found.quantities.append(_quantity("usd_per_hour", "<", price.usd_per_hour, "USD"))

    def _older(self, base: InstanceType) -> list[Subject]:
        """Return the GPUs that do not succeed that of `base`; the families, for CPUs."""
        gpu = self.catalogue.gpus.get(base.gpu.gpu) if base.gpu else None
        if gpu is None:
            families = {item.family: item for item in self.catalogue.types.values()}.values()
            return [
                Subject("family", item.family)
                for item in families
                if item.generation <= base.generation or item.arch != base.arch
            ]
        return [
            Subject("gpu", key)
            for key, other in self.catalogue.gpus.items()
            if not _succeeds(other, gpu)
        ]

    def _winner(self, found: Entities, context: Request) -> Subject | None:
        """Return what `それ` means after a search or a comparison of prices."""
        asks = found.attributes or found.usage.lasts or found.usage.terms or found.regions
        scoped = found.quantities or found.filters or _OTHERS.search(found.text)
        if not asks or scoped or not _WINNER.search(found.text):
            return None
        region = (context.regions or (self.region,))[0]
        if context.intent == "compare":
            machines = [s for s in context.subjects if s.kind == "instance"]
            choice = re.search(r"安い(?:ほう|方)|cheaper one", found.text)
            priced = [(self.catalogue.purchase(s.key, region), s) for s in machines]
            offers = [(p.usd_per_hour, s) for p, s in priced if isinstance(p, Price)]
            return min(offers, key=lambda offer: offer[0])[1] if choice and offers else None
        if context.intent != "find":
            return None
        try:
            request = FindRequest.model_validate({"region": region} | filters(context, region))
            items = find(self.catalogue, request).items
        except ToolInputError:
            return None
        rank = (context.rank or 1) - 1
        return Subject("instance", items[rank].key) if rank < len(items) else None


def _succeeds(other: Gpu, gpu: Gpu) -> bool:
    """Whether a GPU is of a later architecture, or of the same with more memory."""
    mine, theirs = _capability(gpu), _capability(other)
    if other.memory_gb < gpu.memory_gb:
        return False
    return theirs > mine or (theirs == mine and other.memory_gb > gpu.memory_gb)


def _capability(gpu: Gpu) -> Decimal:
    return Decimal(gpu.compute_capability or 0)


def _alike(text: str, catalogue: Catalogue, base: InstanceType) -> list[Quantity]:
    """Return what a relative must have: what is said to be the same, else as much memory."""
    same = _SAME.search(text)
    gpu = catalogue.gpus.get(base.gpu.gpu) if base.gpu else None
    if same and same["what"] == "vcpu":
        return [_quantity("vcpus", "=", Decimal(base.vcpus), "vCPU")]
    if gpu and base.gpu:
        memory = gpu.memory_gb * Decimal(str(base.gpu.partition))
        return [_quantity("gpu_memory_gb", "=" if same else ">=", memory, "GB")]
    wanted = Decimal(str(base.memory_gib))
    vcpus = _quantity("vcpus", ">=", Decimal(base.vcpus), "vCPU")
    return [vcpus, _quantity("memory_gib", "=" if same else ">=", wanted, "GiB")]


def _quantity(attribute: str, op: Operator, value: Decimal, unit: str) -> Quantity:
    return Quantity(attribute, op, value, unit, "", explicit=op != "=")
