"""Figures: an estimate flattened to (subject, attribute, value, unit, region), for the number lock.

tools/facts.py turns them into facts. Attributes begin with `cost:`; every amount in USD stands
beside its yen where the request gave a rate.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from knowledge.ec2.schema import NotOffered, Price
from tools.cost.estimate import NIGHT_HOURS, WEEKEND_HOURS
from tools.cost.models import Amounts, CostEstimate, CostLine, Equivalents, Offer, RegionOffers
from tools.cost.usage import Usage
from tools.figure import FigureMaker, Figures, ResultFigure
from tools.profiles import Quote

COST = "cost"
"""Subject of figures about the estimate as a whole: totals, budget, rate, assumptions."""
_UNITS = {
    "hour": "時間",
    "hour/day": "時間",
    "hour/week": "時間",
    "hour/month": "時間",
    "hour/year": "時間",
    "day": "日",
    "day/week": "日",
    "day/month": "日",
    "week": "週",
    "month": "か月",
    "month/year": "か月",
    "year": "年",
    "instance": "台",
    "usd/hour": "USD",
}


def figure_groups(result: CostEstimate) -> dict[str, list[FigureMaker]]:
    """Return, by subject, functions that make the subject's figures."""
    groups: dict[str, list[FigureMaker]] = {COST: [partial(_whole, result)]}
    for line in result.lines:
        groups.setdefault(line.name, []).append(partial(_line, result, line, line.name))
        for item in _offers(line):
            if item.name != line.name:
                groups.setdefault(item.name, []).append(partial(_offer, result, item, item.name))
    if result.budget and result.budget.largest:
        largest = result.budget.largest
        groups.setdefault(largest.name, []).append(partial(_offer, result, largest, largest.name))
    return groups


def cost_figures(result: CostEstimate) -> Figures:
    """Yield all figures of an estimate."""
    for makers in figure_groups(result).values():
        for make in makers:
            yield from make()


def _whole(result: CostEstimate) -> Figures:
    if result.total:
        yield from _amounts(result, COST, "total", result.total, None)
    if len(result.lines) == 1:
        yield from _line(result, result.lines[0], COST)
    yield ResultFigure(COST, "cost:lines", Decimal(len(result.lines)), "件")
    yield from _inputs(result)
    yield from _budget(result)
    for item in result.differences:
        yield from _money(result, COST, "difference", item.amount, None)
        yield from _money(result, COST, "difference_month", abs(item.per_month), None)
        yield ResultFigure(COST, "cost:difference_percent", item.percent, "%")
        yield ResultFigure(COST, "cost:difference_saving", item.saving_percent, "%")
    if result.forgotten:
        yield from _money(result, COST, "night", result.forgotten.night, None)
        yield from _money(result, COST, "weekend", result.forgotten.weekend, None)
        yield ResultFigure(COST, "cost:night_hours", Decimal(NIGHT_HOURS), "時間")
        yield ResultFigure(COST, "cost:weekend_hours", Decimal(WEEKEND_HOURS), "時間")


def _inputs(result: CostEstimate) -> Figures:
    """Yield the numbers that the user gave and those that were assumed."""
    if result.jpy:
        yield ResultFigure(COST, "cost:jpy_per_usd", result.jpy.jpy_per_usd, "円")
        yield ResultFigure(COST, "cost:one_usd", Decimal(1), "USD")
    if result.request.ebs_gb:
        yield ResultFigure(COST, "cost:ebs", result.request.ebs_gb, "GB")
    for note in result.assumptions:
        for value in note.values.values():
            if value.replace(".", "", 1).isdigit():
                yield ResultFigure(COST, f"cost:assumed_{note.code}", Decimal(value), "")
    for name, values in _CONSTANTS.items():
        yield from (
            ResultFigure(COST, f"cost:assumed_{name}", Decimal(value), unit)
            for value, unit in values
        )


_CONSTANTS: dict[str, tuple[tuple[str, str], ...]] = {
    "month": (("730", "時間"), ("1", "か月")),
    "year": (("8760", "時間"), ("1", "年")),
    "day": (("24", "時間"), ("1", "日")),
    "weekdays": (("22", "日"), ("5", "日")),
    "hour": (("1", "時間"),),
    "one": (("1", "GPU"), ("1", "台")),
    "block": (("14", "日"), ("7", "日")),
}


def _budget(result: CostEstimate) -> Figures:
    budget = result.budget
    if budget is None:
        return
    if budget.jpy is not None:
        yield ResultFigure(COST, "cost:budget", budget.jpy, "円")
    yield from _money(result, COST, "budget", budget.usd, None)
    yield ResultFigure(COST, "cost:budget_hours", budget.hours, "時間")
    yield from _money(result, COST, "budget_hours_cost", budget.hours_cost, None)
    if budget.left is not None:
        yield from _money(result, COST, "budget_left", abs(budget.left), None)
    if budget.count is not None:
        yield ResultFigure(COST, "cost:budget_count", Decimal(budget.count), "台")
    if budget.count_cost is not None:
        yield from _money(result, COST, "budget_count_cost", budget.count_cost, None)


