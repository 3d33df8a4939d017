"""Price one line: its billed hours, its amount and formula, and what the term implies."""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import NotOffered, Term
from tools.cost.choose import Choice, choose
from tools.cost.models import Advice, Amounts, BreakEven, CostLine, Reason, UsageLine
from tools.cost.terms import TERMS, commitment_of, refresh_command
from tools.cost.usage import (
    HOURS_PER_DAY,
    HOURS_PER_MONTH,
    HOURS_PER_YEAR,
    Assumption,
    Factor,
    Usage,
    count_hours,
    product,
)
from tools.names import Names
from tools.profiles import Quote, profiler

BLOCK_DAYS_SINGLE = 14  # Capacity Blocks: whole days up to 14, whole weeks beyond
BLOCK_COUNTS = (1, 2, 4, 8, 16, 32, 64)
PERCENT = 100


def price_line(
    catalogue: Catalogue, line: UsageLine, region: str
) -> tuple[CostLine, list[Assumption]]:
    """Return a line with its amounts, and what was assumed for it."""
    region = Names(catalogue).region(line.region or region)
    choice = choose(catalogue, line, region)
    usage = count_hours(line.hours, line.schedule)
    hours, notes = billed(usage, line.term, choice.count)
    quote = profiler(catalogue, region).quote(choice.item.name, region, line.term)
    reason = _reason(quote, choice)
    gpu = choice.item.gpu
    priced = CostLine(
        asked=line.name,
        name=choice.item.name,
        count=choice.count,
        region=region,
        term=line.term,
        gpu=gpu.gpu if gpu else None,
        gpus_each=Decimal(str(gpu.count)) if gpu else None,
        usage=usage,
        quote=quote,
        billed_hours=product(hours),
        reason=reason,
        refresh=refresh_command(line.term, region) if reason == "unknown" else None,
    )
    known = {} if reason else _figures(catalogue, priced, hours)
    return priced.model_copy(update=known), [*choice.assumptions, *usage.assumptions, *notes]


def billed(usage: Usage, term: Term, count: int) -> tuple[tuple[Factor, ...], list[Assumption]]:
    """Return the factors of the hours that are paid for, and what that assumes."""
    if commitment := commitment_of(term):
        if not usage.calendar:
            years = {"years": str(commitment.years)}
            factors = _factors((HOURS_PER_YEAR, "hour/year"), (commitment.years, "year"))
            return factors, [Assumption(code="commitment_whole", values=years)]
        return usage.calendar, [] if usage.continuous else [Assumption(code="commitment_calendar")]
    if term == "capacity-block":
        return _block(usage, count)
    return usage.factors, []


def amount_of(quote: Quote, hours: tuple[Factor, ...], count: int) -> Decimal | None:
    """Return the amount of a quote for billed hours and a count."""
    price = quote.usd_per_hour
    return None if price is None else product(amount_factors(price, hours, count))


def amount_factors(price: Decimal, hours: tuple[Factor, ...], count: int) -> tuple[Factor, ...]:
    """Return the factors of an amount."""
    return (*_factors((price, "usd/hour")), *hours, *_factors((count, "instance")))


def _factors(*pairs: tuple[Any, Any]) -> tuple[Factor, ...]:
    return tuple(Factor(value=Decimal(value), unit=unit) for value, unit in pairs)


def _block(usage: Usage, count: int) -> tuple[tuple[Factor, ...], list[Assumption]]:
    """Return whole days, whole weeks beyond 14: a Capacity Block has no gaps."""
    asked = product(usage.calendar or usage.factors) / HOURS_PER_DAY
    days = ceil(asked)
    if days > BLOCK_DAYS_SINGLE:
        days = ceil(days / 7) * 7
    notes = [Assumption(code="block_days", values={"days": str(days)})] if days != asked else []
    if count not in BLOCK_COUNTS:
        notes.append(Assumption(code="capacity_count", values={"count": str(count)}))
    return _factors((HOURS_PER_DAY, "hour/day"), (days, "day")), notes


