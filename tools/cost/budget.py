"""Inverse questions: how long, how many and how large a thing a budget buys."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType
from tools.cost.elsewhere import offer
from tools.cost.models import BudgetAnswer, CostLine, CostRequest, Offer
from tools.errors import ToolInputError

_HUNDREDTH = Decimal("0.01")


def answer_budget(
    catalogue: Catalogue, request: CostRequest, lines: Sequence[CostLine]
) -> BudgetAnswer | None:
    """Return what the budget buys of all lines; None without a budget or without prices."""
    budget = budget_in_usd(request)
    priced = [line for line in lines if line.amounts is not None]
    if budget is None or not lines or len(priced) < len(lines):
        return None
    per_hour = sum((line.amounts.per_hour for line in priced if line.amounts), start=Decimal(0))
    total = sum((line.amount for line in priced if line.amount), start=Decimal(0))
    said = _length_was_said(priced)
    hours = (budget / per_hour).quantize(_HUNDREDTH, ROUND_DOWN)
    only = priced[0] if len(priced) == 1 and said else None
    count = int(budget // (total / priced[0].count)) if only else None
    return BudgetAnswer(
        usd=budget,
        jpy=request.budget_jpy,
        within=total <= budget if said else None,
        left=budget - total if said else None,
        hours=hours,
        hours_cost=hours * per_hour,
        count=count,
        count_cost=total / priced[0].count * count if count else None,
        largest=_largest(catalogue, only, budget) if only else None,
    )


def budget_in_usd(request: CostRequest) -> Decimal | None:
    """Return the budget in dollars. Raises ToolInputError for yen without a rate."""
    if request.budget_jpy is None:
        return request.budget_usd
    if request.jpy is None:
        raise ToolInputError(
            f"予算 {request.budget_jpy:,f} 円をドルに換算するレートがありません。"
            "「1ドル150円で」のように指定するか、ASK_JPY_PER_USD を設定してください。",
            f"There is no rate to convert the budget of {request.budget_jpy:,} yen; "
            "give one (1 USD = 150 JPY) or set ASK_JPY_PER_USD.",
        )
    return request.budget_jpy / request.jpy.jpy_per_usd


def _extent(item: InstanceType) -> tuple[float, int]:
    """Sort key by what a family is bought for: GPUs, then vCPUs."""
    return (item.gpu.count if item.gpu else 0, item.vcpus)


def _length_was_said(lines: Sequence[CostLine]) -> bool:
    codes = {note.code for line in lines for note in line.usage.assumptions}
    return "no_usage" not in codes


def _largest(catalogue: Catalogue, line: CostLine, budget: Decimal) -> Offer | None:
    """Return the largest size of the family that the budget pays for at the same use."""
    family = catalogue.families[catalogue.types[line.name].family]
    for item in sorted(family, key=_extent, reverse=True):
        if item.bare_metal or not item.listed:
            continue
        found = offer(catalogue, line, name=item.name)
        if found.amount is not None and found.amount <= budget:
            return found
    return None
