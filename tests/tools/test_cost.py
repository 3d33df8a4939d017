"""The calculator against the catalogue's raw file: prices, formulas, terms, missing prices."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from knowledge.ec2.catalogue import PACKAGED, Catalogue
from tools.cost import CostEstimate, CostRequest, UsageLine, estimate
from tools.cost.lines import price_line
from tools.cost.terms import read_term
from tools.errors import ToolInputError

Ask = Callable[..., CostEstimate]
TOKYO, OSAKA, VIRGINIA = "ap-northeast-1", "ap-northeast-3", "us-east-1"


@pytest.fixture(scope="session")
def ask(catalogue: Catalogue) -> Ask:
    def run(*lines: dict[str, Any], region: str = TOKYO, **rest: Any) -> CostEstimate:
        values = {"lines": lines, "region": region, **rest}
        return estimate(catalogue, CostRequest.model_validate(values))

    return run


@pytest.fixture(scope="session")
def raw() -> dict[str, dict[str, dict[str, tuple[str, str]]]]:
    """Return the prices as the file has them, by term, region and type."""
    return json.loads((PACKAGED / "prices.json").read_bytes())["prices"]


# -- exactness -----------------------------------------------------------------------------------


def test_every_price_of_the_catalogue_reaches_a_line_unchanged(
    catalogue: Catalogue, raw: dict[str, dict[str, dict[str, tuple[str, str]]]]
) -> None:
    checked = 0
    for term in ("on-demand", "spot"):
        for region, rows in raw[term].items():
            for name, (usd, source) in rows.items():
                line, _ = price_line(
                    catalogue, UsageLine(name=name, term=term, count=3, hours=Decimal(7)), region
                )
                if line.reason == "not_offered":
                    continue
                assert line.amount == Decimal(usd) * 21
                assert line.quote.source and line.quote.source.id == source
                checked += 1
    assert checked > 2000


@pytest.mark.parametrize(
    ("lines", "region", "expected"),
    [
        (({"name": "g5.xlarge", "hours": 160},), VIRGINIA, "160.96"),
        (
            ({"name": "g5.xlarge", "schedule": {"hours_per_day": 8, "days_per_month": 20}},),
            TOKYO,
            "233.44",
        ),
        (({"name": "c6i.4xlarge", "count": 10, "schedule": {"months": 1}},), TOKYO, "6248.80"),
        (({"name": "H100", "gpus": 8, "schedule": {"days": 3}},), TOKYO, "4953.60"),
        (({"name": "p5.48xlarge", "count": 2, "schedule": {"weeks": 1}},), TOKYO, "23116.80"),
        (({"name": "g5.xlarge", "hours": "2.5"},), TOKYO, "3.6475"),
        (
            ({"name": "g5.xlarge", "schedule": {"weekdays": True, "hours_per_day": 10}},),
            TOKYO,
            "320.98",
        ),
        (
            ({"name": "g5.xlarge", "schedule": {"hours_per_day": 24, "years": 1}},),
            TOKYO,
            "12780.84",
        ),
        (({"name": "g5.xlarge", "hours": 12},), TOKYO, "17.508"),
        (({"name": "g5.xlarge", "schedule": {"months": 3}},), TOKYO, "3195.21"),
        (
            ({"name": "g4dn.xlarge", "hours": 100}, {"name": "c6i.4xlarge", "hours": 10}),
            TOKYO,
            "79.56",
        ),
        (
            ({"name": "p5.48xlarge", "term": "capacity-block", "schedule": {"days": 2}},),
            TOKYO,
            "1812.48",
        ),
    ],
)
def test_amounts_worked_out_by_hand(
    ask: Ask, lines: tuple[dict[str, Any], ...], region: str, expected: str
) -> None:
    result = ask(*lines, region=region)
    assert result.total and result.total.period == Decimal(expected)


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ({"months": 1}, "730"),
        ({"years": 1}, "8760"),
        ({"weeks": 2}, "336"),
        ({"days": 3}, "72"),
        ({"hours_per_day": 8, "days_per_month": 20}, "160"),
        ({"hours_per_day": 8, "days_per_month": 20, "months": 3}, "480"),
        ({"weekdays": True, "hours_per_day": 10}, "220"),
        ({"weekdays": True, "hours_per_day": 10, "weeks": 2}, "100"),
        ({"weekdays": True, "hours_per_day": 10, "days": 22}, "220"),
        ({"hours_per_day": 6, "days_per_week": 3, "weeks": 4}, "72"),
        ({"hours_per_week": 40, "weeks": 2}, "80"),
        ({"hours_per_month": 160, "months": 3}, "480"),
        ({"hours_per_day": 8, "days": 5}, "40"),
        ({"hours_per_day": 8, "days_per_month": 20, "years": 1}, "1920"),
        ({"hours_per_day": 12}, "365"),
        ({"hours_per_week": 84}, "365"),
        ({"hours_per_day": 12, "days_per_week": 7}, "365"),
    ],
)
def test_a_schedule_counts_the_hours_that_people_expect(
    ask: Ask, schedule: dict[str, Any], hours: str
) -> None:
    assert ask({"name": "g5.xlarge", "schedule": schedule}).lines[0].usage.hours == Decimal(hours)


def test_without_a_length_a_month_is_assumed_and_said(ask: Ask) -> None:
    result = ask({"name": "g5.xlarge"})
    assert result.lines[0].usage.hours == 730
    assert [note.code for note in result.assumptions] == ["no_usage"]


def test_weekdays_are_22_a_month_unless_the_days_are_given(ask: Ask) -> None:
    said = {
        "name": "g5.xlarge",
        "schedule": {"weekdays": True, "hours_per_day": 8, "days_per_month": 18},
    }
    assert ask(said).lines[0].usage.hours == 144
    assert "weekdays_month" not in {note.code for note in ask(said).assumptions}


# -- terms ---------------------------------------------------------------------------------------


def test_a_commitment_is_paid_for_every_hour_of_the_period(ask: Ask) -> None:
    term = "reserved-1y-all-upfront"
    usage = {"hours_per_day": 8, "days_per_month": 20}
    line = ask({"name": "g5.xlarge", "term": term, "schedule": usage}, region=VIRGINIA).lines[0]
    assert line.usage.hours == 160
    assert line.billed_hours == 730
    assert line.amount == Decimal("0.591553") * 730
    assert line.saving == Decimal("1.006") * 160 - Decimal("0.591553") * 730


def test_a_commitment_without_a_period_costs_its_whole_term(ask: Ask) -> None:
    line = ask(
        {"name": "g5.xlarge", "term": "reserved-1y-all-upfront", "hours": 24}, region=VIRGINIA
    ).lines[0]
    assert line.amount == line.upfront == line.commitment_total == Decimal("0.591553") * 8760


def test_break_even_is_where_both_terms_cost_the_same(ask: Ask) -> None:
    line = ask({"name": "g5.xlarge", "hours": 1}, region=VIRGINIA).lines[0]
    found = line.break_evens[0]
    on_demand = line.quote.usd_per_hour
    assert on_demand and abs(found.hours_per_month * on_demand - found.per_month) < Decimal("1e-20")


def test_a_capacity_block_is_bought_in_days_and_longer_ones_in_weeks(ask: Ask) -> None:
    def days(hours: int) -> Decimal:
        line = ask({"name": "p5.48xlarge", "term": "capacity-block", "hours": hours}).lines[0]
        return line.billed_hours / 24

    assert [days(1), days(24), days(25), days(14 * 24), days(15 * 24)] == [1, 1, 2, 14, 21]


def test_spot_tells_how_often_it_is_interrupted(ask: Ask, catalogue: Catalogue) -> None:
    line = ask({"name": "g5.xlarge", "hours": 1, "term": "spot"}).lines[0]
    advice = catalogue.spot_advice("g5.xlarge", TOKYO)
    assert line.advice and advice
    assert line.advice.interruption == advice.interruption
    assert line.quote.source and line.quote.source.estimated


def test_terms_never_exceed_on_demand_where_aws_promises_a_discount(
    catalogue: Catalogue, raw: dict[str, dict[str, dict[str, tuple[str, str]]]]
) -> None:
    for term in ("spot", "reserved-1y-all-upfront"):
        for region, rows in raw[term].items():
            for name, (usd, _) in rows.items():
                on_demand = raw["on-demand"][region].get(name)
                assert on_demand is None or Decimal(usd) <= Decimal(on_demand[0]), (
                    term,
                    region,
                    name,
                )


@pytest.mark.parametrize(
    ("spelled", "term"),
    [
        ("on-demand", "on-demand"),
        ("OnDemand", "on-demand"),
        ("spot", "spot"),
        ("cb", "capacity-block"),
        ("ri-1y-all", "reserved-1y-all-upfront"),
        ("reserved-3y-no-upfront", "reserved-3y-no-upfront"),
        ("compute-sp-3y-partial", "compute-savings-plan-3y-partial-upfront"),
        ("ec2_sp_1y_all", "ec2-savings-plan-1y-all-upfront"),
    ],
)
def test_short_spellings_of_terms_are_read(spelled: str, term: str) -> None:
    assert read_term(spelled) == term


def test_a_term_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(ToolInputError, match=r"ri-2y-all.*on-demand"):
        read_term("ri-2y-all")