def _reason(quote: Quote, choice: Choice) -> Reason | None:
    if choice.sagemaker:
        return "sagemaker"
    if isinstance(quote.purchase, NotOffered):
        return "not_offered"
    return "unknown" if quote.usd_per_hour is None else None


def _figures(catalogue: Catalogue, line: CostLine, hours: tuple[Factor, ...]) -> dict[str, Any]:
    """Return the fields of a line that has a price."""
    price = line.quote.usd_per_hour
    assert price is not None
    factors = amount_factors(price, hours, line.count)
    amount = product(factors)
    return {
        "factors": factors,
        "amounts": _amounts(line, price * line.count, amount),
        "usd_per_gpu_hour": price / line.gpus_each if line.gpus_each else None,
        "advice": _advice(catalogue, line),
        "break_evens": _break_evens(catalogue, line, price),
        **_against_on_demand(catalogue, line, amount),
        **_commitment(line, price),
    }


def _amounts(line: CostLine, per_hour: Decimal, amount: Decimal) -> Amounts:
    if line.term in ("on-demand", "spot"):
        day, month, year = (
            line.usage.hours_per_day,
            line.usage.hours_per_month,
            line.usage.hours_per_year,
        )
    else:
        day, month, year = Decimal(HOURS_PER_DAY), Decimal(HOURS_PER_MONTH), Decimal(HOURS_PER_YEAR)
    return Amounts(
        period=amount,
        per_hour=per_hour,
        per_day=per_hour * day,
        per_month=per_hour * month,
        per_year=per_hour * year,
    )


def _advice(catalogue: Catalogue, line: CostLine) -> Advice | None:
    found = catalogue.spot_advice(line.name, line.region) if line.term == "spot" else None
    return (
        Advice(savings_percent=found.savings_percent, interruption=found.interruption)
        if found
        else None
    )


def _against_on_demand(catalogue: Catalogue, line: CostLine, amount: Decimal) -> dict[str, Any]:
    """Return the on-demand price and what the term saves on the hours used."""
    if line.term == "on-demand":
        return {}
    quote = profiler(catalogue, line.region).quote(line.name, line.region, "on-demand")
    whole = commitment_of(line.term) is not None and not line.usage.calendar
    used = amount_of(quote, line.usage.factors, line.count)
    if used is None or whole:
        return {"on_demand": quote}
    saving = used - amount
    return {"on_demand": quote, "saving": saving, "saving_percent": saving / used * PERCENT}


def _commitment(line: CostLine, price: Decimal) -> dict[str, Any]:
    commitment = commitment_of(line.term)
    if commitment is None:
        return (
            {"upfront": price * line.billed_hours * line.count}
            if line.term == "capacity-block"
            else {}
        )
    total = price * commitment.hours * line.count
    return {"commitment_total": total, "upfront": total if commitment.payment == "all" else None}


def _break_evens(catalogue: Catalogue, line: CostLine, price: Decimal) -> tuple[BreakEven, ...]:
    """Return the commitments of an on-demand line whose rate is known, cheapest first."""
    if line.term != "on-demand":
        return ()
    profiles = profiler(catalogue, line.region)
    prices = catalogue.prices_file.prices
    known: list[Term] = [term for term in TERMS if commitment_of(term) and term in prices]
    found: list[BreakEven] = []
    for term in known:
        quote = profiles.quote(line.name, line.region, term)
        rate = quote.usd_per_hour
        if rate is not None:
            found.append(
                BreakEven(
                    term=term,
                    quote=quote,
                    hours_per_month=HOURS_PER_MONTH * rate / price,
                    saving_percent=(1 - rate / price) * PERCENT,
                    per_month=rate * HOURS_PER_MONTH * line.count,
                )
            )
    return tuple(sorted(found, key=lambda item: item.per_month))
