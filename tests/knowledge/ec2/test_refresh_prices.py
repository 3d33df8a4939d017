"""Refresh of prices: what AWS answers, by wire format, ends in the price file and in estimates."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from knowledge.ec2.aws_errors import RefreshBusyError
from knowledge.ec2.catalogue import MANIFEST, Catalogue
from knowledge.ec2.files import digest
from knowledge.ec2.refresh_all import Part, PartReport, refresh
from knowledge.ec2.refresh_rows import PRICES_FILE, render_prices
from knowledge.ec2.schema import Manifest, Term
from tests.knowledge.ec2.aws_server import (
    FakeAws,
    blocks,
    ec2_error,
    product,
    products,
    rate,
    rates,
    spot_history,
)
from tools.cost import CostRequest, estimate

TODAY = date(2027, 1, 15)
TOKYO, OSAKA, VIRGINIA = "ap-northeast-1", "ap-northeast-3", "us-east-1"


@pytest.fixture
def aws(login: None) -> Iterator[FakeAws]:
    server = FakeAws()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(target: Path, aws: FakeAws, part: Part, *regions: str) -> PartReport:
    outcome = refresh(
        [part], target, regions=regions, endpoint_url=aws.url, attempts=1, today=TODAY
    )
    return outcome.parts[0]


def price(target: Path, name: str, region: str = TOKYO, term: Term = "on-demand") -> Decimal | None:
    return getattr(Catalogue(user=target).purchase(name, region, term), "usd_per_hour", None)


# -- price list --------------------------------------------------------------------------------


def test_on_demand_prices_are_replaced_with_source_and_date(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: products(
        product("g5.xlarge", "1.5000000000")
    )
    report = run(tmp_path, aws, "prices", TOKYO)
    catalogue = Catalogue(user=tmp_path)
    purchase = catalogue.purchase("g5.xlarge", TOKYO)
    assert purchase.status == "price"
    assert (str(purchase.usd_per_hour), report.items) == ("1.5", 1)
    assert catalogue.source(purchase.source).as_of == TODAY
    assert not catalogue.source(purchase.source).estimated
    assert catalogue.warnings == []


def test_the_request_asks_for_linux_and_shared_tenancy(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: products(product("g5.xlarge", "1.5"))
    run(tmp_path, aws, "prices", TOKYO)
    ((_, region, request),) = aws.calls
    fields = {item["Field"]: item["Value"] for item in request["Filters"]}
    assert region == TOKYO
    assert (fields["operatingSystem"], fields["tenancy"]) == ("Linux", "Shared")
    assert (fields["capacitystatus"], fields["preInstalledSw"]) == ("Used", "NA")


@pytest.mark.parametrize(
    ("key", "fees", "term", "usd"),
    [
        ("y1yr_All_Upfront", ("8760", "0"), "reserved-1y-all-upfront", "1"),
        ("y1yr_No_Upfront", ("0", "0.9"), "reserved-1y-no-upfront", "0.9"),
        ("y1yr_Partial_Upfront", ("4380", "0.5"), "reserved-1y-partial-upfront", "1"),
        ("y3yr_All_Upfront", ("13140", "0"), "reserved-3y-all-upfront", "0.5"),
        ("y3yr_Partial_Upfront", ("2628", "0.25"), "reserved-3y-partial-upfront", "0.35"),
    ],
)
def test_reserved_prices_spread_the_upfront_fee_over_the_term(
    tmp_path: Path, aws: FakeAws, key: str, fees: tuple[str, str], term: Term, usd: str
) -> None:
    aws.answers["GetProducts"] = lambda region, request: products(
        product("g5.xlarge", "1.5", **{key: fees})
    )
    run(tmp_path, aws, "prices", TOKYO)
    assert price(tmp_path, "g5.xlarge", TOKYO, term) == Decimal(usd)


def test_convertible_offers_and_foreign_types_are_left_out(tmp_path: Path, aws: FakeAws) -> None:
    item = product("g5.xlarge", "1.5", y1yr_No_Upfront=("0", "0.9"))
    for offer in item["terms"]["Reserved"].values():
        offer["termAttributes"]["OfferingClass"] = "convertible"
    aws.answers["GetProducts"] = lambda region, request: products(item, product("m7i.large", "0.1"))
    assert run(tmp_path, aws, "prices", TOKYO).items == 1
    assert price(tmp_path, "g5.xlarge", TOKYO, "reserved-1y-no-upfront") is None


def test_all_pages_are_read(tmp_path: Path, aws: FakeAws) -> None:
    def answer(region: str, request: dict[str, Any]) -> tuple[int, str]:
        if request.get("NextToken") == "more":
            return products(product("g5.2xlarge", "2"))
        return products(product("g5.xlarge", "1.5"), token="more")

    aws.answers["GetProducts"] = answer
    assert run(tmp_path, aws, "prices", TOKYO).items == 2
    assert (price(tmp_path, "g5.xlarge"), price(tmp_path, "g5.2xlarge")) == (Decimal("1.5"), 2)


def test_an_answer_replaces_its_region_and_no_other(tmp_path: Path, aws: FakeAws) -> None:
    """A type that AWS no longer prices becomes unknown: its old price may be wrong."""
    before = Catalogue()
    aws.answers["GetProducts"] = lambda region, request: products(product("g5.xlarge", "1.5"))
    run(tmp_path, aws, "prices", TOKYO)
    after = Catalogue(user=tmp_path)
    assert after.purchase("g6.xlarge", TOKYO).status == "unknown"
    for term, regions in before.prices_file.prices.items():
        for region, rows in regions.items():
            if region != TOKYO or term == "spot":
                assert after.prices_file.prices[term][region] == rows


def test_the_last_price_of_a_retired_type_is_kept(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: products(product("g5.xlarge", "1.1"))
    run(tmp_path, aws, "prices", VIRGINIA)
    purchase = Catalogue(user=tmp_path).purchase("p3.2xlarge", VIRGINIA)
    assert purchase.status == "not_offered"
    assert purchase.last_known is not None


def test_refreshing_twice_changes_nothing(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: products(product("g5.xlarge", "1.5"))
    run(tmp_path, aws, "prices", TOKYO)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    run(tmp_path, aws, "prices", TOKYO)
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_the_manifest_states_date_counts_and_hash(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: products(product("g5.xlarge", "1.5"))
    run(tmp_path, aws, "prices", TOKYO)
    manifest = Manifest.model_validate_json((tmp_path / MANIFEST).read_bytes())
    assert manifest.created == TODAY
    assert manifest.sha256[PRICES_FILE] == digest((tmp_path / PRICES_FILE).read_bytes())
    rows = Catalogue(user=tmp_path).prices_file.prices["on-demand"]
    assert manifest.counts["prices_on-demand"] == sum(map(len, rows.values()))


def test_the_packaged_file_survives_being_written() -> None:
    file = Catalogue().prices_file
    assert type(file).model_validate_json(render_prices(file)) == file


# -- spot, savings plans, capacity blocks ------------------------------------------------------


def test_a_spot_price_is_the_lowest_of_the_zones(tmp_path: Path, aws: FakeAws) -> None:
    def answer(region: str, request: dict[str, Any]) -> tuple[int, str]:
        assert "StartTime" in request
        assert request["ProductDescription.1"] == "Linux/UNIX"
        if request.get("NextToken"):
            return spot_history(("g5.xlarge", "ap-northeast-1d", "0.450000"))
        return spot_history(("g5.xlarge", "a", "0.600000"), ("m7i.large", "a", "0.1"), token="more")

    aws.answers["DescribeSpotPriceHistory"] = answer
    run(tmp_path, aws, "spot", TOKYO)
    assert price(tmp_path, "g5.xlarge", TOKYO, "spot") == Decimal("0.45")
    assert price(tmp_path, "g5.xlarge", TOKYO, "on-demand") == Decimal("1.459")


@pytest.mark.parametrize("years", [1, 3])
@pytest.mark.parametrize(("plan", "kind"), [("Compute", "compute"), ("EC2Instance", "ec2")])
@pytest.mark.parametrize(
    ("option", "payment"),
    [
        ("No Upfront", "no"),
        ("Partial Upfront", "partial"),
        ("All Upfront", "all"),
    ],
)
def test_every_savings_plan_has_its_term(
    tmp_path: Path, aws: FakeAws, years: int, plan: str, kind: str, option: str, payment: str
) -> None:
    item = rate("g5.xlarge", "0.99", plan=plan, years=years, payment=option)
    aws.answers["DescribeSavingsPlansOfferingRates"] = lambda region, request: rates(item)
    run(tmp_path, aws, "savings-plans", TOKYO)
    rows = Catalogue(user=tmp_path).prices_file.prices
    term = f"{kind}-savings-plan-{years}y-{payment}-upfront"
    assert [key for key in rows if "savings-plan" in key] == [term]


def test_savings_plans_are_paged_and_named_by_usage_type_if_need_be(
    tmp_path: Path, aws: FakeAws
) -> None:
    def answer(region: str, request: dict[str, Any]) -> tuple[int, str]:
        if request.get("nextToken") == "more":
            return rates(rate("g6.xlarge", "0.8", described=False))
        return rates(rate("g5.xlarge", "0.99"), token="more")

    aws.answers["DescribeSavingsPlansOfferingRates"] = answer
    assert run(tmp_path, aws, "savings-plans", TOKYO).items == 2
    term: Term = "compute-savings-plan-1y-no-upfront"
    assert price(tmp_path, "g6.xlarge", TOKYO, term) == Decimal("0.8")


def test_a_refreshed_rate_answers_what_was_unknown(tmp_path: Path, aws: FakeAws) -> None:
    """The command that a cost answer names does fill the gap."""
    aws.answers["DescribeSavingsPlansOfferingRates"] = lambda region, request: rates(
        rate("g5.xlarge", "0.99", years=3)
    )
    request = CostRequest.model_validate(
        {
            "region": TOKYO,
            "lines": [
                {
                    "name": "g5.xlarge",
                    "term": "compute-savings-plan-3y-no-upfront",
                    "schedule": {"months": 1},
                }
            ],
        }
    )
    assert estimate(Catalogue(user=tmp_path), request).lines[0].reason == "unknown"
    run(tmp_path, aws, "savings-plans", TOKYO)
    assert estimate(Catalogue(user=tmp_path), request).lines[0].amount == Decimal("722.70")


def test_a_capacity_block_costs_its_fee_by_the_hour_and_the_cheapest_offer_counts(
    tmp_path: Path, aws: FakeAws
) -> None:
    def answer(region: str, request: dict[str, Any]) -> tuple[int, str]:
        if request["InstanceType"] != "p5.48xlarge":
            return ec2_error("InvalidParameterValue", 400)
        assert (request["InstanceCount"], request["CapacityDurationHours"]) == ("1", "24")
        return blocks(("p5.48xlarge", "960.00", 24, 1), ("p5.48xlarge", "1700.00", 24, 2))

    aws.answers["DescribeCapacityBlockOfferings"] = answer
    report = run(tmp_path, aws, "capacity-blocks", TOKYO)
    assert (report.failures, report.items) == ({}, 1)
    assert price(tmp_path, "p5.48xlarge", TOKYO, "capacity-block") == Decimal("35.416667")


def test_a_block_without_an_offer_today_keeps_its_price(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["DescribeCapacityBlockOfferings"] = lambda region, request: blocks()
    before = Catalogue().prices_file.prices["capacity-block"]
    report = run(tmp_path, aws, "capacity-blocks", TOKYO)
    assert (report.failures, report.items) == ({}, 0)
    assert Catalogue(user=tmp_path).prices_file.prices["capacity-block"] == before


def test_a_second_refresh_of_the_same_directory_is_refused_and_writes_nothing(
    tmp_path: Path, aws: FakeAws
) -> None:
    with (
        FileLock(tmp_path.with_name(f"{tmp_path.name}.refresh.lock")),
        pytest.raises(RefreshBusyError, match="Another"),
    ):
        refresh(["prices"], tmp_path, regions=[TOKYO], endpoint_url=aws.url, attempts=1)
    assert not (tmp_path / PRICES_FILE).exists()
