"""The request: one thing that a question asks for, between understanding and routing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from assistant.planner.mentions import Repair
from assistant.planner.premises import Premise
from assistant.planner.quantities import Quantity
from assistant.planner.usage import Usage
from assistant.planner.usecases import UseCase
from assistant.planner.workload import NO_WORKLOAD, Workload
from tools.names import Subject

Intent = Literal[
    "describe",
    "attributes",
    "compare",
    "cost",
    "concept",
    "find",
    "verify",
    "availability",
    "sizes",
    "thanks",
    "greeting",
    "help",
    "empty",
    "unclear",
    "decline_secret",
    "decline_injection",
    "decline_other_cloud",
    "decline_account",
    "decline_future",
    "decline_other_service",
    "decline_chat",
    "decline_cost",
    "decline_sizing",
    "decline_generate",
    "generate",
    "size_train",
    "size_infer",
    "diagnose",
    "recommend",
]
SIZING: frozenset[Intent] = frozenset({"size_train", "size_infer", "decline_sizing", "generate"})
"""About a workload; the last one still lacks its model."""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that a question asks for, with everything needed to route it."""

    intent: Intent
    subjects: tuple[Subject, ...] = ()
    unknown: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    regions: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    filters: tuple[dict[str, Any], ...] = ()
    excluded: tuple[Subject, ...] = ()
    sort: str | None = None
    descending: bool = False
    limit: int | None = None
    gpu_only: bool = False
    rank: int | None = None
    """2 for the second in the order asked for."""
    everywhere: bool = False
    """Whether types that the region does not offer count too."""
    recent: tuple[Subject, ...] = ()
    """The subjects that the thread has named, oldest first."""
    asserted: bool = False
    """Whether the clause states something and asks if it is so."""
    sagemaker: bool = False
    """Whether SageMaker's price is asked for (`ml.g5.xlarge`)."""
    usage: Usage | None = None
    """For costs: how long, how many, under which terms, within which budget."""
    usecase: UseCase | None = None
    """What a machine is wanted for, where none is named."""
    usages: tuple[tuple[str, Usage], ...] = ()
    """By name, where several names have each their own count or length."""
    workload: Workload = NO_WORKLOAD
    """For sizing: the model, and how it is trained or served."""
    claim: tuple[str, str, bool] | None = None
    """A comparison that was stated: which subject, than which, and whether it has more."""
    code: str = ""
    """For generated code: the workload."""
    batch_factor: int = 1
    """For generated code: times the batch that the plan would take."""
    accumulation: int = 0
    """For generated code: micro-steps per optimizer step; 0: not said."""
    checkpoint_s3: str = ""
    relative: bool = False
    """Whether machines like one that was named are looked for."""
    premise: Premise | None = None
    """What was stated that takes more than one figure to check."""
    text: str = ""

    @property
    def carries(self) -> bool:
        """Whether later clauses may refer to this one."""
        named = self.subjects or self.quantities or self.filters or self.attributes
        return bool(named) or self.intent == "find" or self.intent in SIZING
