"""Entities: the names, regions, quantities, attributes and filters that a question mentions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from assistant.planner.lines import usage_by_name
from assistant.planner.mentions import Entities, Mention, Repair
from assistant.planner.negation import is_negated, is_ruled_out, is_unneeded
from assistant.planner.quantities import Quantity, find_quantities
from assistant.planner.schedules import read_usage
from assistant.planner.usecases import read_usecase
from assistant.planner.vocabulary import any_of, respace, table, word_index
from assistant.planner.workload_reader import read_workload
from knowledge.ec2.catalogue import Catalogue
from tools.errors import UnknownNameError
from tools.names import INSTANCE_PATTERN, Names, Subject, canonical_size, split_instance

MASK = "\x01"
"""Stands for a character that an earlier pattern has read."""

_INSTANCE = re.compile(rf"(?<![a-z0-9]){INSTANCE_PATTERN.pattern}(?![a-z0-9])", re.ASCII)
_SAGEMAKER = re.compile(rf"(?<![a-z0-9.])ml\.(?={INSTANCE_PATTERN.pattern})", re.ASCII)
_DOTTED = re.compile(
    r"(?<![a-z0-9_])(?![a-z0-9\-]+\.(?:py|json|ya?ml|sh|md|txt)(?![a-z0-9]))[a-z]{1,4}\d{1,2}[a-z]*(?:-[a-z0-9]+)?\.[a-z0-9\-]{2,14}",
    re.ASCII,
)
_EACH = re.compile(r"同士|どうし|どおし")
_SHORT = 3
_KATAKANA = re.compile(r"[ァ-ヶー]+")
_SIZE_ONLY = re.compile(
    r"(?<![a-z0-9.])(?<!bare )(\d+xlarge|\d+xl|xlarge|xl|large|medium|metal(?:-\d+xl)?)(?![a-z0-9])"
)
_FAMILY_LIKE = re.compile(
    r"(?<![a-z0-9.\-])(?:p6-?b\d{3}|(?:c|p|g|gr)\d{1,2}[a-z]{0,4}(?:-[a-z]+\d*)?|(?:inf|trn)\d[a-z]?)(?![a-z0-9])",
    re.ASCII,
)
_OTHER_LIKE = re.compile(r"(?<![a-z0-9.\-])[a-z]{1,2}\d{1,2}[a-z]{0,4}(?![a-z0-9])", re.ASCII)


class EntityReader:
    """Read entities against the names of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Build the patterns lazily from `catalogue`."""
        self.catalogue = catalogue
        self._names = Names(catalogue)

    def read(self, text: str) -> Entities:
        """Return the entities of a normalised clause."""
        found = Entities(text=text)
        found.workload, found.rest = read_workload(text)
        found.usage, _ = read_usage(found.rest)  # the 7 of Mixtral 8x7B counts no machines
        for span in found.usage.spans:
            if span.kind == "rate":  # 1 ドル 150 円 is no price of an instance
                found.rest = _blank(found.rest, span.start, span.end)
        self._read_instances(found)
        self._read_regions(found)
        self._read_gpus(found)
        self._read_families(found)
        self._read_sizes(found)
        found.quantities, found.rest = find_quantities(found.rest)
        if not any(q.attribute == "gpu_count" for q in found.quantities):
            found.quantities += found.gpu_counts
        _narrow_variants(found, self._variants)
        self._read_words(found)
        if not found.mentions and not found.unknown:
            found.usecase = read_usecase(text)
        found.usages = usage_by_name(text, [place for m in found.mentions for place in m.places])
        return found

    def _read_instances(self, found: Entities) -> None:
        found.sagemaker = any(True for _ in _scan(_SAGEMAKER, found))
        for match in _scan(_INSTANCE, found):
            self._add(found, match.start(), ".".join(split_instance(match)), match[0])
        for match in _scan(_DOTTED, found):
            word = match[0]
            completed = f"{word}xlarge"
            name = completed if completed in self.catalogue.types else word
            self._add(found, match.start(), name, word)

    def _read_regions(self, found: Entities) -> None:
        pattern, index = self._region_words
        for match in _scan(pattern, found):
            code = index[match[0]]
            if code not in found.regions:
                found.regions.append(code)

    def _read_gpus(self, found: Entities) -> None:
        for match in _scan(self._foreign, found):
            found.unknown.append(match[0])
        for match in _scan(self._gpu_pattern, found):
            key = re.sub(r"[\s\-]+", "", match["name"])
            memory = f"{match['memory']}gb" if match["memory"] else ""
            subjects = self._gpu_index.get(key + memory) or self._gpu_index[key]
            found.mentions.append(Mention(match.start(), match[0], subjects))
            found.gpu_counts += _counted(found.text, match)
        pattern, repairs = _gpu_repairs()
        for match in _scan(pattern, found):
            target = repairs[match[0]]
            found.repairs.append(Repair(match[0].upper(), target))
            found.mentions.append(Mention(match.start(), match[0], self._names.resolve(target)))

    def _read_families(self, found: Entities) -> None:
        for match in _scan(_FAMILY_LIKE, found):
            self._add(found, match.start(), match[0], match[0])
        for match in list(_OTHER_LIKE.finditer(found.rest)):
            if match[0] in self._other_families:
                found.unknown.append(match[0])
                found.rest = _masked(found.rest, match)
        for series, pattern in _series_patterns():
            for match in _scan(pattern, found):
                found.mentions.append(
                    Mention(match.start(), match[0], (Subject("series", series),))
                )

    def _read_sizes(self, found: Entities) -> None:
        """Read bare sizes (`xlargeと2xlarge`) as sizes of the family named before them."""
        for match in _scan(_SIZE_ONLY, found, mask=False):
            if _EACH.match(found.rest, match.end()):
                self._size_for_all(found, canonical_size(match[1]))
                found.rest = _masked(found.rest, match)
                continue
            before = [m for m in found.mentions if m.start < match.start()]
            owner = max(before, key=lambda m: m.start, default=None)
            family = _family_of(owner)
            name = f"{family}.{canonical_size(match[1])}"
            if match[1] == "metal" and _is_property(
                found, owner, match, known=name in self.catalogue.types
            ):
                continue
            if family and name in self.catalogue.types and owner is not None:
                if owner.subjects[0].kind == "family":
                    found.mentions.remove(owner)
                found.mentions.append(
                    Mention(match.start(), match[0], (Subject("instance", name),))
                )
                found.rest = _masked(found.rest, match)
            elif family and owner is not None and owner.subjects[0].kind == "family":
                found.mentions.remove(owner)
                found.unknown.append(name)
                found.rest = _masked(found.rest, match)
            elif family is None:
                found.sizes.append(canonical_size(match[1]))
                found.rest = _masked(found.rest, match)

    def _size_for_all(self, found: Entities, size: str) -> None:
        """Read `c8gはc7gより…large同士で` as this size of every family named."""
        for index, mention in enumerate(found.mentions):
            name = f"{_family_of(mention)}.{size}"
            if name in self.catalogue.types:
                found.mentions[index] = Mention(
                    mention.start, mention.text, (Subject("instance", name),)
                )

    def _read_words(self, found: Entities) -> None:
        for row, pattern in _filter_rows():
            if match := pattern.search(found.rest):
                if is_unneeded(found.rest, match):
                    continue
                # GPU は要りません is the filter itself, not its negation.
                negated = "has_gpu" not in row and is_negated(found.rest, match)
                found.filters.append(row | {"negated": True} if negated else row)
        self._drop_negated(found)
        pattern, index = word_index("attributes")
        keys = [
            index[match[0]] if match[0] in index else index[respace(match[0], index)]
            for match in pattern.finditer(found.rest)
        ]
        found.attributes = list(dict.fromkeys(_specific(key, keys, found) for key in keys))

    def _drop_negated(self, found: Entities) -> None:
        """Move names that the clause rules out (`H100は要らない`, `P系ほど`) to `excluded`."""
        kept: list[Mention] = []
        for mention in found.mentions:
            after = found.text[mention.start + len(mention.text) :]
            before = found.text[: mention.start]
            if is_ruled_out(before, after) and mention.subjects[0].kind != "instance":
                found.excluded += mention.subjects
            else:
                kept.append(mention)
        found.mentions = kept

    def _add(self, found: Entities, start: int, name: str, written: str) -> None:
        """Resolve a name; repair a misspelling when exactly one real name is nearest."""
        try:
            subjects = self._names.resolve(name)
        except UnknownNameError as error:
            if error.problem != "misspelt":
                found.unknown.append(name)
                return
            subjects = self._names.resolve(error.suggestions[0])
            found.repairs.append(Repair(written, error.suggestions[0]))
        found.mentions.append(Mention(start, written, subjects))

    @cached_property
    def _variants(self) -> dict[str, tuple[Subject, ...]]:
        """GPU models that come with different amounts of memory."""
        models: dict[str, list[Subject]] = {}
        for key in self.catalogue.gpus:
            if re.search(r"-\d+GB$", key):
                models.setdefault(key.partition("-")[0], []).append(Subject("gpu", key))
        return {model: tuple(found) for model, found in models.items()}

    @cached_property
    def _other_families(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self.catalogue.other_types)

    @cached_property
    def _region_words(self) -> tuple[re.Pattern[str], dict[str, str]]:
        index = {region.code: region.code for region in self.catalogue.regions.values()}
        for region in self.catalogue.regions.values():
            index |= {region.name.lower(): region.code, region.name_en.lower(): region.code}
        for code, entries in table("regions").items():
            index |= dict.fromkeys(entries, code)
        # タイ must not be read out of タイプ.
        short = [word for word in index if len(word) <= _SHORT and _KATAKANA.fullmatch(word)]
        whole = "|".join(rf"(?<![ァ-ヶー]){word}(?![ァ-ヶー])" for word in short) or "(?!)"
        rest = any_of(word for word in index if word not in short).pattern
        return re.compile(f"{rest}|{whole}"), index

    @cached_property
    def _gpu_index(self) -> dict[str, tuple[Subject, ...]]:
        aliases: dict[str, str] = table("names")["gpu_aliases"]
        index = {
            key: tuple(Subject("gpu", name) for name in names)
            for key, names in self._names.gpu_names.items()
        }
        for alias, target in aliases.items():
            index[re.sub(r"[\s\-]+", "", alias)] = self._names.resolve(target)
        return index

    @cached_property
    def _gpu_pattern(self) -> re.Pattern[str]:
        names = {gpu.model.lower() for gpu in self.catalogue.gpus.values()}
        names |= {gpu.key.lower() for gpu in self.catalogue.gpus.values()}
        names |= set(table("names")["gpu_aliases"])
        spelled = (
            r"[\s\-]*".join(map(re.escape, re.split(r"[\s\-]+", name)))
            for name in sorted(names, key=len, reverse=True)
        )
        return re.compile(
            rf"(?<![a-z0-9.\-])(?:(?:nvidia|tesla)[\s\-]*)?(?P<name>{'|'.join(spelled)})"
            r"(?:[\s\-(の]*(?P<memory>16|32|40|80)\s*gi?b(?:版|モデル)?\)?(?!/s|以上|以下))?(?![a-z0-9])"
        )

    @cached_property
    def _foreign(self) -> re.Pattern[str]:
        return any_of(table("names")["foreign"]["gpus"])


@cache
def _series_patterns() -> list[tuple[str, re.Pattern[str]]]:
    # 第8世代のC: the letter alone names the series only behind the word for a generation.
    return [
        (
            series,
            re.compile(
                rf"{any_of(entries).pattern}|(?<=世代)\s*の?\s*{series.lower()}(?![a-z0-9])"
            ),
        )
        for series, entries in table("names")["series"].items()
    ]


@cache
def _filter_rows() -> list[tuple[dict[str, Any], re.Pattern[str]]]:
    return [(row, any_of(row["words"])) for row in table("filters")["filter"]]


@cache
def _gpu_repairs() -> tuple[re.Pattern[str], dict[str, str]]:
    repairs: dict[str, str] = table("names")["gpu_repairs"]
    return any_of(repairs), repairs


def _narrow_variants(found: Entities, variants: Mapping[str, tuple[Subject, ...]]) -> None:
    """Read `80GBのA100` as the variant with this memory; a second amount adds another."""
    for quantity in [q for q in found.quantities if q.op == "=" and "memory" in q.attribute]:
        suffix = f"-{quantity.value:f}GB"
        for index, mention in enumerate(found.mentions):
            model = mention.subjects[0].key.partition("-")[0]
            named = mention.subjects[0].kind == "gpu"
            chosen = (
                tuple(s for s in variants.get(model, ()) if s.key.endswith(suffix)) if named else ()
            )
            if chosen:
                kept = () if len(mention.subjects) == len(variants[model]) else mention.subjects
                subjects = tuple(dict.fromkeys((*kept, *chosen)))
                found.mentions[index] = Mention(mention.start, mention.text, subjects)
                found.quantities = [other for other in found.quantities if other is not quantity]


_COUNT_BEFORE = re.compile(r"(?<![\w.])(\d{1,2})\s*[x×]?\s*$")
_GPUS_AFTER = re.compile(r"s?\s+gpus?(?![a-z])")


def _counted(text: str, match: re.Match[str]) -> list[Quantity]:
    """Return the number of GPUs that an English question writes before their name."""
    count = _COUNT_BEFORE.search(text[: match.start()])
    if not count or not _GPUS_AFTER.match(text, match.end()):
        return []
    return [Quantity("gpu_count", "=", Decimal(count[1]), "GPU", count[0], explicit=False)]


def _scan(
    pattern: re.Pattern[str], found: Entities, *, mask: bool = True
) -> Iterator[re.Match[str]]:
    """Yield the matches in the unread text, masking each so that it is read once."""
    for match in list(pattern.finditer(found.rest)):
        if mask:
            found.rest = _masked(found.rest, match)
        yield match


def _masked(text: str, match: re.Match[str]) -> str:
    return _blank(text, match.start(), match.end())


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + MASK * (end - start) + text[end:]


def _is_property(
    found: Entities, owner: Mention | None, match: re.Match[str], *, known: bool
) -> bool:
    """Whether `metal` asks for bare metal (`c6inにもmetalある?`) rather than names a size."""
    if owner is None:
        return not found.mentions and bool(re.search(r"で|の|が|は|with|list", found.rest))
    between = found.text[owner.start + len(owner.text) : match.start()].strip()
    return between not in ("", ".", "の", "と", "、") or (not known and between == "の")


def _family_of(mention: Mention | None) -> str | None:
    if mention is None or len(mention.subjects) != 1:
        return None
    subject = mention.subjects[0]
    if subject.kind == "family":
        return subject.key
    return subject.key.partition(".")[0] if subject.kind == "instance" else None


_TOTAL = re.compile(r"合計|総量|トータル|全部で|全部足|足すと|合わせ|total|combined")
_PER_GPU = re.compile(r"1?\s*(?:枚|基|gpu)\s*(?:あたり|当たり|につき|の?単価)|per gpu")
_COMPUTE = re.compile(r"性能|tflops|flops|演算|理論値|速度")


def _specific(key: str, keys: Sequence[str], found: Entities) -> str:
    """Return the attribute that a word means beside the other words of the clause."""
    text = found.rest
    if key == "usd_per_hour" and _PER_GPU.search(found.text):
        return "usd_per_gpu_hour"
    if key == "gpu_memory_gb" and _TOTAL.search(text):
        return "gpu_memory_total_gb"
    if key in ("bf16", "fp8") and _COMPUTE.search(text):
        return f"tflops_{key}"
    if key == "tflops_fp16" and not re.search(r"fp16|半精度", text):
        return next((f"tflops_{p}" for p in ("bf16", "fp8", "fp32", "tf32") if p in text), key)
    return key
