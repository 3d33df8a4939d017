"""Names: which instance type, family, generation, GPU or series a word means.

Spelling is forgiven only in width, case and separators (`G4DN XLARGE`, `p4d 24xl`). A name with
other mistakes raises `UnknownNameError` with the closest real names; the caller decides what to do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from knowledge.ec2.catalogue import Catalogue
from tools.errors import UnknownNameError, UnknownRegionError

SubjectKind = Literal["instance", "family", "gpu", "series"]

MAX_EDITS = 2
"""A misspelling is repaired up to this many edits (insert, delete, replace, swap neighbours)."""

_SIZE = r"(?:\d+\s?x-?large|\d*xlarge|\d+xl|xl|nano|micro|small|medium|large|metal(?:-\d+xl)?)"
_FAMILY = r"[a-z]{1,4}\d{1,2}[a-z]*(?:-(?:flex|b\d{3}|[a-z]{2}\d{3}))?"
INSTANCE_PATTERN = re.compile(rf"({_FAMILY})\s*[.・,_ \-]?\s*({_SIZE})", re.ASCII)
_NOISE = re.compile(r"(?:nvidia|amd|tesla|geforce|gpu|シリーズ|ファミリー?|series|family|\s)+")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a name means: a kind and the key in the catalogue."""

    kind: SubjectKind
    key: str


class Names:
    """Resolve names against one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Build the look-up tables lazily from `catalogue`."""
        self._catalogue = catalogue

    def resolve(self, name: str) -> tuple[Subject, ...]:
        """Return what `name` means; several for `P4` or `A100`. Raises UnknownNameError."""
        word = fold(name)
        if found := self._exact(word):
            return found
        if match := INSTANCE_PATTERN.fullmatch(word):
            return (self._instance(name, *split_instance(match)),)
        raise self._unknown(name, word)

    def region(self, code: str) -> str:
        """Return the code of the region that has this code or name. Raises UnknownRegionError."""
        word = unicodedata.normalize("NFKC", code).strip().lower()
        for region in self._catalogue.regions.values():
            if word in (region.code, region.name.lower(), region.name_en.lower()):
                return region.code
        raise UnknownRegionError(code, closest(word, self._catalogue.regions, limit=3))

    def complete(self, prefix: str) -> list[str]:
        """Return the instance types, families and GPUs that begin with `prefix`, for completion."""
        word = fold(prefix)
        names = (*self._catalogue.families, *self._catalogue.types, *self._catalogue.gpus)
        return [name for name in names if fold(name).startswith(word)]

    @cached_property
    def generations(self) -> dict[str, tuple[str, ...]]:
        """Families by series letter and number: `p4` -> p4d, p4de. Only where that is no family."""
        grouped: dict[str, list[str]] = {}
        for key, items in self._catalogue.families.items():
            if prefix := re.match(r"[a-z]+\d+", key):
                listed = any(item.listed for item in items)
                grouped.setdefault(prefix[0], []).extend([key] if listed else [])
        families = self._catalogue.families
        return {
            key: tuple(found) for key, found in grouped.items() if found and key not in families
        }

    @cached_property
    def _families(self) -> dict[str, str]:
        """Families by spelling without separators: `p6b200` -> p6-b200."""
        return {squeeze(key): key for key in self._catalogue.families}

    @cached_property
    def gpu_names(self) -> dict[str, tuple[str, ...]]:
        """GPU keys by folded spelling: `a100` -> A100-40GB, A100-80GB."""
        names: dict[str, list[str]] = {}
        for gpu in self._catalogue.gpus.values():
            spellings = {
                squeeze(gpu.key),
                squeeze(gpu.model),
                squeeze(f"{gpu.model}{gpu.memory_gb}gb"),
            }
            for spelling in spellings:
                names.setdefault(spelling, []).append(gpu.key)
        return {spelling: tuple(keys) for spelling, keys in names.items()}

    def _exact(self, word: str) -> tuple[Subject, ...]:
        if word in self._catalogue.types:
            return (Subject("instance", word),)
        if family := self._families.get(squeeze(word)):
            return (Subject("family", family),)
        bare = _NOISE.sub("", word)
        if keys := self.gpu_names.get(squeeze(bare)):
            return tuple(Subject("gpu", key) for key in keys)
        if bare in self._catalogue.families:
            return (Subject("family", bare),)
        if keys := self.generations.get(bare):
            return tuple(Subject("family", key) for key in keys)
        if series := _SERIES.get(bare):
            return (Subject("series", series),)
        return ()

    def _instance(self, name: str, family: str, size: str) -> Subject:
        word = f"{family}.{size}"
        if word in self._catalogue.types:
            return Subject("instance", word)
        raise self._unknown(name, word)

    def _unknown(self, name: str, word: str) -> UnknownNameError:
        family, dot, _ = word.partition(".")
        families = self._catalogue.families
        if word in self._catalogue.other_types or family in self._other_families:
            return UnknownNameError(name, "outside", ())
        if dot and family in families:
            listed = [item.name for item in families[family]]
            near = closest(word, listed, limit=1)
            if near and _is_misspelling(word, near[0]) and not _is_real_size(word):
                return UnknownNameError(name, "misspelt", near)
            return UnknownNameError(name, "no_such_size", tuple(listed))
        near = self._nearest(word)
        swapped = [item for item in near if "." in word and sorted(item) == sorted(word)]
        if len(swapped) == 1 and _is_misspelling(word, swapped[0]):
            # g4nd.xlarge is as far from g4ad as from g4dn, but only one has the same letters.
            return UnknownNameError(name, "misspelt", (swapped[0],))
        if near:
            # A letter more or less in a bare name is another family (c6ae), swapped ones are not.
            slip = "." in word or sorted(word) == sorted(near[0])
            distances = [edits(word, item) for item in near[:2]]
            tied = len(set(distances)) < len(distances)
            repaired = slip and not tied and _is_misspelling(word, near[0])
            return UnknownNameError(name, "misspelt" if repaired else "no_such_family", near)
        is_name = re.fullmatch(rf"{_FAMILY}(?:\.\S+)?", word)
        return UnknownNameError(name, "no_such_family" if is_name else "not_a_name", ())

    def _nearest(self, word: str) -> tuple[str, ...]:
        if not re.search("[a-z]", word):
            return ()
        pool = (
            self._catalogue.types if "." in word else {**self._catalogue.families, **self.gpu_names}
        )
        nearest = closest(word, pool, limit=3)
        return tuple(name for name in nearest if edits(word, name) <= MAX_EDITS + 1)

    @cached_property
    def _other_families(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self._catalogue.other_types)


