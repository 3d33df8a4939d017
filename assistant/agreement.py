"""Whether a fact supports a figure: subject, attribute, unit, region and value must all agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cache, lru_cache

from assistant import cost_lock, sizing_lock
from assistant.evidence import passages_of
from assistant.figures import FigureMention
from assistant.planner.vocabulary import any_of, table
from knowledge.ec2.catalogue import Catalogue
from tools.attributes import BY_KEY
from tools.cost import COST
from tools.facts import SEARCH, Fact, FactGroup, fact_groups
from tools.results import Result
from tools.sizing.figures import SIZE, model_names

MAX_RELATIVE_ERROR = Decimal("0.01")
_UNIT_FACTS: dict[str, tuple[str, ...]] = {
    "vCPUs": ("vcpus",),
    "vCPU": ("vcpus",),
    "コア": ("cores",),
    "cores": ("cores",),
    "スレッド": ("threads_per_core", "vcpus"),
    "threads": ("threads_per_core",),
    "本": ("efa_interfaces", "nvme_disks"),
    "EFA interfaces": ("efa_interfaces",),
    "サイズ": ("members",),
    "sizes": ("members",),
    "ファミリー": ("families",),
    "families": ("families",),
    "リージョン": ("regions",),
    "regions": ("regions",),
    "世代": ("generation", "nvlink_generation"),
    "件": ("total", "unpriced", "shown"),
    "instance types": ("total", "unpriced", "shown"),
    "個": ("neuron_devices", "gpu_count"),
    "枚": ("gpu_count",),
    "基": ("gpu_count",),
    "GPU": ("gpu_count",),
    "GPUs": ("gpu_count",),
    "×": ("gpu_count", "neuron_devices"),
    "%": ("spot_savings", "interruption"),
}
_CONVERSIONS: dict[str, tuple[tuple[str, Decimal], ...]] = {
    "GiB": (("GiB", Decimal(1)),),
    "TiB": (("GiB", Decimal(1024)),),
    "MiB": (("GiB", 1 / Decimal(1024)),),
    "GB": (("GB", Decimal(1)),),
    "TB": (("GB", Decimal(1000)),),
    "GB/s": (("GB/s", Decimal(1)),),
    "TB/s": (("GB/s", Decimal(1000)),),
    "Gbps": (("Gbps", Decimal(1)),),
    "Mbps": (("Gbps", Decimal("0.001")),),
    "Tbps": (("Gbps", Decimal(1000)),),
    "TFLOPS": (("TFLOPS", Decimal(1)),),
    "PFLOPS": (("TFLOPS", Decimal(1000)),),
    "GHz": (("GHz", Decimal(1)),),
    "USD": (("USD", Decimal(1)),),
    "ドル": (("USD", Decimal(1)),),
    "倍": (("倍", Decimal(1)),),
    "times": (("倍", Decimal(1)),),
}
_NAMELESS = (SEARCH, COST, SIZE)
_COUNTED = ("", "基", "個", "本", "件", "台", "vCPU", "コア", "GPU", "世代")
"""Units that a label may stand for: a bare `16` is no memory size."""
_PRICE_WORDS = {
    "spot": ("スポット", "spot"),
    "capacity-block": ("capacity block", "キャパシティ"),
    "on-demand": ("オンデマンド", "on-demand"),
}


class FactIndex:
    """The facts of a turn by subject, made when a subject is first asked for."""

    def __init__(self, results: Sequence[Result], earlier: Sequence[Result] = ()) -> None:
        """Index the subjects of this turn's results, and of earlier ones, newest first.

        Of totals without a name (an estimate, a search, a plan) only the newest speak: an older
        estimate's total is no fact about the newer one.
        """
        self._groups: dict[str, list[FactGroup]] = {}
        for result in results:
            for subject, groups in fact_groups(result).items():
                self._groups.setdefault(subject, []).extend(groups)
        for result in earlier:
            nameless = {subject for subject in _NAMELESS if subject in self._groups}
            for subject, groups in fact_groups(result).items():
                if subject not in nameless:
                    self._groups.setdefault(subject, []).extend(groups)
        results = (*results, *earlier)
        self._facts: dict[str, list[Fact]] = {}
        self.passages = passages_of(results)
        self.model_names = {name for result in results for name in model_names(result)}
        """Names of models (`Llama 3 8B`): their digits are no figures."""

    def __contains__(self, subject: str) -> bool:
        """Whether there are facts about the subject."""
        return subject in self._groups

    def __iter__(self) -> Iterator[str]:
        """Iterate over the subjects."""
        return iter(self._groups)

    def warm(self) -> None:
        """Make all facts now: while a model still thinks, that costs nobody time."""
        for subject in list(self._groups):
            self.about(subject)

    def about(self, subject: str) -> list[Fact]:
        """Return the subject's facts."""
        if subject not in self._facts:
            groups = self._groups.get(subject, ())
            self._facts[subject] = [fact for group in groups for fact in group()]
        return self._facts[subject]


