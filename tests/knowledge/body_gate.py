"""Read the figures that the glossary's prose and tables put beside an instance type, family or GPU.

A figure must be the catalogue's for the nearest subject in its sentence or table row, or be one
of the entry's own sourced facts about something else. Anything else is reported with the
catalogue's values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu, InstanceType
from knowledge.glossary_entries import Entry
from tests.knowledge.body_figures import ALIKE, NUMBER, UNITS, Figure, Passage, figures, passages
from tests.knowledge.fact_gate import attribute_of, profile


@dataclass(frozen=True, slots=True)
class Mention:
    """A subject's name in a sentence."""

    name: str
    start: int
    end: int


class BodyGate:
    """Check bodies against one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compare with `catalogue`."""
        self._catalogue = catalogue
        self._values: dict[tuple[str, str], frozenset[Decimal]] = {}

    def problems(self, entry: Entry) -> Iterator[str]:
        """Yield a line that quotes both for each figure that contradicts the catalogue."""
        cited, struck = set(_cited(entry)), set(_struck(entry))
        topics = [item.name for item in self._mentions(" | ".join(entry.names))]
        for passage in passages(entry):
            mentions = self._mentions(passage.text)
            for figure in figures(passage):
                if (figure.value, figure.unit) in cited or (
                    passage.is_mistake and figure.value in struck
                ):
                    continue
                known = self._known(passage, mentions, figure, topics)
                if any(known.values()) and not any(
                    _is_near(figure.value, v) for v in known.values()
                ):
                    yield _quote(entry, passage.text, figure, known)

    def _known(
        self, passage: Passage, mentions: list[Mention], figure: Figure, topics: list[str]
    ) -> dict[str, frozenset[Decimal]]:
        """Return the catalogue's values of the subjects that a figure may be about."""
        if passage.is_cell and _is_demand(passage, [], figure):
            return {}
        if passage.is_cell:
            names = [item.name for item in mentions]
        else:
            near = self._nearest(passage, mentions, figure)
            is_tied = bool(near) and _is_tied(passage.text, near[0], figure)
            if not is_tied and _is_demand(passage, near, figure):
                return {}
            names = [near[0].name] if is_tied else [item.name for item in near] + topics
        return {name: self.values(name, figure.unit) for name in names}

    def _nearest(self, passage: Passage, mentions: list[Mention], figure: Figure) -> list[Mention]:
        """Return the nearest subject before a figure and the nearest after.

        Behind a GPU, also the machine named before it: `p5.48xlarge は H100 × 8、192 vCPU`.
        """
        before = [item for item in mentions if item.end <= figure.at]
        after = [
            item
            for item in mentions
            if item.start >= figure.end and "、" not in passage.text[figure.end : item.start]
        ]
        found = before[-1:] + after[:1]
        machines = [item for item in before if not isinstance(self._subjects[item.name][0], Gpu)]
        return found + [item for item in machines[-1:] if item not in found]

    def _mentions(self, text: str) -> list[Mention]:
        return [Mention(m[0].casefold(), m.start(), m.end()) for m in self._names.finditer(text)]

    def values(self, name: str, unit: str) -> frozenset[Decimal]:
        """Return all that the catalogue says about a subject in a unit."""
        key = (name, unit)
        if key not in self._values:
            self._values[key] = frozenset(self._read(name, unit))
        return self._values[key]

    def _read(self, name: str, unit: str) -> Iterator[Decimal]:
        for item in self._subjects[name]:
            for attribute, factor in UNITS[unit]:
                if attribute == "usd_per_hour":
                    yield from self._prices(item)
                    continue
                value = attribute_of(
                    item if isinstance(item, Gpu) else profile(item, self._catalogue), attribute
                )
                if value is not None:
                    yield Decimal(str(value)) * factor
            if unit in ("GPU", "GB", "GiB") and isinstance(item, Gpu):
                yield from self._carried(item, unit)

    def _carried(self, gpu: Gpu, unit: str) -> Iterator[Decimal]:
        """Yield counts of a GPU per instance, and its memory in all."""
        for item in self._catalogue.types.values():
            if item.gpu and item.gpu.gpu == gpu.key:
                count = Decimal(str(item.gpu.count))
                each = {
                    "GPU": Decimal(1),
                    "GB": Decimal(gpu.memory_gb),
                    "GiB": Decimal(str(gpu.memory_gib)),
                }
                yield count * each[unit]

    def _prices(self, item: InstanceType | Gpu) -> Iterator[Decimal]:
        if isinstance(item, Gpu):
            return
        for regions in self._catalogue.prices_file.prices.values():
            for rows in regions.values():
                if item.name in rows:
                    price = rows[item.name][0]
                    yield price
                    if item.gpu:
                        yield price / Decimal(str(item.gpu.count))

    @cached_property
    def _subjects(self) -> dict[str, list[InstanceType | Gpu]]:
        found: dict[str, list[InstanceType | Gpu]] = {}
        for item in self._catalogue.types.values():
            found.setdefault(item.name, []).append(item)
            found.setdefault(item.family, []).append(item)
        for gpu in self._catalogue.gpus.values():
            for name in {gpu.key.casefold(), gpu.model.casefold()}:
                found.setdefault(name, []).append(gpu)
        return found

    @cached_property
    def _names(self) -> re.Pattern[str]:
        names = sorted(self._subjects, key=len, reverse=True)
        return re.compile(
            rf"(?<![A-Za-z0-9.\-])(?:{'|'.join(map(re.escape, names))})"
            r"(?![A-Za-z0-9.]|-[a-z0-9]| ?系)",
            re.IGNORECASE,
        )


