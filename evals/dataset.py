"""The frozen datasets: what is asked and what any good answer must contain.

Expected values were written from public EC2 data by hand and never computed by the product. The
test split stays unread while the product is fixed; `HASHES.txt` shows that it has not changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Split = Literal["dev", "test"]
DATASETS = Path(__file__).parent / "datasets"
HASHES = DATASETS / "HASHES.txt"


class Record(BaseModel):
    """Base of the dataset's parts: closed to unknown fields and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Amount(Record):
    """A value with its unit."""

    value: float
    unit: str


class ExpectedFigure(Amount):
    """A figure that the answer must show, in this unit or in a convertible one."""

    tolerance: float = Field(default=0, ge=0)
    """Absolute, in the figure's unit; rounding for display is allowed on top."""
    also: tuple[Amount, ...] = ()
    """Other values that are as right, such as the data sheet's GB beside the API's GiB."""


class Expect(Record):
    """What any good answer contains."""

    figures: tuple[ExpectedFigure, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    """Groups of spellings; one spelling of each group must appear. `re:` marks a pattern."""
    forbidden: tuple[str, ...] = ()
    """Texts that must not appear. `re:` marks a pattern."""
    abstain: bool | None = None
    """Whether the assistant must abstain; None where both are good."""
    verdict: Literal["yes", "no"] | None = None
    """Whether the premise of a yes/no question is right."""
    citation: bool = True
    tools: tuple[str, ...] = ()
    """Tools that must have been called."""
    artifact: bool | None = None
    """Whether files must be attached; None where both are good."""


class Case(Record):
    """One evaluation item: a question, or the turns of a thread whose last answer is scored."""

    id: str
    category: str
    question: str | None = None
    turns: tuple[str, ...] = ()
    language: Literal["ja", "en"]
    expect: Expect
    hand: bool = False
    """Whether the wording was written by hand in the way people ask."""
    note: str = ""
    """Where the expected values come from."""

    @model_validator(mode="after")
    def _has_one_kind_of_input(self) -> Case:
        if (self.question is None) == (not self.turns):
            raise ValueError(f"{self.id}: give either a question or turns")
        return self

    @property
    def messages(self) -> tuple[str, ...]:
        """What the user says, in order."""
        return self.turns or (self.question or "",)


def categories(split: Split) -> list[str]:
    """Names of the categories of a split."""
    return sorted(path.stem for path in (DATASETS / split).glob("*.jsonl"))


def load(split: Split, only: Iterable[str] = ()) -> list[Case]:
    """Read the cases of a split, all categories or only those named."""
    known = categories(split)
    chosen = list(only) or known
    if unknown := sorted(set(chosen) - set(known)):
        raise ValueError(f"no category {', '.join(unknown)} in {split}; known: {', '.join(known)}")
    return [case for name in chosen for case in _read(DATASETS / split / f"{name}.jsonl")]


def frozen_hashes() -> dict[str, str]:
    """The committed SHA-256 of each test file, by path below the datasets folder."""
    pairs = (line.split() for line in HASHES.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in pairs}


def actual_hashes() -> dict[str, str]:
    """The SHA-256 of each test file as it is now."""
    files = sorted((DATASETS / "test").glob("*.jsonl"))
    return {f"test/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _read(path: Path) -> list[Case]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Case.model_validate_json(line) for line in lines if line.strip()]