_COST = cost_lock.PREFIX


def support(mention: FigureMention, facts: FactIndex, catalogue: Catalogue) -> Fact | None:
    """Return the fact behind a figure, if there is one."""
    regions = _regions(mention.label + mention.segment, catalogue)
    allowed = attributes_named(mention.label)
    subjects = mention.subjects
    if mention.foreign_unit:
        return None
    if mention.shared:
        of_all = [_first(mention, (s,), facts, catalogue, allowed, regions) for s in mention.shared]
        if all(of_all):
            return of_all[0]
        subjects = ()
    return _first(mention, (*subjects, SEARCH, COST, SIZE), facts, catalogue, allowed, regions)


def _first(
    mention: FigureMention,
    subjects: Iterable[str],
    facts: FactIndex,
    catalogue: Catalogue,
    allowed: frozenset[str],
    regions: set[str],
) -> Fact | None:
    """Return the first fact of these subjects that a figure agrees with."""
    convertible = _CONVERSIONS.get(mention.unit)
    units = {unit for unit, _ in convertible} if convertible else None
    for subject in subjects:
        for fact in _facts_about(subject, facts, catalogue):
            if units and fact.unit not in units and not fact.attribute.startswith(_COST):
                continue  # most facts end here
            if _agrees(mention, fact, allowed) and (
                not fact.region or not regions or fact.region in regions
            ):
                return fact
    return None


def _facts_about(subject: str, facts: FactIndex, catalogue: Catalogue) -> Iterable[Fact]:
    """Yield a subject's facts; a GPU's also stand in the facts of the types that carry it."""
    yield from facts.about(subject)
    if subject in catalogue.gpus and subject not in facts:
        carrier = next((key for key in facts if _carries(catalogue, key, subject)), None)
        if carrier:
            found = facts.about(carrier)
            yield from (f for f in found if f.attribute in BY_KEY and BY_KEY[f.attribute].gpu)


def _carries(catalogue: Catalogue, name: str, gpu: str) -> bool:
    """Whether an instance type has whole GPUs of this model."""
    attachment = catalogue.types[name].gpu if name in catalogue.types else None
    return attachment is not None and attachment.gpu == gpu and attachment.partition == 1


_CONDITION = (
    *("以上", "以下", "未満", "超", "条件", "より", "まで", "の中で最", "≥", "≤"),
    *("cheapest with", "largest with", "smallest with", "fastest with"),
    *("at least", "or more", "at most", "under", "over", "more than", "less than", "minimum"),
)


def _agrees(mention: FigureMention, fact: Fact, allowed: frozenset[str]) -> bool:
    if fact.subject == SEARCH and fact.attribute in BY_KEY:  # a condition of the search
        if not any(word in mention.segment for word in _CONDITION):
            return False
    if fact.attribute.startswith(cost_lock.PREFIX):
        return cost_lock.agrees(mention, fact, _equal)
    if fact.attribute.startswith(sizing_lock.PREFIX):
        return sizing_lock.agrees(mention, fact, _equal)
    attribute = (
        fact.attribute.partition(":")[0] if fact.attribute.startswith("usd") else fact.attribute
    )
    if fact.attribute.startswith("ratio:"):
        return mention.unit in ("倍", "times") and _equal(mention, fact.value)
    if attribute == "gpu_count" and mention.unit == "倍":
        return fact.value < 1 and _equal(mention, fact.value)  # an eighth of a GPU
    if mention.unit in _UNIT_FACTS:
        return attribute in _UNIT_FACTS[mention.unit] and _equal(mention, fact.value)
    if mention.unit in _CONVERSIONS:
        return any(
            fact.unit == unit and _equal(mention, fact.value / factor)
            for unit, factor in _CONVERSIONS[mention.unit]
        ) and _labelled(attribute, allowed, fact, mention)
    bare = mention.unit == "" and attribute in allowed and _equal(mention, fact.value)
    return bare and (fact.unit in _COUNTED or (mention.cell > 0 and fact.unit in mention.label))


