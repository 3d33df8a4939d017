"""Inverse questions: what a budget buys, in hours, machines and sizes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue
from tools.cost import CostEstimate, CostRequest, estimate
from tools.cost.models import BudgetAnswer
from tools.errors import ToolInputError

Ask = Callable[..., CostEstimate]
MONTH = {"months": 1}


@pytest.fixture(scope="module")
def budget(catalogue: Catalogue) -> Callable[..., BudgetAnswer]:
    def run(*lines: dict[str, Any], **rest: Any) -> BudgetAnswer:
        values = {"lines": lines, "region": "ap-northeast-1", **rest}
        found = estimate(catalogue, CostRequest.model_validate(values)).budget
        assert found is not None
        return found

    return run


def test_hours_within_a_budget_are_rounded_down(budget: Callable[..., BudgetAnswer]) -> None:
    found = budget({"name": "g5.xlarge"}, budget_usd=100)
    assert found.hours == Decimal("68.54")
    assert found.hours_cost == Decimal("68.54") * Decimal("1.459") <= 100
    assert (found.within, found.count, found.largest) == (None, None, None)


def test_a_budget_says_whether_the_use_fits(budget: Callable[..., BudgetAnswer]) -> None:
    found = budget({"name": "g5.xlarge", "hours": 100}, budget_usd=100)
    assert (found.within, found.left) == (False, Decimal("-45.9"))
    assert budget({"name": "g5.xlarge", "hours": 10}, budget_usd=100).within is True


def test_the_largest_count_and_the_largest_size_are_found(
    budget: Callable[..., BudgetAnswer],
) -> None:
    found = budget({"name": "g5.xlarge", "hours": 10}, budget_usd=100)
    assert (found.count, found.count_cost) == (6, Decimal("87.54"))
    assert found.largest and found.largest.name == "g5.12xlarge"
    assert found.largest.amount and found.largest.amount <= 100


def test_a_budget_in_yen_needs_a_rate_and_uses_it(budget: Callable[..., BudgetAnswer]) -> None:
    found = budget({"name": "g5.xlarge"}, budget_jpy=30000, jpy={"jpy_per_usd": 150})
    assert (found.usd, found.jpy) == (200, 30000)
    with pytest.raises(ToolInputError, match="ASK_JPY_PER_USD"):
        budget({"name": "g5.xlarge"}, budget_jpy=30000)


def test_lines_share_a_budget_by_running_together(budget: Callable[..., BudgetAnswer]) -> None:
    found = budget(
        {"name": "g5.xlarge", "hours": 1}, {"name": "g6.xlarge", "hours": 1}, budget_usd=10
    )
    assert found.hours == Decimal("3.80")
    assert found.count is None


def test_a_budget_smaller_than_one_machine_buys_none(budget: Callable[..., BudgetAnswer]) -> None:
    found = budget({"name": "p5.48xlarge", "schedule": MONTH}, budget_usd=100)
    assert (found.count, found.count_cost, found.largest) == (0, None, None)
    assert found.hours == Decimal("1.45")


def test_without_a_price_a_budget_buys_nothing_that_could_be_said(catalogue: Catalogue) -> None:
    request = {
        "lines": [{"name": "c8a.large", "hours": 1}],
        "region": "ap-northeast-1",
        "budget_usd": 5,
    }
    assert estimate(catalogue, CostRequest.model_validate(request)).budget is None
