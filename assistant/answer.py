"""The answer that every front end shows, and its JSON form (schema version 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from tools.codegen.spec import Bundle

Language = Literal["ja", "en"]
Reason = Literal[
    "out_of_scope", "not_found", "not_covered", "unclear", "empty", "too_long", "unsupported_figure"
]


class Part(BaseModel):
    """Base of the answer's parts: closed to unknown fields."""

    model_config = ConfigDict(extra="forbid")


class Citation(Part):
    """A source of the answer, numbered as `[n]` in the text in list order."""

    id: str
    title: str
    section: str | None = None
    source: str
    url: str | None = None
    as_of: date | None = None
    quote: str | None = None


class Figure(Part):
    """A number in the text and the fact that supports it."""

    text: str
    """The figure as it is written in the answer, for example `22.4 GiB`."""
    value: Decimal
    unit: str
    source: str
    """Subject and attribute of the supporting fact, for example `g5.xlarge:gpu_memory_gib`."""


class ToolCall(Part):
    """A tool call made for the answer."""

    name: str
    args: dict[str, Any]
    ok: bool


class Artifact(Part):
    """A file that was made for the user."""

    path: str
    media_type: str
    description: str


class Answer(Part):
    """What the assistant says to one question."""

    schema_version: Literal[1] = 1
    question: str
    answer: str
    """Markdown."""
    language: Language
    abstained: bool = False
    reason: Reason | None = None
    """Why the assistant abstained; None if it answered."""
    citations: list[Citation] = Field(default_factory=list[Citation])
    figures: list[Figure] = Field(default_factory=list[Figure])
    tool_calls: list[ToolCall] = Field(default_factory=list[ToolCall])
    artifacts: list[Artifact] = Field(default_factory=list[Artifact])
    charts: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    suggestions: list[str] = Field(default_factory=list)
    """Follow-up questions that the assistant can answer."""
    warnings: list[str] = Field(default_factory=list)
    model: str = "planner"
    thread_id: str | None = None
    answer_id: str
    elapsed_ms: int
    _held: list[Bundle] = PrivateAttr(default_factory=list["Bundle"])

    def holding(self, bundles: Iterable[Bundle]) -> Answer:
        """Return the answer itself, with bundles whose files are still to be written."""
        self._held.extend(bundles)
        return self

    @property
    def held(self) -> Sequence[Bundle]:
        """The bundles that were generated for the answer."""
        return self._held