def _labelled(attribute: str, allowed: frozenset[str], fact: Fact, mention: FigureMention) -> bool:
    """Whether the words around the figure name this attribute, or none that excludes it."""
    if fact.attribute in ("usd_per_gpu_hour", "memory_per_vcpu_gib"):
        # For one GPU it equals the price, and 4 GiB of memory per vCPU are no 4 GiB of anything.
        return attribute in allowed
    if fact.attribute.startswith("usd_per_hour:"):
        term = fact.attribute.partition(":")[2]
        words = [
            t
            for t, spelled in _PRICE_WORDS.items()
            if any(w in mention.label.lower() for w in spelled)
        ]
        return not words or term in words
    same_unit = {key for key in allowed if key in BY_KEY and BY_KEY[key].unit == fact.unit}
    return attribute in allowed or not same_unit


def equals_rounded(text: str, value: Decimal, unit: str, fact: Fact) -> bool:
    """Whether a figure, as it was written, states the value of a fact in any of its units."""
    decimals = len(re.split(r"[^\d]", text.partition(".")[2])[0]) if "." in text else 0
    factors = [factor for name, factor in _CONVERSIONS.get(unit, ()) if name == fact.unit]
    step = Decimal(1).scaleb(-decimals)
    gaps = (abs(value - fact.value / factor) for factor in (*factors, Decimal(1)))
    return any(gap <= step / 2 for gap in gaps)


def _equal(mention: FigureMention, value: Decimal) -> bool:
    """Whether the figure is the value, rounded at the precision written."""
    step = Decimal(1).scaleb(-mention.decimals)
    gap = abs(mention.value - value)
    return gap == 0 or (gap <= step / 2 and gap <= abs(value) * MAX_RELATIVE_ERROR)


_EXTRA_LABELS: dict[str, tuple[str, ...]] = (
    {
        "vcpu / メモリ": ("vcpus", "memory_gib"),
        "vcpus / memory": ("vcpus", "memory_gib"),
        "api 表記": ("gpu_memory_gib", "gpu_memory_total_gib"),
        "api:": ("gpu_memory_gib", "gpu_memory_total_gib"),
    }
    | dict.fromkeys(
        ("gpu メモリ(1 基)", "gpu memory (each)", "gpu メモリ", "gpuメモリ", "gpu memory"),
        ("gpu_memory_gb", "gpu_memory_gib"),
    )
    | dict.fromkeys(
        ("gpu メモリ合計", "total gpu memory"), ("gpu_memory_total_gb", "gpu_memory_total_gib")
    )
)
"""Labels that name several attributes at once, beside those of the registry and the vocabulary."""


@cache
def _label_words() -> tuple[re.Pattern[str], dict[str, frozenset[str]]]:
    """Return one pattern over all label words, and the attributes that each names."""
    index: dict[str, set[str]] = {}
    words = {key: set(entries) for key, entries in table("attributes").items()}
    for key, attribute in BY_KEY.items():
        words.setdefault(key, set()).update((attribute.ja.lower(), attribute.en.lower()))
    for key, entries in words.items():
        for word in entries:
            index.setdefault(word, set()).add(key)
    for word, keys in _EXTRA_LABELS.items():
        index.setdefault(word, set()).update(keys)
    pattern = any_of(index)
    return pattern, {_squeezed(word): frozenset(keys) for word, keys in index.items()}


@lru_cache(maxsize=4096)
def attributes_named(label: str) -> frozenset[str]:
    """Return the attributes that the label names; a longer word wins over the words inside it."""
    pattern, index = _label_words()
    found = (
        index.get(_squeezed(match[0]), frozenset[str]())
        for match in pattern.finditer(label.lower())
    )
    return frozenset[str]().union(*found)


def _squeezed(word: str) -> str:
    return re.sub(r"\s+", "", word)


@lru_cache(maxsize=8)
def _region_pattern(catalogue: Catalogue) -> tuple[re.Pattern[str], dict[str, str]]:
    index = {
        name: region.code
        for region in catalogue.regions.values()
        for name in (region.code, region.name, region.name_en)
    }
    longest = sorted(index, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest))), index


def _regions(text: str, catalogue: Catalogue) -> set[str]:
    pattern, index = _region_pattern(catalogue)
    return {index[match] for match in pattern.findall(text)}
