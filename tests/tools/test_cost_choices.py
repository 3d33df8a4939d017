"""What a buyer asks beside the amount: other regions and types, choices, and missing prices."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Price, Source
from tools.cost import CostEstimate, CostRequest, estimate
from tools.cost.nearby import distance_km, nearest_first
from tools.cost.terms import commitment_of, refresh_command
from tools.errors import ToolInputError, UnknownNameError, UnknownRegionError

Ask = Callable[..., CostEstimate]
TOKYO, OSAKA, VIRGINIA = "ap-northeast-1", "ap-northeast-3", "us-east-1"


@pytest.fixture(scope="session")
def ask(catalogue: Catalogue) -> Ask:
    def run(*lines: dict[str, Any], region: str = TOKYO, **rest: Any) -> CostEstimate:
        values = {"lines": lines, "region": region, **rest}
        return estimate(catalogue, CostRequest.model_validate(values))

    return run


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


def test_japan_leads_only_for_those_who_are_in_japan() -> None:
    others = (OSAKA, "ap-northeast-2", "ap-southeast-3", VIRGINIA)
    assert nearest_first(TOKYO, others)[0] == OSAKA
    assert nearest_first(OSAKA, (TOKYO, "ap-northeast-2"))[0] == TOKYO
    assert nearest_first("ap-southeast-1", others)[0] == "ap-southeast-3"
    assert nearest_first("eu-west-1", others)[0] == VIRGINIA


def test_every_region_of_the_catalogue_has_a_place(catalogue: Catalogue) -> None:
    assert [code for code in catalogue.regions if distance_km(code, TOKYO) == float("inf")] == []
    assert 380 < distance_km(TOKYO, OSAKA) < 420


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
    cpu = ask({"name": "c6i.2xlarge", "hours": 1}).lines[0].equivalents
    assert cpu and not any(catalogue.types[item.name].gpu for item in cpu.priced)
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
