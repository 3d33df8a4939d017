"""The number lock: a figure of an answer is matched to a fact of a tool result, or not shown.

A figure is supported if a fact has one of its subjects, an attribute that its labels and unit
allow, and its value at the precision written (never more than 1 % off). Sentences taken word
for word from curated text are supported by that text. Instance names that do not exist are
unsupported, unless the user wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property, lru_cache

from assistant import cost_lock, sizing_lock
from assistant.answer import Figure, Language
from assistant.figures import FigureMention, FigureReader, NameFinder
from assistant.planner.vocabulary import any_of, table
from knowledge.ec2.catalogue import Catalogue
from tools.attributes import BY_KEY
from tools.cost import COST
from tools.facts import SEARCH, Fact, FactGroup, fact_groups
from tools.results import Result
from tools.sizing.figures import SIZE, model_names

MAX_RELATIVE_ERROR = Decimal("0.01")
_DOTTED = re.compile(
    r"(?<![\w.\-/])[a-z]{1,4}\d{1,2}[a-z]*(?:-[a-z0-9]+)?\.(?:\d*xlarge|large|medium|metal[\w\-]*)(?![\w])",
    re.ASCII,
)

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
_PRICE_WORDS = {
    "spot": ("スポット", "spot"),
    "capacity-block": ("capacity block", "キャパシティ"),
    "on-demand": ("オンデマンド", "on-demand"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the lock found in a text."""

    figures: list[Figure] = field(default_factory=list[Figure])
    unsupported: list[FigureMention] = field(default_factory=list[FigureMention])
    unknown_names: list[str] = field(default_factory=list[str])

    @property
    def passed(self) -> bool:
        """Whether everything is supported."""
        return not self.unsupported and not self.unknown_names


class NumberLock:
    """Check texts against tool results."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Know the names of `catalogue`."""
        self._catalogue = catalogue
        self._finders: dict[tuple[tuple[str, str], ...], NameFinder] = {}

    def check(
        self,
        text: str,
        results: Sequence[Result],
        *,
        quoted: Iterable[str] = (),
        question: str = "",
    ) -> Verdict:
        """Return the figures of `text` with their facts, and what nothing supports."""
        return self.reader(FactIndex(results), question=question).judge(_without(text, quoted))

    def reader(self, facts: FactIndex, *, question: str = "") -> Reader:
        """Return a reader of a text about these facts, from its beginning."""
        return Reader(self._catalogue, facts, FigureReader(self._names(facts)), question)

    def _names(self, facts: FactIndex) -> NameFinder:
        """Return a finder that reads a bare model (`A100`) as the variant in the facts."""
        chosen = tuple(
            (model, next((key for key in keys if key in facts), keys[0]))
            for model, keys in self._models.items()
        )
        if chosen not in self._finders:
            self._finders[chosen] = NameFinder(
                (*self._fixed, *((m, key, True) for m, key in chosen))
            )
        return self._finders[chosen]

    @cached_property
    def _models(self) -> dict[str, list[str]]:
        """GPU models that are no key themselves, with the keys of their variants."""
        models: dict[str, list[str]] = {}
        for gpu in self._catalogue.gpus.values():
            if gpu.model not in self._catalogue.gpus:
                models.setdefault(gpu.model, []).append(gpu.key)
        return models

    @cached_property
    def _fixed(self) -> list[tuple[str, str, bool]]:
        names = [
            (item, item, False) for item in (*self._catalogue.types, *self._catalogue.families)
        ]
        for series in ("C", "P", "G", "Inf", "Trn"):
            names += [(f"{series} シリーズ", series, False), (f"{series} series", series, False)]
        names += [(key, key, True) for key in self._catalogue.gpus]
        return names


class Reader:
    """Judges a text piece by piece, each in the light of those before it."""

    def __init__(
        self, catalogue: Catalogue, facts: FactIndex, figures: FigureReader, question: str
    ) -> None:
        """Start at the beginning of a text."""
        self._catalogue, self.facts, self._figures = catalogue, facts, figures
        self._written = question.lower()

    def judge(self, piece: str) -> Verdict:
        """Return the figures of the next piece with their facts, and what nothing supports."""
        verdict = Verdict(unknown_names=self._unknown_names(piece))
        for mention in self._figures.read(_without(piece, self.facts.model_names)):
            fact = _support(mention, self.facts, self._catalogue)
            if fact is None:
                verdict.unsupported.append(mention)
            else:
                verdict.figures.append(_figure(mention, fact))
        return verdict

    def fork(self) -> Reader:
        """Return a reader at the same place, to try other words for the next piece."""
        figures = self._figures.fork()
        return Reader(self._catalogue, self.facts, figures, self._written)

    def _unknown_names(self, text: str) -> list[str]:
        known, others = self._catalogue.types, self._catalogue.other_types
        return [
            name
            for name in dict.fromkeys(_DOTTED.findall(text.lower()))
            if name not in known and name not in others and name not in self._written
        ]


