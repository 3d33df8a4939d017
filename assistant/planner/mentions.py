"""What a clause mentions: names, regions, quantities, attributes and filters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assistant.planner.lines import NamePlace
from assistant.planner.premises import Place, Premise, read_premise
from assistant.planner.quantities import Quantity
from assistant.planner.usage import Usage
from assistant.planner.usecases import UseCase
from assistant.planner.workload import NO_WORKLOAD, Workload
from tools.names import Subject


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in the question, and what it means."""

    start: int
    text: str
    subjects: tuple[Subject, ...]

    @property
    def places(self) -> list[NamePlace]:
        """Where it stands, if it names one thing that can be bought."""
        one = len(self.subjects) == 1 and self.subjects[0].kind in ("instance", "family", "gpu")
        end = self.start + len(self.text)
        return [NamePlace(self.subjects[0].key, self.start, end)] if one else []


@dataclass(frozen=True, slots=True)
class Repair:
    """A name that was read as another one."""

    before: str
    after: str


@dataclass(slots=True)
class Entities:
    """What a clause mentions."""

    mentions: list[Mention] = field(default_factory=list[Mention])
    unknown: list[str] = field(default_factory=list[str])
    """Names that do not exist, as they were written."""
    repairs: list[Repair] = field(default_factory=list[Repair])
    regions: list[str] = field(default_factory=list[str])
    quantities: list[Quantity] = field(default_factory=list[Quantity])
    attributes: list[str] = field(default_factory=list[str])
    filters: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    sizes: list[str] = field(default_factory=list[str])
    """Bare sizes whose family is named elsewhere in the thread (`12xlargeにすると?`)."""
    usage: Usage = field(default_factory=Usage)
    """How long, how many, under which terms and for how much (schedules.py)."""
    gpu_counts: list[Quantity] = field(default_factory=list[Quantity])
    """Counts that stand before the name of a GPU (`4 L4 GPUs`)."""
    usecase: UseCase | None = None
    """What a machine is wanted for, where none is named."""
    usages: tuple[tuple[str, Usage], ...] = ()
    """By name, where several names have each their own count or length (lines.py)."""
    workload: Workload = NO_WORKLOAD
    excluded: list[Subject] = field(default_factory=list[Subject])
    """What the clause rules out."""
    sagemaker: bool = False
    """Whether a type is named as SageMaker does (`ml.g5.xlarge`), which has prices of its own."""
    relative: bool = False
    """Whether machines like one that was named are looked for (relatives.py)."""
    premise: Premise | None = None
    """What is stated that takes more than one figure to check (premises.py)."""
    text: str = ""
    rest: str = ""
    """The text with names, regions and quantities masked."""

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """All subjects in the order of their first mention."""
        ordered = sorted(self.mentions, key=lambda mention: mention.start)
        return tuple(dict.fromkeys(s for mention in ordered for s in mention.subjects))

    def read_premise(self, *, asserted: bool) -> None:
        """Read what is stated about more than one figure; what it names is no scope of a search."""
        places = [
            Place(s.key, s.kind, mention.start, mention.start + len(mention.text))
            for mention in self.mentions
            for s in mention.subjects
        ]
        figures = bool(self.quantities)
        self.premise = read_premise(
            self.text,
            places,
            asserted=asserted,
            regions=len(self.regions),
            scoped=figures or any(row.get("claim") for row in self.filters),
            figures=figures,
        )
        if self.premise and self.premise.names:
            named = self.premise.names
            self.mentions = [m for m in self.mentions if m.subjects[0].key not in named]
