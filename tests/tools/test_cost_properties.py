"""What holds for every estimate, over 300 random requests each."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assistant.planner.compose.cost_words import Wording
from assistant.planner.compose.phrases import Phrases
from knowledge.ec2.catalogue import Catalogue
from tools.cost import CostEstimate, CostRequest, cost_figures, estimate

CASES = settings(max_examples=300, deadline=None, derandomize=True)
TERMS = ("on-demand", "spot", "capacity-block", "reserved-1y-all-upfront")


@cache
def packaged() -> Catalogue:
    return Catalogue()


@cache
def priced_names(term: str, region: str) -> list[str]:
    """Return the types that have a price of the term in the region."""
    catalogue = packaged()
    rows = catalogue.prices_file.prices[term].get(region, {})  # type: ignore[index]
    return [n for n in rows if catalogue.purchase(n, region, term).status == "price"]  # type: ignore[arg-type]


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(low), max_value=Decimal(high), places=places)


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    """Return any schedule that a request may have."""
    rhythm = draw(
        st.sampled_from(
            [
                "always",
                "daily",
                "weekly_hours",
                "monthly_hours",
                "weekdays",
                "days_a_week",
                "days_a_month",
            ]
        )
    )
    hours = draw(decimals("0.25", "24", 2))
    found: dict[str, Any] = {
        "always": {},
        "daily": {"hours_per_day": hours},
        "weekly_hours": {"hours_per_week": hours * 7},
        "monthly_hours": {"hours_per_month": hours * 30},
        "weekdays": {"hours_per_day": hours, "weekdays": True},
        "days_a_week": {"hours_per_day": hours, "days_per_week": draw(st.integers(1, 7))},
        "days_a_month": {"hours_per_day": hours, "days_per_month": draw(st.integers(1, 31))},
    }[rhythm]
    period = draw(st.sampled_from(["days", "weeks", "months", "years"]))
    return found | {period: draw(st.integers(1, 36))}


@st.composite
def lines(draw: st.DrawFn, terms: tuple[str, ...] = TERMS) -> dict[str, Any]:
    """Return a line that has a price."""
    term = draw(st.sampled_from(terms))
    region = draw(st.sampled_from(sorted(packaged().prices_file.prices[term])))  # type: ignore[index]
    names = priced_names(term, region)
    assume(names)
    line = {
        "name": draw(st.sampled_from(names)),
        "term": term,
        "region": region,
        "count": draw(st.integers(1, 500)),
    }
    if draw(st.booleans()):
        return line | {"hours": draw(decimals("0.01", "20000", 2))}
    return line | {"schedule": draw(schedules())}


def run(*items: dict[str, Any], **rest: Any) -> CostEstimate:
    values = {"lines": items, "region": "us-east-1", **rest}
    return estimate(packaged(), CostRequest.model_validate(values))


@CASES
@given(lines(), st.integers(2, 9))
def test_cost_is_linear_in_the_count(line: dict[str, Any], factor: int) -> None:
    one, many = run(line), run(line | {"count": line["count"] * factor})
    assert one.total and many.total
    for name in type(one.total).model_fields:
        assert close(getattr(many.total, name), getattr(one.total, name) * factor)


@CASES
@given(lines(("on-demand", "spot")), decimals("0.01", "5000", 2), st.integers(2, 9))
def test_cost_is_linear_in_the_hours(line: dict[str, Any], hours: Decimal, factor: int) -> None:
    line = {key: value for key, value in line.items() if key != "schedule"}
    one, many = run(line | {"hours": hours}), run(line | {"hours": hours * factor})
    assert one.lines[0].amount and many.lines[0].amount == one.lines[0].amount * factor


@CASES
@given(st.lists(lines(), min_size=1, max_size=4))
def test_the_total_is_the_sum_of_the_lines(items: list[dict[str, Any]]) -> None:
    result = run(*items)
    assert result.complete and result.total
    for name in type(result.total).model_fields:
        parts = (getattr(line.amounts, name) for line in result.lines)
        assert getattr(result.total, name) == sum(parts, start=Decimal(0))


@CASES
@given(lines())
def test_the_expression_evaluates_to_the_amount(line: dict[str, Any]) -> None:
    found = run(line).lines[0]
    assert found.expression and found.amount is not None
    assert close(found.amount, evaluate(found.expression))


@CASES
@given(lines(), st.sampled_from(["ja", "en"]))
def test_the_formula_in_words_evaluates_to_the_number_shown(
    line: dict[str, Any], language: Any
) -> None:
    """What a reader gets who types the sentence into a pocket calculator."""
    result = run(line)
    words = Wording(Phrases(language, packaged().regions), result)
    left, _, right = words.formula(result.lines[0]).partition(":")[2].partition("=")
    shown = Decimal(re.sub(r"[^\d.]", "", right))
    step = Fraction(1, 10 ** (-int(shown.as_tuple().exponent)))
    computed = evaluate(re.sub(r"[^\d.×÷]", "", left).replace("×", "*").replace("÷", "/"))
    assert abs(computed - Fraction(shown)) <= step * Fraction(51, 100)


@CASES
@given(lines(), decimals("80", "200", 2))
def test_yen_are_dollars_times_the_rate(line: dict[str, Any], rate: Decimal) -> None:
    result = run(line, jpy={"jpy_per_usd": rate})
    figures = {(f.subject, f.attribute, f.unit): f.value for f in cost_figures(result)}
    total = figures["cost", "cost:total_period", "USD"]
    assert figures["cost", "cost:total_period", "円"] == total * rate


@CASES
@given(lines(("on-demand", "spot")), decimals("0.01", "100000", 2))
def test_a_budget_is_never_overrun(line: dict[str, Any], usd: Decimal) -> None:
    result = run(line, budget_usd=usd)
    budget, amounts = result.budget, result.lines[0].amounts
    assert budget and amounts
    assert budget.hours_cost <= usd < (budget.hours + Decimal("0.01")) * amounts.per_hour
    assert budget.hours == (usd / amounts.per_hour).quantize(Decimal("0.01"), ROUND_DOWN)
    each = amounts.period / result.lines[0].count
    assert budget.count is not None and budget.count * each <= usd < (budget.count + 1) * each
    assert budget.largest is None or (budget.largest.amount or usd + 1) <= usd


@CASES
@given(lines())
def test_other_regions_and_types_are_listed_cheapest_first(line: dict[str, Any]) -> None:
    found = run(line).lines[0]
    for listed in (found.regions, found.equivalents):
        amounts = (
            [item.amount for item in listed.priced if item.amount is not None] if listed else []
        )
        assert amounts == sorted(amounts)
    if found.regions:
        own = [item for item in found.regions.priced if item.region == found.region]
        assert [item.delta for item in own] == [0]


@CASES
@given(st.lists(lines(), min_size=2, max_size=3))
def test_differences_are_between_the_lines_totals(items: list[dict[str, Any]]) -> None:
    result = run(*items, alternatives=True)
    for item in result.differences:
        cheap, dear = result.lines[item.cheaper].amount, result.lines[item.dearer].amount
        assert cheap is not None and dear is not None
        assert item.amount == dear - cheap >= 0


@CASES
@given(lines())
def test_a_result_survives_json(line: dict[str, Any]) -> None:
    result = run(line, jpy={"jpy_per_usd": 150, "as_of": "2026-11-20"})
    assert CostEstimate.model_validate_json(result.model_dump_json()) == result


def evaluate(expression: str) -> Fraction:
    """Return the value of numbers joined by * and /, from left to right."""
    tokens = re.findall(r"[\d.]+|[*/]", expression)
    value = Fraction(tokens[0])
    for operator, number in zip(tokens[1::2], tokens[2::2], strict=True):
        value = value * Fraction(number) if operator == "*" else value / Fraction(number)
    return value


def close(left: Decimal, right: Decimal | Fraction) -> bool:
    """Whether two amounts agree to far below a cent (a division by 168 has no end)."""
    return abs(Fraction(left) - Fraction(right)) <= Fraction(1, 10**12) * max(
        Fraction(1), abs(Fraction(right))
    )