class FactIndex:
    """The facts of a turn by subject, made when a subject is first asked for."""

    def __init__(self, results: Sequence[Result]) -> None:
        """Index the results' subjects."""
        self._groups: dict[str, list[FactGroup]] = {}
        for result in results:
            for subject, groups in fact_groups(result).items():
                self._groups.setdefault(subject, []).extend(groups)
        self._facts: dict[str, list[Fact]] = {}
        self.model_names = {name for result in results for name in model_names(result)}
        """Names of models (`Llama 3 8B`): their digits are no figures."""

    def __contains__(self, subject: str) -> bool:
        """Whether there are facts about the subject."""
        return subject in self._groups

    def __iter__(self) -> Iterator[str]:
        """Iterate over the subjects."""
        return iter(self._groups)

    def about(self, subject: str) -> list[Fact]:
        """Return the subject's facts."""
        if subject not in self._facts:
            groups = self._groups.get(subject, ())
            self._facts[subject] = [fact for group in groups for fact in group()]
        return self._facts[subject]


def restate(
    mention: FigureMention, facts: FactIndex, language: Language, *, bare: bool = False
) -> str:
    """Return what the facts say about the subject and attribute of a figure; empty if unclear.

    `bare`: the value with its unit alone, for a table cell.
    """
    allowed = _allowed(mention.label)
    for subject in mention.subjects:
        for fact in facts.about(subject):
            attribute = BY_KEY.get(fact.attribute.partition(":")[0])
            if attribute and attribute.key in allowed and fact.bound == "exact":
                unit = {"vCPU": "", "基": ""}.get(attribute.unit, attribute.unit)
                value = f"{format(fact.value.normalize(), ',f')} {unit}".strip()
                if bare:
                    return value
                label = attribute.ja if language == "ja" else attribute.en
                place = f"({fact.region})" if fact.region else ""
                pattern: str = table("phrases_model")[language]["restated_sentence"]
                return pattern.format(name=subject + place, label=label, value=value)
    return ""


def _without(text: str, quoted: Iterable[str]) -> str:
    """Return the text without the curated passages that it quotes."""
    for passage in sorted(quoted, key=len, reverse=True):
        text = text.replace(passage, " ")
    return text


def _support(mention: FigureMention, facts: FactIndex, catalogue: Catalogue) -> Fact | None:
    """Return the fact behind a figure, if there is one."""
    regions = _regions(mention.label + mention.segment, catalogue)
    allowed = _allowed(mention.label)
    for subject in (*mention.subjects, SEARCH, COST, SIZE):
        for fact in _facts_about(subject, facts, catalogue):
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


def _agrees(mention: FigureMention, fact: Fact, allowed: frozenset[str]) -> bool:
    if fact.attribute.startswith(cost_lock.PREFIX):
        return cost_lock.agrees(mention, fact, _equal)
    if fact.attribute.startswith(sizing_lock.PREFIX):
        return sizing_lock.agrees(mention, fact, _equal)
    attribute = (
        fact.attribute.partition(":")[0] if fact.attribute.startswith("usd") else fact.attribute
    )
    if fact.attribute.startswith("ratio:"):
        return mention.unit in ("倍", "times") and _equal(mention, fact.value)
    if mention.unit in _UNIT_FACTS:
        return attribute in _UNIT_FACTS[mention.unit] and _equal(mention, fact.value)
    if mention.unit in _CONVERSIONS:
        return any(
            fact.unit == unit and _equal(mention, fact.value / factor)
            for unit, factor in _CONVERSIONS[mention.unit]
        ) and _labelled(attribute, allowed, fact, mention)
    return mention.unit == "" and attribute in allowed and _equal(mention, fact.value)


def _labelled(attribute: str, allowed: frozenset[str], fact: Fact, mention: FigureMention) -> bool:
    """Whether the words around the figure name this attribute, or none that excludes it."""
    if fact.attribute == "usd_per_gpu_hour":
        return attribute in allowed  # for one GPU it equals the price, and would support any region
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
def _allowed(label: str) -> frozenset[str]:
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


def _figure(mention: FigureMention, fact: Fact) -> Figure:
    return Figure(
        text=mention.text, value=mention.value, unit=mention.unit or fact.unit, source=fact.source
    )
