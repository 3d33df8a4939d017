"""Usage: what a question says about how long, how many, which term and how much money."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from knowledge.ec2.schema import Term

Period = Literal["hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Span:
    """Part of the question that was read."""

    start: int
    end: int
    kind: str


@dataclass(slots=True)
class Usage:
    """What a question says about use, money and terms."""

    hours: Decimal | None = None
    hours_per_day: Decimal | None = None
    hours_per_week: Decimal | None = None
    hours_per_month: Decimal | None = None
    days_per_week: Decimal | None = None
    days_per_month: Decimal | None = None
    weekdays: bool = False
    days: Decimal | None = None
    weeks: Decimal | None = None
    months: Decimal | None = None
    years: Decimal | None = None
    count: int | None = None
    gpus: int | None = None
    budget_usd: Decimal | None = None
    budget_jpy: Decimal | None = None
    budget_period: Period | None = None
    jpy_per_usd: Decimal | None = None
    terms: tuple[Term, ...] = ()
    terms_assumed: bool = False
    """Whether the length or the payment of a commitment was not said."""
    spans: list[Span] = field(default_factory=list[Span])

    @property
    def schedule(self) -> dict[str, Any]:
        """Fields of a `tools.cost.Schedule`; of two that exclude each other, the first."""
        groups = (
            ("hours_per_day", "hours_per_week", "hours_per_month"),
            ("days_per_week", "days_per_month"),
            ("days", "weeks", "months", "years"),
        )
        said = [[name for name in names if getattr(self, name) is not None][:1] for names in groups]
        found: dict[str, Any] = {name: str(getattr(self, name)) for names in said for name in names}
        if "hours_per_week" in found or "hours_per_month" in found:
            return {name: value for name, value in found.items() if name not in groups[1]}
        return found | ({"weekdays": True} if self.weekdays else {})

    @property
    def lasts(self) -> bool:
        """Whether a length of use was said."""
        return self.hours is not None or bool(self.schedule)

    @property
    def has_budget(self) -> bool:
        """Whether a budget was said."""
        return self.budget_usd is not None or self.budget_jpy is not None

    @property
    def empty(self) -> bool:
        """Whether nothing was read."""
        return not self.spans

    def line_args(self) -> dict[str, Any]:
        """Return the arguments of a cost line, the name aside."""
        args: dict[str, Any] = {
            "count": self.count,
            "gpus": self.gpus,
            "term": next(iter(self.terms), None),
        }
        if self.hours is not None:
            args["hours"] = str(self.hours)
        elif self.schedule:
            args["schedule"] = self.schedule
        return {key: value for key, value in args.items() if value is not None}

    def request_args(self) -> dict[str, Any]:
        """Return the arguments of a cost request, lines and region aside."""
        args: dict[str, Any] = {}
        if self.budget_usd is not None:
            args["budget_usd"] = str(self.budget_usd)
        if self.budget_jpy is not None:
            args["budget_jpy"] = str(self.budget_jpy)
        if self.jpy_per_usd is not None:
            args["jpy"] = {"jpy_per_usd": str(self.jpy_per_usd)}
        return args


_LENGTHS = (
    "hours",
    "hours_per_day",
    "hours_per_week",
    "hours_per_month",
    "days_per_week",
    "days_per_month",
    "days",
    "weeks",
    "months",
    "years",
)


def lengths_of(usage: Usage) -> dict[str, Any]:
    """Return the fields that say how long something is used."""
    return {name: getattr(usage, name) for name in (*_LENGTHS, "weekdays")}


def continued(usage: Usage | None, before: Usage) -> Usage:
    """Return a follow-up's usage, with what it leaves unsaid from the question before."""
    if usage is None:
        return before
    kept: dict[str, Any] = {}
    if not usage.lasts:
        kept = lengths_of(before)
    for name in ("count", "gpus", "jpy_per_usd"):
        if getattr(usage, name) is None:
            kept[name] = getattr(before, name)
    if not usage.terms:
        kept["terms"] = before.terms
    return replace(usage, **kept)
