"""`estimate`: a cost request -> every line priced, totals, and what a buyer asks next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Source
from tools.cost.budget import answer_budget
from tools.cost.charts import cost_charts
from tools.cost.elsewhere import with_choices
from tools.cost.lines import PERCENT, price_line
from tools.cost.models import Amounts, CostEstimate, CostLine, CostRequest, Difference, Forgotten
from tools.cost.usage import Assumption
from tools.names import Names
from tools.profiles import Quote

NIGHT_HOURS = 12
WEEKEND_HOURS = 60  # Friday 21:00 to Monday 09:00
_STOPPABLE = ("on-demand", "spot")


def estimate(catalogue: Catalogue, request: CostRequest) -> CostEstimate:
    """Return the cost of a request. Raises ToolInputError, UnknownNameError, UnknownRegionError."""
    region = Names(catalogue).region(request.region)
    request = request.model_copy(update={"region": region})
    found = [price_line(catalogue, line, region) for line in request.lines]
    lines = tuple(with_choices(catalogue, line) for line, _ in found)
    priced = [line for line in lines if line.amounts]
    summed = not request.alternatives
    budgeted = lines if summed else lines[:1]
    budget = answer_budget(catalogue, request, budgeted)
    return CostEstimate(
        request=request,
        lines=lines,
        total=_sum(priced) if summed else None,
        complete=len(priced) == len(lines),
        jpy=request.jpy,
        budget=budget,
        differences=_differences(lines, request),
        forgotten=_forgotten(priced),
        assumptions=_distinct(note for _, notes in found for note in notes),
        sources=_sources(catalogue, lines),
        charts=cost_charts(lines, budget, catalogue.regions),
    )


def _sum(lines: Sequence[CostLine]) -> Amounts | None:
    amounts = [line.amounts for line in lines if line.amounts]
    if not amounts:
        return None
    fields = Amounts.model_fields
    return Amounts(
        **{
            name: sum((getattr(item, name) for item in amounts), start=Decimal(0))
            for name in fields
        }
    )


def _differences(lines: Sequence[CostLine], request: CostRequest) -> tuple[Difference, ...]:
    if not request.alternatives:
        return ()
    priced = [(index, line.amounts) for index, line in enumerate(lines) if line.amounts]
    found: list[Difference] = []
    for pair in combinations(priced, 2):
        (low, cheap), (high, dear) = sorted(pair, key=lambda entry: entry[1].period)
        amount = dear.period - cheap.period
        found.append(
            Difference(
                cheaper=low,
                dearer=high,
                amount=amount,
                per_month=dear.per_month - cheap.per_month,
                percent=amount / cheap.period * PERCENT,
                saving_percent=amount / dear.period * PERCENT,
            )
        )
    return tuple(found)


def _forgotten(lines: Sequence[CostLine]) -> Forgotten | None:
    """Return the cost of leaving everything on; None where nothing is billed by the hour of use."""
    amounts = [line.amounts for line in lines if line.amounts and line.term in _STOPPABLE]
    per_hour = sum((item.per_hour for item in amounts), start=Decimal(0))
    return (
        Forgotten(night=per_hour * NIGHT_HOURS, weekend=per_hour * WEEKEND_HOURS)
        if amounts
        else None
    )


def _distinct(notes: Iterable[Assumption]) -> tuple[Assumption, ...]:
    return tuple({(note.code, *note.values.values()): note for note in notes}.values())


def _sources(catalogue: Catalogue, lines: Sequence[CostLine]) -> tuple[Source, ...]:
    """Return the sources of all figures in the result, those of the lines first."""
    found = [source for line in lines for source in _line_sources(line)]
    if any(line.advice for line in lines):
        found += catalogue.spot_file.sources
    return tuple({source.id: source for source in found}.values())


def _line_sources(line: CostLine) -> Iterable[Source]:
    quotes: list[Quote | None] = [
        line.quote,
        line.on_demand,
        *(item.quote for item in line.break_evens),
    ]
    quotes += [item.quote for item in line.alternatives]
    quotes += [item.quote for item in line.regions.priced] if line.regions else []
    quotes += [item.quote for item in line.equivalents.priced] if line.equivalents else []
    return (quote.source for quote in quotes if quote and quote.source)
