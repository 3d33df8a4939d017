"""All result models of the tools under one adapter.

A result that comes back from a checkpoint or from JSON is a plain dict; its `kind` says what it
was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tools.codegen.spec import Bundle, BundleRefusal
from tools.cost import CostEstimate
from tools.errors import NameProblem
from tools.glossary import GlossaryResult
from tools.instances import Comparison, Description, SearchResult
from tools.profiles import InstanceProfile, Model
from tools.sizing.model_memory import ModelMemory
from tools.sizing.models import (
    Diagnosis,
    InferencePlan,
    InferenceRefusal,
    TrainingPlan,
    TrainingRefusal,
)


class NameFailure(Model):
    """A name that does not exist, with the real ones nearest to it."""

    kind: Literal["unknown_name"] = "unknown_name"
    name: str
    problem: NameProblem
    message_ja: str
    message_en: str
    suggestions: tuple[str, ...]
    alternatives: tuple[InstanceProfile, ...] = ()
    """Profiles of those suggestions that are instance types."""


class InputFailure(Model):
    """A request that a tool refused, with the reason for the user."""

    kind: Literal["bad_input"] = "bad_input"
    message_ja: str
    message_en: str


Result = Annotated[
    Description
    | Comparison
    | SearchResult
    | CostEstimate
    | GlossaryResult
    | TrainingPlan
    | TrainingRefusal
    | InferencePlan
    | InferenceRefusal
    | ModelMemory
    | Diagnosis
    | Bundle
    | BundleRefusal
    | NameFailure
    | InputFailure,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[Result] = TypeAdapter(Result)


def restore(artifact: object) -> Result:
    """Return the result model of an artifact, whether it is a model or its dict form."""
    if isinstance(artifact, Mapping):
        return _ADAPTER.validate_python(artifact)
    return _ADAPTER.validate_python(artifact, strict=True)
