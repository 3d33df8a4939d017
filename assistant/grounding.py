"""The number lock: a figure of an answer is matched to a fact of a tool result, or not shown.

A figure is supported if a fact has one of its subjects, an attribute that its labels and unit
allow, and its value at the precision written (never more than 1 % off). Sentences taken word
for word from curated text are supported by that text. Instance names that do not exist are
unsupported, unless the user wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache

from assistant.agreement import FactIndex, attributes_named, support
from assistant.answer import Figure, Language
from assistant.evidence import asked_figures, is_echo, supporting_passage, unknown_days
from assistant.figures import FigureMention, FigureReader, NameFinder
from assistant.planner.vocabulary import table
from knowledge.ec2.catalogue import Catalogue
from tools.attributes import BY_KEY
from tools.facts import Fact
from tools.results import Result

_DOTTED = re.compile(
    r"(?<![\w.\-/])[a-z]{1,4}\d{1,2}[a-z]*(?:-[a-z0-9]+)?\.(?:\d*xlarge|large|medium|metal[\w\-]*)(?![\w])",
    re.ASCII,
)

_FAMILY = re.compile(
    r"(?<![\w.\-/])(?!p2p)(?:[cpg]\d[a-z]{0,4}|[dimrtxz]\d[a-z]{1,4}|(?:inf|trn)\d[a-z]?)(?![\w\-]|\.\w)",
    re.ASCII,
)


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

    def reader(
        self, facts: FactIndex, *, question: str = "", days: Iterable[date] | None = None
    ) -> Reader:
        """Return a reader of a text about these facts, from its beginning.

        `days`: what free text may be dated to; None for the planner's, whose dates are composed.
        """
        known = None if days is None else {*days, self._catalogue.specs_as_of, _today()}
        return Reader(self._catalogue, facts, self._names(facts), question, known)

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
        for series in _SERIES:
            names += [(f"{series} シリーズ", series, False), (f"{series} series", series, False)]
        names += [(key, key, True) for key in self._catalogue.gpus]
        return names


class Reader:
    """Judges a text piece by piece, each in the light of those before it."""

    def __init__(
        self,
        catalogue: Catalogue,
        facts: FactIndex,
        names: NameFinder,
        question: str,
        days: set[date] | None,
    ) -> None:
        """Start at the beginning of a text."""
        self._catalogue, self.facts, self._names = catalogue, facts, names
        self._figures, self._question, self._days = FigureReader(names), question, days
        self._written = question.lower()

    def judge(self, piece: str, cited: Iterable[str] = ()) -> Verdict:
        """Return the figures of the next piece with what supports them, and what nothing does.

        `cited`: ids of the passages that the piece cites.
        """
        verdict = Verdict(unknown_names=self._unknown_names(piece))
        if self._days is not None:
            written = {*unknown_days(self._question, ())}
            unknown = [*unknown_days(piece, self._days), *self._wrong_gpus(piece)]
            verdict.unknown_names.extend(day for day in unknown if day not in written)
        for mention in self._figures.read(_without(piece, self.facts.model_names)):
            fact = support(mention, self.facts, self._catalogue)
            figure = _figure(mention, fact) if fact else self._other_support(mention, cited)
            if figure is None:
                verdict.unsupported.append(mention)
            else:
                verdict.figures.append(figure)
        return verdict

    def fork(self) -> Reader:
        """Return a reader at the same place, to try other words for the next piece."""
        twin = copy(self)
        twin._figures = self._figures.fork()
        return twin

    def _other_support(self, mention: FigureMention, cited: Iterable[str]) -> Figure | None:
        """Return a figure that an input of the user or a cited passage supports."""
        if mention.foreign_unit:
            return None
        if is_echo(mention, self._asked):
            return _quoted_figure(mention, "question")
        if not self.facts.passages or self._is_catalogued(mention):
            return None
        passage = supporting_passage(mention, self.facts.passages, cited, self._names)
        return _quoted_figure(mention, passage.id) if passage else None

    def _wrong_gpus(self, piece: str) -> list[str]:
        """Return GPUs that a sentence puts into an instance type or family that has others."""
        found: list[str] = []
        for sentence in _SENTENCE.split(piece):
            if not _CARRIES.search(sentence) or _DENIES.search(sentence):
                continue
            names = self._names.find(sentence)
            machines = [name.subject for name in names if not name.is_gpu]
            gpus = [name.subject for name in names if name.is_gpu]
            if len(set(machines)) == 1 == len(set(gpus)) and machines[0] not in _SERIES:
                real = _models_in(self._catalogue, machines[0])
                if self._catalogue.gpus[gpus[0]].model not in real:
                    found.append(f"{machines[0]} + {gpus[0]}")
        return found

    @cached_property
    def _asked(self) -> list[FigureMention]:
        return asked_figures(self._question, self._names)

    def _is_catalogued(self, mention: FigureMention) -> bool:
        """Whether the catalogue has its own figure for what is said: it outranks passages."""
        allowed = attributes_named(mention.label)
        return any(
            fact.attribute.partition(":")[0] in allowed
            for subject in mention.subjects
            for fact in self.facts.about(subject)
        )

    def _unknown_names(self, text: str) -> list[str]:
        lowered = text.lower()
        known, others = self._catalogue.types, self._catalogue.other_types
        types = [
            name
            for name in dict.fromkeys(_DOTTED.findall(lowered))
            if name not in known and name not in others
        ]
        real = _families(self._catalogue)
        families = [n for n in dict.fromkeys(_FAMILY.findall(lowered)) if n not in real]
        # `C7` is what people call c7g, c7i and their like together.
        families = [n for n in families if not (len(n) == 2 and any(r.startswith(n) for r in real))]
        if self._days is not None and not _DENIED.search(text):
            return [*types, *families]  # the user may have written it; that does not make it real
        return [name for name in (*types, *families) if name not in self._written]


def restate(
    mention: FigureMention, facts: FactIndex, language: Language, *, bare: bool = False
) -> str:
    """Return what the facts say about the subject and attribute of a figure; empty if unclear.

    `bare`: the value with its unit alone, for a table cell.
    """
    allowed = attributes_named(mention.label)
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


_SENTENCE = re.compile(r"(?<=[。！？])|(?<=\.)\s|\n")
_SERIES = ("C", "P", "G", "Inf", "Trn")
_CARRIES = re.compile(
    r"搭載|積[むみんま]|GPU は|GPUは|equipped|powered by|carr(?:y|ies)|has an? |features"
)
_DENIED = re.compile(
    r"存在し(?:ない|ませ)|見つか(?:ら|りませ)|ありません|という(?:名前|型|インスタンス)|提供されて(?:い|お)"
    r"|not exist|no such|unknown|not found|no instance|is not a|isn't a",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"ではな|でない|じゃな|せん|ない|より|比べ|違い|不要| not |n't|than|unlike|instead"
)


@lru_cache(maxsize=512)
def _models_in(catalogue: Catalogue, name: str) -> frozenset[str]:
    """Return the GPU models of an instance type, a family or a series."""
    return frozenset(
        catalogue.gpus[item.gpu.gpu].model
        for key, item in catalogue.types.items()
        if item.gpu and (key == name or key.startswith(f"{name}."))
    )


@lru_cache(maxsize=8)
def _families(catalogue: Catalogue) -> frozenset[str]:
    names = (*catalogue.types, *catalogue.other_types, *catalogue.families)
    return frozenset(name.partition(".")[0].lower() for name in names)


def _today() -> date:
    return datetime.now().astimezone().date()


def _quoted_figure(mention: FigureMention, source: str) -> Figure:
    return Figure(text=mention.text, value=mention.value, unit=mention.unit, source=source)


def _figure(mention: FigureMention, fact: Fact) -> Figure:
    return Figure(
        text=mention.text, value=mention.value, unit=mention.unit or fact.unit, source=fact.source
    )
