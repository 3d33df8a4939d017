"""The calculator against the catalogue's raw file: prices, formulas, terms, and what has no price."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from knowledge.ec2.catalogue import PACKAGED, Catalogue
from knowledge.ec2.schema import Price, Source
from tools.cost import CostEstimate, CostRequest, UsageLine, estimate
from tools.cost.lines import price_line
from tools.cost.terms import commitment_of, read_term, refresh_command
from tools.errors import ToolInputError, UnknownNameError, UnknownRegionError

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


# -- no price ------------------------------------------------------------------------------------


def test_a_missing_rate_is_unknown_and_names_the_command_that_fills_it(ask: Ask) -> None:
    result = ask({"name": "g5.xlarge", "term": "compute-savings-plan-3y-no-upfront", "hours": 10})
    line = result.lines[0]
    assert (line.amount, line.reason, result.total) == (None, "unknown", None)
    assert line.refresh == "ask catalog refresh savings-plans --region ap-northeast-1"


@pytest.mark.parametrize(
    ("term", "what"),
    [
        ("on-demand", "prices"),
        ("spot", "spot"),
        ("capacity-block", "capacity-blocks"),
        ("reserved-3y-all-upfront", "prices"),
        ("ec2-savings-plan-1y-no-upfront", "savings-plans"),
    ],
)
def test_each_term_has_its_refresh_command(term: str, what: str) -> None:
    assert refresh_command(term, TOKYO) == f"ask catalog refresh {what} --region {TOKYO}"


def test_what_tokyo_does_not_offer_gets_no_foreign_price_as_its_own(ask: Ask) -> None:
    line = ask({"name": "p6-b200.48xlarge", "hours": 24}).lines[0]
    assert (line.amount, line.reason, line.region) == (None, "not_offered", TOKYO)
    priced = [item for item in line.alternatives if item.amount is not None]
    assert priced[0].amount == Decimal("113.9328") * 24
    assert all(item.region != TOKYO for item in line.alternatives)


def test_the_nearest_region_comes_first_and_its_difference_is_stated(ask: Ask) -> None:
    line = ask({"name": "p4d.24xlarge", "hours": 10}, region=OSAKA).lines[0]
    assert line.reason == "not_offered"
    assert line.alternatives[0].region == TOKYO
    assert line.alternatives[0].delta == (Decimal("30.09784") - Decimal("21.95764")) * 10


def test_an_unpriced_line_leaves_the_total_incomplete(ask: Ask) -> None:
    result = ask({"name": "g5.xlarge", "hours": 10}, {"name": "c8a.large", "hours": 10})
    assert not result.complete
    assert result.total and result.total.period == Decimal("14.59")
    assert result.lines[1].reason == "unknown"


def test_sagemaker_has_no_price_and_borrows_none(ask: Ask) -> None:
    line = ask({"name": "ml.g5.xlarge", "hours": 10}).lines[0]
    assert (line.amount, line.reason, line.name) == (None, "sagemaker", "g5.xlarge")


def test_names_that_do_not_exist_are_refused(ask: Ask) -> None:
    with pytest.raises(UnknownNameError):
        ask({"name": "g9.xlarge"})
    with pytest.raises(UnknownRegionError):
        ask({"name": "g5.xlarge"}, region="ap-north-9")
    with pytest.raises(ToolInputError, match="too wide"):
        ask({"name": "G"})


@pytest.mark.parametrize(
    "line",
    [
        {"name": "g5.xlarge", "hours": 0},
        {"name": "g5.xlarge", "hours": -1},
        {"name": "g5.xlarge", "count": 0},
        {"name": "g5.xlarge", "hours": 1, "schedule": {"months": 1}},
        {"name": "g5.xlarge", "schedule": {"months": 1, "weeks": 1}},
        {"name": "g5.xlarge", "schedule": {"hours_per_day": 25}},
        {"name": "g5.xlarge", "schedule": {"hours_per_week": 40, "weekdays": True}},
        {"name": "g5.xlarge", "hours": "NaN"},
        {"name": "g5.xlarge", "term": "free"},
    ],
)
def test_requests_that_make_no_sense_are_refused(ask: Ask, line: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ask(line)


# -- choices -------------------------------------------------------------------------------------


def test_a_gpu_is_priced_by_its_cheapest_host(ask: Ask) -> None:
    one, many = ask({"name": "H100"}).lines[0], ask({"name": "H100", "gpus": 16}).lines[0]
    assert (one.name, one.count) == ("p5.4xlarge", 1)
    assert (many.name, many.count) == ("p5.48xlarge", 2)


def test_a_family_stands_for_its_xlarge_and_says_so(ask: Ask) -> None:
    result = ask({"name": "g5", "hours": 1})
    assert result.lines[0].name == "g5.xlarge"
    assert ("family_size", "g5.xlarge") in {
        (n.code, n.values.get("name")) for n in result.assumptions
    }


def test_a_cheaper_region_is_named_with_what_it_saves(ask: Ask) -> None:
    regions = ask({"name": "g5.xlarge", "hours": 100}).lines[0].regions
    assert regions
    assert regions.priced[0].region in (VIRGINIA, "us-west-2")
    assert regions.priced[0].delta == (Decimal("1.006") - Decimal("1.459")) * 100
    assert "ap-northeast-2" in regions.unpriced


def test_equivalents_have_the_same_gpus_and_name_what_has_no_price(
    ask: Ask, catalogue: Catalogue
) -> None:
    same = ask({"name": "g6.4xlarge", "hours": 1}).lines[0].equivalents
    assert same and same.same_gpu
    for item in same.priced:
        assert catalogue.types[item.name].gpu == catalogue.types["g6.4xlarge"].gpu
    assert [item.amount for item in same.priced] == sorted(
        i.amount for i in same.priced if i.amount
    )
    cpu = ask({"name": "c6i.4xlarge", "hours": 1}).lines[0].equivalents
    assert cpu and "c8a.4xlarge" in cpu.unpriced


def test_alternatives_are_compared_and_not_added(ask: Ask) -> None:
    result = ask(
        {"name": "g5.xlarge", "hours": 100}, {"name": "g6.xlarge", "hours": 100}, alternatives=True
    )
    assert result.total is None
    assert (result.differences[0].cheaper, result.differences[0].dearer) == (1, 0)
    assert result.differences[0].amount == (Decimal("1.459") - Decimal("1.1672")) * 100


def test_forgetting_to_stop_is_12_hours_a_night_and_60_a_weekend(ask: Ask) -> None:
    forgotten = ask({"name": "g5.xlarge", "count": 2, "hours": 8}).forgotten
    assert forgotten
    assert (forgotten.night, forgotten.weekend) == (Decimal("1.459") * 24, Decimal("1.459") * 120)


def test_every_figure_has_a_dated_source(ask: Ask) -> None:
    result = ask({"name": "c6i.4xlarge", "hours": 1})
    by_id: dict[str, Source] = {source.id: source for source in result.sources}
    purchase = result.lines[0].quote.purchase
    assert isinstance(purchase, Price)
    assert by_id[purchase.source].estimated
    assert "derived" in purchase.source


def test_a_result_survives_json(ask: Ask) -> None:
    result = ask({"name": "g5.xlarge", "hours": 3}, budget_usd=10, jpy={"jpy_per_usd": 150})
    assert CostEstimate.model_validate_json(result.model_dump_json()) == result


def test_every_commitment_term_is_known_by_kind_years_and_payment() -> None:
    found = commitment_of("compute-savings-plan-3y-partial-upfront")
    assert found and (found.kind, found.years, found.payment) == (
        "compute-savings-plan",
        3,
        "partial",
    )
    assert commitment_of("spot") is None


def test_an_estimate_takes_less_than_15_ms(ask: Ask) -> None:
    ask({"name": "c6i.4xlarge", "hours": 1})
    started = time.perf_counter()
    for _ in range(10):
        ask({"name": "c6i.4xlarge", "hours": 1})
    assert (time.perf_counter() - started) / 10 < 0.015