_SERIES = {"c": "C", "p": "P", "g": "G", "inf": "Inf", "trn": "Trn"}
_SIZE_WORDS = re.compile(r"(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)")


def fold(name: str) -> str:
    """Return `name` in NFKC, lower case, with one dot between family and size."""
    word = unicodedata.normalize("NFKC", name).strip().lower().replace("・", ".")
    match = INSTANCE_PATTERN.fullmatch(word)
    return ".".join(split_instance(match)) if match else word


def squeeze(name: str) -> str:
    """Return `name` in lower case without separators, for comparing GPU names."""
    return re.sub(r"[\s\-_・.]", "", name.lower())


def split_instance(match: re.Match[str]) -> tuple[str, str]:
    """Return family and size of an INSTANCE_PATTERN match; `g6xlarge` is g6 and xlarge."""
    family, size = match[1], canonical_size(match[2])
    if size == "large" and family.endswith("x") and match[0] == f"{family}large":
        return family[:-1], "xlarge"
    return family, size


def canonical_size(size: str) -> str:
    """Return the API spelling of a size: `24xl` -> `24xlarge`, `metal-24xl` as it is."""
    size = re.sub(r"\s", "", size)
    return size if size.startswith("metal") else re.sub(r"(\d*)xl?(?:-?large)?$", _spell, size)


def _spell(match: re.Match[str]) -> str:
    return f"{match[1]}xlarge"


def _is_real_size(word: str) -> bool:
    """Whether the part after the dot is spelled as EC2 sizes are (then it is no misspelling)."""
    return bool(_SIZE_WORDS.fullmatch(word.partition(".")[2]))


def _is_misspelling(word: str, name: str) -> bool:
    """Whether `word` may be read as `name`: few edits, and every digit as in the real name.

    Another digit is another generation or size (g9.xlarge is no slip for g5.xlarge).
    """
    same_digits = re.findall(r"\d", word) == re.findall(r"\d", name)
    return same_digits and edits(word, name) <= MAX_EDITS


def closest(word: str, names: Iterable[str], *, limit: int) -> tuple[str, ...]:
    """Return the names nearest to `word` by edit distance, best first."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    found = process.extract(word, list(names), scorer=OSA.distance, limit=limit)
    return tuple(str(name) for name, _, _ in found)


def edits(left: str, right: str) -> int:
    """Return the optimal-string-alignment distance of two words."""
    from rapidfuzz.distance import OSA

    return OSA.distance(left, right)