def _line(result: CostEstimate, line: CostLine, subject: str) -> Figures:
    """Yield a line's figures."""
    region = line.region
    yield from _quote(subject, line.quote)
    yield from _quote(subject, line.on_demand)
    yield ResultFigure(subject, "cost:count", Decimal(line.count), "台")
    yield ResultFigure(subject, "cost:billed_hours", line.billed_hours, "時間")
    yield from _usage(subject, line.usage)
    for factor in line.factors:
        yield ResultFigure(subject, f"cost:factor_{factor.unit}", factor.value, _UNITS[factor.unit])
    if line.amounts:
        yield from _amounts(result, subject, "line", line.amounts, region)
    yield from _line_extras(result, line, subject)
    for item in _offers(line):
        if item.name == line.name:
            yield from _offer(result, item, subject)


def _line_extras(result: CostEstimate, line: CostLine, subject: str) -> Figures:
    region = line.region
    money = {
        "gpu_hour": line.usd_per_gpu_hour,
        "upfront": line.upfront,
        "commitment_total": line.commitment_total,
        "saving": abs(line.saving) if line.saving is not None else None,
    }
    for name, value in money.items():
        if value is not None:
            yield from _money(result, subject, name, value, region)
    if line.gpus_each is not None:
        yield ResultFigure(subject, "cost:gpus", line.gpus_each, "GPU")
        yield ResultFigure(subject, "cost:gpus_total", line.gpus_each * line.count, "GPU")
    if line.saving_percent is not None:
        yield ResultFigure(subject, "cost:saving_percent", abs(line.saving_percent), "%", region)
    if line.advice:
        yield ResultFigure(
            subject, "cost:advised_saving", Decimal(line.advice.savings_percent), "%", region
        )
        for edge in line.advice.interruption.strip("<>%").split("-"):
            yield ResultFigure(subject, "cost:interruption", Decimal(edge), "%", region)
    for item in line.break_evens:
        yield from _quote(subject, item.quote)
        yield ResultFigure(subject, "cost:break_even_hours", item.hours_per_month, "時間", region)
        yield ResultFigure(subject, "cost:break_even_saving", item.saving_percent, "%", region)
        yield from _money(result, subject, "break_even_month", item.per_month, region)
    for listed in (line.regions, line.equivalents):
        yield from _unpriced(subject, listed)


def _unpriced(subject: str, listed: RegionOffers | Equivalents | None) -> Figures:
    if listed:
        unit = "リージョン" if isinstance(listed, RegionOffers) else "件"
        yield ResultFigure(subject, "cost:unpriced", Decimal(len(listed.unpriced)), unit)


def _usage(subject: str, usage: Usage) -> Figures:
    hours = {
        "hours": usage.hours,
        "hours_per_day": usage.hours_per_day,
        "hours_per_month": usage.hours_per_month,
        "hours_per_year": usage.hours_per_year,
    }
    for name, value in hours.items():
        yield ResultFigure(subject, f"cost:{name}", value, "時間")
    for factor in (*usage.factors, *usage.calendar):
        yield ResultFigure(subject, f"cost:factor_{factor.unit}", factor.value, _UNITS[factor.unit])


def _offers(line: CostLine) -> list[Offer]:
    regions = line.regions.priced if line.regions else ()
    types = line.equivalents.priced if line.equivalents else ()
    return [*regions, *types, *line.alternatives]


def _offer(result: CostEstimate, item: Offer, subject: str) -> Figures:
    yield from _quote(subject, item.quote)
    if item.amount is not None:
        yield from _money(result, subject, "offer", item.amount, item.region)
    if item.delta is not None:
        yield from _money(result, subject, "offer_delta", abs(item.delta), None)


def _amounts(
    result: CostEstimate, subject: str, name: str, amounts: Amounts, region: str | None
) -> Figures:
    for field in Amounts.model_fields:
        yield from _money(result, subject, f"{name}_{field}", getattr(amounts, field), region)


def _money(
    result: CostEstimate, subject: str, name: str, usd: Decimal, region: str | None
) -> Figures:
    yield ResultFigure(subject, f"cost:{name}", usd, "USD", region)
    yen = result.in_jpy(usd)
    if yen is not None:
        yield ResultFigure(subject, f"cost:{name}", yen, "円", region)


def _quote(subject: str, quote: Quote | None) -> Figures:
    purchase = quote.purchase if quote else None
    price = purchase.last_known if isinstance(purchase, NotOffered) else purchase
    if quote and isinstance(price, Price):
        yield ResultFigure(
            subject, f"cost:rate_{quote.term}", price.usd_per_hour, "USD", quote.region
        )
