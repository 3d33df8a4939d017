"""Charts of results: every mark is a figure of the result."""

from __future__ import annotations

from decimal import Decimal

import pytest

from knowledge.ec2.catalogue import Catalogue
from tools.cost import CostRequest, UsageLine, estimate
from tools.instances import CompareRequest, compare
from tools.results import restore

TOKYO = "ap-northeast-1"


def lines(*names: str) -> tuple[UsageLine, ...]:
    return tuple(UsageLine(name=name, hours=Decimal(100)) for name in names)


def test_options_show_the_amount_of_every_priced_line(catalogue: Catalogue) -> None:
    request = CostRequest(
        lines=lines("g5.xlarge", "g6.xlarge"),
        region=TOKYO,
        alternatives=True,
        budget_usd=Decimal(90),
    )
    result = estimate(catalogue, request)
    (chart,) = result.charts
    assert [p.y for p in chart.points] == [float(line.amount or 0) for line in result.lines]
    assert [rule.y for rule in chart.rules] == [90.0]


def test_a_single_line_is_shown_by_region(catalogue: Catalogue) -> None:
    result = estimate(catalogue, CostRequest(lines=lines("g5.xlarge"), region=TOKYO))
    chart = next(chart for chart in result.charts if chart.id == "cost-regions")
    amounts = {str(p.x): p.y for p in chart.points}
    assert amounts[TOKYO] == float(result.lines[0].amount or 0)
    assert list(amounts.values()) == sorted(amounts.values())


def test_an_unpriced_line_has_no_chart(catalogue: Catalogue) -> None:
    usage = UsageLine(name="g5.xlarge", hours=Decimal(1), term="reserved-1y-no-upfront")
    result = estimate(catalogue, CostRequest(lines=(usage,), region=TOKYO))
    assert result.lines[0].amount is None
    assert result.charts == ()


def test_a_comparison_shows_shares_of_the_largest_with_the_real_figures(
    catalogue: Catalogue,
) -> None:
    result = compare(catalogue, CompareRequest(names=("g5.xlarge", "g4dn.xlarge"), region=TOKYO))
    (chart,) = result.charts
    bandwidth = {p.series.ja: p for p in chart.points if p.x == "memory_bandwidth_gb_s"}
    assert bandwidth["g5.xlarge"].y == 100 and bandwidth["g5.xlarge"].label == "600 GB/s"
    assert bandwidth["g4dn.xlarge"].y == pytest.approx(53.33, abs=0.01)


def test_charts_come_back_from_a_checkpoint(catalogue: Catalogue) -> None:
    result = compare(catalogue, CompareRequest(names=("g5.xlarge", "g6.xlarge"), region=TOKYO))
    assert restore(result.model_dump(mode="json")) == result