_DEMAND = re.compile(
    r"重み|モデル|級|必要|超え|残|使う|ワーカー|収ま|足り|\dB|倍|割っ|台|単位|求め|プロセス|共有|→|機|窮屈|入り"
)


def _is_demand(passage: Passage, near: list[Mention], figure: Figure) -> bool:
    """Whether an amount is what software needs or a fleet has, not what the subject offers."""
    if figure.unit not in ("GB", "GiB", "GPU"):
        return False
    start = min((item.end for item in near if item.end <= figure.at), default=figure.at - 12)
    return bool(_DEMAND.search(passage.text[max(start, passage.begin) : figure.end + 12]))


def _is_tied(text: str, mention: Mention, figure: Figure) -> bool:
    """Whether a figure directly follows a subject: `H100 の 3,350 GB/s`, `T4(16 GB`."""
    return mention.end <= figure.at and bool(
        re.fullmatch(
            r"\s*\**\s*(?:の|は|が|を|:|\(|×)?[^、。はが台)]{0,6}", text[mention.end : figure.at]
        )
    )


def _is_near(value: Decimal, known: frozenset[Decimal]) -> bool:
    exponent = value.as_tuple().exponent
    step = Decimal(5).scaleb(min(int(exponent), 0) - 1)
    return any(abs(value - item) <= step for item in known)


def _cited(entry: Entry) -> Iterator[tuple[Decimal, str]]:
    """Yield figures of the entry's facts that are not about a subject of the catalogue."""
    for fact in entry.facts:
        if fact.subject is None:
            text = unicodedata.normalize("NFKC", f"{fact.value} {fact.unit}")
            for number in re.findall(NUMBER, text):
                for unit in UNITS:
                    if unit in text or any(
                        word in text for word, alike in ALIKE.items() if alike == unit
                    ):
                        yield Decimal(number.replace(",", "")), unit


def _struck(entry: Entry) -> Iterator[Decimal]:
    """Yield the numbers of the entry's mistakes, wrong and right."""
    for mistake in entry.mistakes:
        for number in re.findall(
            NUMBER, unicodedata.normalize("NFKC", f"{mistake.wrong} {mistake.right}")
        ):
            yield Decimal(number.replace(",", ""))


def _quote(entry: Entry, sentence: str, figure: Figure, known: dict[str, Any]) -> str:
    says = "; ".join(
        f"{name}: {', '.join(str(v.normalize()) for v in sorted(found)[:12]) or 'nothing'}"
        for name, found in known.items()
    )
    written = f"「{sentence.strip()}」 says {figure.value} {figure.unit}"
    return f"{entry.id}: {written}; the catalogue says {says}"
