"""The request and the result of a cost estimate.

Amounts are exact Decimals in USD before tax; nothing is rounded here. An amount that cannot be
stated is None, with the reason beside it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from knowledge.ec2.schema import Source, Term
from tools.charts import Chart
from tools.cost.usage import Assumption, Factor, Schedule, Usage
from tools.profiles import Model, Quote

MAX_LINES = 6
Positive = Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 15)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Reason = Literal["unknown", "not_offered", "sagemaker"]
Exclusion = Literal["tax", "ebs", "data_transfer", "public_ip"]
EXCLUDED: tuple[Exclusion, ...] = ("tax", "ebs", "data_transfer", "public_ip")


# -- request -----------------------------------------------------------------------------------


class JpyRate(Model):
    """Yen for one US dollar, with the day of the rate where it was said."""

    jpy_per_usd: Annotated[Decimal, Field(gt=0, le=100_000)]
    as_of: date | None = None


class UsageLine(Model):
    """So many of one thing for so long under one term."""

    name: str
    """Instance type, family or GPU, as people write it; `ml.` in front asks for SageMaker."""
    count: Count = 1
    gpus: Count | None = None
    """For a GPU name: how many GPUs in all."""
    hours: Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 7)] | None = None
    """Hours of each instance; excludes a schedule."""
    schedule: Schedule | None = None
    term: Term = "on-demand"
    region: str | None = None
    """The request's region unless it is given."""

    @model_validator(mode="after")
    def _one_way_to_say_how_long(self) -> Self:
        if self.hours is not None and self.schedule is not None:
            raise ValueError("give hours or a schedule, not both")
        return self


class CostRequest(Model):
    """Lines to add up, or alternatives to set side by side."""

    lines: Annotated[tuple[UsageLine, ...], Field(min_length=1, max_length=MAX_LINES)]
    region: str
    alternatives: bool = False
    """The lines are choices: each has its total, and their differences are stated."""
    budget_usd: Positive | None = None
    budget_jpy: Positive | None = None
    """Needs `jpy`."""
    jpy: JpyRate | None = None
    ebs_gb: Positive | None = None

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.budget_usd is not None and self.budget_jpy is not None:
            raise ValueError("give the budget in USD or in JPY, not in both")
        return self


# -- result ------------------------------------------------------------------------------------


class Amounts(Model):
    """What something costs: in the period, and at the same rhythm a day, month and year."""

    period: Decimal
    per_hour: Decimal
    """While everything runs."""
    per_day: Decimal
    """On a day on which it runs."""
    per_month: Decimal
    per_year: Decimal


class Offer(Model):
    """The same purchase somewhere else, or of another type."""

    name: str
    region: str
    quote: Quote
    amount: Decimal | None
    """For the line's hours and count; None where the price is unknown."""
    delta: Decimal | None = None
    """Amount minus the line's own amount; minus the cheapest offer's where the line has none."""


class RegionOffers(Model):
    """The type in other regions, cheapest first."""

    priced: tuple[Offer, ...]
    unpriced: tuple[str, ...]
    """Regions that offer the type and for which the catalogue has no price."""


class Equivalents(Model):
    """Types of the region with the same GPUs (or vCPUs and at least the memory), cheapest first."""

    same_gpu: bool
    priced: tuple[Offer, ...]
    unpriced: tuple[str, ...]


class BreakEven(Model):
    """From how many hours a month a commitment is cheaper than on-demand."""

    term: Term
    quote: Quote
    hours_per_month: Decimal
    saving_percent: Decimal
    """Against on-demand around the clock."""
    per_month: Decimal
    """What the commitment costs a month for the line's count."""


class Advice(Model):
    """Spot: how often instances are interrupted, and the advisor's saving."""

    savings_percent: int
    interruption: str


class CostLine(Model):
    """One line, priced or with the reason why not."""

    asked: str
    name: str
    count: int
    region: str
    term: Term
    gpu: str | None
    gpus_each: Decimal | None
    """GPUs of one instance, fractions included."""
    usage: Usage
    quote: Quote
    factors: tuple[Factor, ...] = ()
    """Their product is the amount."""
    billed_hours: Decimal
    """Hours that are paid for: more than those used for commitments and Capacity Blocks."""
    amounts: Amounts | None = None
    reason: Reason | None = None
    refresh: str | None = None
    """Command that fetches a missing price."""
    usd_per_gpu_hour: Decimal | None = None
    on_demand: Quote | None = None
    """For other terms: the on-demand price."""
    saving: Decimal | None = None
    """On-demand amount of the same hours minus this amount."""
    saving_percent: Decimal | None = None
    upfront: Decimal | None = None
    """Paid on the first day."""
    commitment_total: Decimal | None = None
    """Paid over the whole commitment."""
    advice: Advice | None = None
    break_evens: tuple[BreakEven, ...] = ()
    regions: RegionOffers | None = None
    equivalents: Equivalents | None = None
    alternatives: tuple[Offer, ...] = ()
    """Not offered or unknown here: where else, Japan first, then the nearest."""

    @property
    def amount(self) -> Decimal | None:
        """The amount for the period."""
        return self.amounts.period if self.amounts else None

    @property
    def expression(self) -> str | None:
        """The formula as an expression that evaluates to the amount."""
        if not self.factors:
            return None
        first, *rest = sorted(self.factors, key=lambda factor: factor.op == "/")
        return f"{first.value}" + "".join(f" {factor.op} {factor.value}" for factor in rest)


class Forgotten(Model):
    """What it costs to leave everything running when nobody uses it."""

    night: Decimal
    weekend: Decimal


class BudgetAnswer(Model):
    """What a budget buys."""

    usd: Decimal
    jpy: Decimal | None
    within: bool | None
    """Whether the lines as asked for fit; None if no length of use was given."""
    left: Decimal | None
    """Budget minus total; negative when it does not fit."""
    hours: Decimal
    """Hours of the lines together, rounded down to a hundredth."""
    hours_cost: Decimal
    count: int | None
    """Largest count of the only line for its hours; None without a length of use."""
    count_cost: Decimal | None
    largest: Offer | None
    """Largest size of the family that fits at the same count and hours."""


class Difference(Model):
    """Two alternatives: what the dearer one costs more."""

    cheaper: int
    dearer: int
    """Indices of the lines."""
    amount: Decimal
    per_month: Decimal
    percent: Decimal
    """By how much the dearer one costs more, of the cheaper one."""
    saving_percent: Decimal
    """By how much the cheaper one costs less, of the dearer one."""


class CostEstimate(Model):
    """What `estimate` returns."""

    kind: Literal["cost"] = "cost"
    request: CostRequest
    lines: tuple[CostLine, ...]
    total: Amounts | None
    """Sum of the priced lines; None for alternatives and where nothing has a price."""
    complete: bool
    """Whether every line is priced, so that the total is the whole."""
    jpy: JpyRate | None
    budget: BudgetAnswer | None
    differences: tuple[Difference, ...]
    forgotten: Forgotten | None
    assumptions: tuple[Assumption, ...]
    excluded: tuple[Exclusion, ...] = EXCLUDED
    sources: tuple[Source, ...]
    charts: tuple[Chart, ...] = ()

    def in_jpy(self, usd: Decimal) -> Decimal | None:
        """Return an amount in yen at the rate given; None without one."""
        return usd * self.jpy.jpy_per_usd if self.jpy else None
