"""Every way a refresh of prices can fail: the remedy is named and the previous data stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from knowledge.ec2.aws_errors import (
    RefreshDeniedError,
    RefreshLoginError,
    RefreshThrottledError,
    RefreshUnreachableError,
)
from knowledge.ec2.catalogue import MANIFEST, Catalogue
from knowledge.ec2.refresh_all import PARTS, Part, RefreshOutcome, refresh
from knowledge.ec2.refresh_rows import PRICES_FILE
from knowledge.errors import RefreshError
from tests.knowledge.ec2.aws_server import (
    FakeAws,
    Reply,
    blocks,
    ec2_error,
    json_error,
    product,
    products,
    rate,
    rates,
    spot_history,
)

TODAY = date(2027, 1, 15)
TOKYO, OSAKA = "ap-northeast-1", "ap-northeast-3"
PRICED: tuple[Part, ...] = PARTS[1:]
ACTIONS: dict[Part, tuple[str, str]] = {
    "prices": ("GetProducts", "pricing:GetProducts"),
    "spot": ("DescribeSpotPriceHistory", "ec2:DescribeSpotPriceHistory"),
    "savings-plans": (
        "DescribeSavingsPlansOfferingRates",
        "savingsplans:DescribeSavingsPlansOfferingRates",
    ),
    "capacity-blocks": ("DescribeCapacityBlockOfferings", "ec2:DescribeCapacityBlockOfferings"),
}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


@pytest.fixture
def aws(login: None) -> Iterator[FakeAws]:
    server = FakeAws()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(
    target: Path, url: str, *parts: Part, regions: tuple[str, ...] = (TOKYO, OSAKA)
) -> RefreshOutcome:
    return refresh(parts, target, regions=regions, endpoint_url=url, attempts=1, today=TODAY)


def refused(part: Part, code: str, status: int = 400) -> Reply:
    return (
        json_error(code, status) if part in ("prices", "savings-plans") else ec2_error(code, status)
    )


def good(part: Part) -> Reply:
    if part == "prices":
        return products(product("g5.xlarge", "1.5"))
    return (
        rates(rate("g5.xlarge", "1"))
        if part == "savings-plans"
        else spot_history(("g5.xlarge", "a", "0.5"))
    )


@pytest.mark.usefixtures("no_aws")
@pytest.mark.parametrize("part", PRICED)
def test_no_credentials(target: Path, part: Part) -> None:
    with pytest.raises(RefreshLoginError, match="aws sso login"):
        run(target, "http://127.0.0.1:9", part)
    assert not target.exists()


@pytest.mark.parametrize("part", PRICED)
def test_an_expired_token_stops_at_the_first_call(target: Path, aws: FakeAws, part: Part) -> None:
    aws.answers[ACTIONS[part][0]] = lambda region, request: refused(part, "ExpiredTokenException")
    with pytest.raises(RefreshLoginError, match="expired"):
        run(target, aws.url, part)
    assert len(aws.calls) == 1
    assert not target.exists()


@pytest.mark.parametrize("part", PRICED)
def test_a_denied_call_names_the_iam_action(target: Path, aws: FakeAws, part: Part) -> None:
    action, permission = ACTIONS[part]
    aws.answers[action] = lambda region, request: refused(part, "AccessDeniedException")
    with pytest.raises(RefreshDeniedError, match=f"{permission} ") as caught:
        run(target, aws.url, part)
    assert caught.value.action == permission
    assert not target.exists()


@pytest.mark.parametrize("part", PRICED)
def test_throttling(target: Path, aws: FakeAws, part: Part) -> None:
    aws.answers[ACTIONS[part][0]] = lambda region, request: refused(part, "ThrottlingException")
    with pytest.raises(RefreshThrottledError, match="later"):
        run(target, aws.url, part)


@pytest.mark.parametrize("part", ["prices", "spot", "savings-plans"])
def test_a_throttled_call_is_tried_again(target: Path, aws: FakeAws, part: Part) -> None:
    def answer(region: str, request: dict[str, Any]) -> Reply:
        return refused(part, "ThrottlingException") if len(aws.calls) == 1 else good(part)

    aws.answers[ACTIONS[part][0]] = answer
    outcome = refresh(
        [part], target, regions=[TOKYO], endpoint_url=aws.url, attempts=3, today=TODAY
    )
    assert outcome.parts[0].regions == (TOKYO,)
    assert len(aws.calls) == 2


@pytest.mark.usefixtures("login")
def test_an_unreachable_endpoint_is_noticed_after_two_regions(target: Path) -> None:
    with pytest.raises(RefreshUnreachableError, match="network"):
        refresh(["spot"], target, endpoint_url="http://127.0.0.1:9", attempts=1)
    assert not target.exists()


@pytest.mark.parametrize("part", ["prices", "spot", "savings-plans"])
def test_a_connection_that_is_cut_costs_only_its_region(
    target: Path, aws: FakeAws, part: Part
) -> None:
    def answer(region: str, request: dict[str, Any]) -> Reply:
        if region == OSAKA:
            raise ConnectionAbortedError  # the handler dies and closes the connection
        return good(part)

    aws.answers[ACTIONS[part][0]] = answer
    before = Catalogue().prices_file.prices
    report = run(target, aws.url, part).parts[0]
    assert list(report.failures) == [OSAKA]
    assert report.regions == (TOKYO,)
    after = Catalogue(user=target).prices_file.prices
    for term in ("on-demand", "spot"):
        assert after[term][OSAKA] == before[term][OSAKA]


def test_a_connection_that_is_cut_between_two_pages_costs_the_region(
    target: Path, aws: FakeAws
) -> None:
    """Half a price list is no price list: the types on the second page would lose their price."""

    def answer(region: str, request: dict[str, Any]) -> Reply:
        if request.get("NextToken"):
            raise ConnectionAbortedError
        return (
            products(product("g5.xlarge", "1.5"), token="more")
            if region == OSAKA
            else good("prices")
        )

    aws.answers["GetProducts"] = answer
    report = run(target, aws.url, "prices").parts[0]
    assert list(report.failures) == [OSAKA]
    before, after = Catalogue().prices_file.prices, Catalogue(user=target).prices_file.prices
    assert after["on-demand"][OSAKA] == before["on-demand"][OSAKA]


@pytest.mark.parametrize(
    ("part", "reply"),
    [
        ("prices", (200, "<html>Please log in</html>")),
        ("prices", (200, '{"PriceList": ["not json"]}')),
        ("prices", (200, '{"FormatVersion": "aws_v1"}')),
        ("prices", products({"product": {"attributes": {}}})),
        ("prices", products({"product": {"attributes": {"instanceType": "g5.xlarge"}}})),
        ("prices", products(product("g5.xlarge", "1") | {"terms": []})),
        ("prices", products(product("g5.xlarge", "free"))),
        ("prices", products(product("g5.xlarge", "0.0000000000"))),
        ("prices", products()),
        ("savings-plans", (200, "{}")),
        ("savings-plans", rates({"savingsPlanOffering": {}})),
        ("savings-plans", rates(rate("g5.xlarge", "cheap"))),
        ("spot", (200, "<html>Please log in</html>")),
        ("spot", spot_history(("g5.xlarge", "a", "cheap"))),
        ("spot", spot_history()),
        ("capacity-blocks", blocks(("p5.48xlarge", "cheap", 24, 1))),
        ("capacity-blocks", (200, "<html>Please log in</html>")),
    ],
)
def test_a_reply_of_another_shape_changes_nothing(
    target: Path, aws: FakeAws, part: Part, reply: Reply
) -> None:
    aws.answers[ACTIONS[part][0]] = lambda region, request: reply
    with pytest.raises(RefreshError):
        run(target, aws.url, part)
    assert not target.exists()


def test_one_denied_part_leaves_the_others(target: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: json_error("AccessDeniedException")
    aws.answers["DescribeSpotPriceHistory"] = lambda region, request: good("spot")
    denied, fetched = run(target, aws.url, "prices", "spot").parts
    assert denied.error is not None
    assert "pricing:GetProducts" in denied.error
    assert (fetched.error, fetched.regions) == (None, (TOKYO, OSAKA))


def test_parts_are_refreshed_one_upon_the_other(target: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: good("prices")
    aws.answers["DescribeSpotPriceHistory"] = lambda region, request: good("spot")
    run(target, aws.url, "prices", "spot")
    catalogue = Catalogue(user=target)
    sources = [catalogue.purchase("g5.xlarge", TOKYO, term) for term in ("on-demand", "spot")]
    assert [item.source for item in sources if item.status == "price"] == [
        f"aws-prices-{TODAY}",
        f"aws-spot-{TODAY}",
    ]


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"\xff\xfe", b'{"sources":[],"prices":{"free":{}}}']
)
def test_a_damaged_user_file_falls_back_to_the_packaged_one_and_says_so(
    target: Path, aws: FakeAws, damage: bytes
) -> None:
    aws.answers["GetProducts"] = lambda region, request: good("prices")
    run(target, aws.url, "prices")
    (target / PRICES_FILE).write_bytes(damage)
    catalogue = Catalogue(user=target)
    assert catalogue.prices_file == Catalogue().prices_file
    assert [PRICES_FILE in warning for warning in catalogue.warnings] == [True]


def test_a_refresh_after_damage_repairs_the_file(target: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: good("prices")
    run(target, aws.url, "prices")
    good_file = (target / PRICES_FILE).read_bytes()
    (target / PRICES_FILE).write_bytes(b"")
    run(target, aws.url, "prices")
    assert (target / PRICES_FILE).read_bytes() == good_file


def test_a_kill_between_the_two_files_is_never_read_as_data(target: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: good("prices")
    run(target, aws.url, "prices")
    old_manifest = (target / MANIFEST).read_bytes()
    aws.answers["GetProducts"] = lambda region, request: products(product("g5.xlarge", "9"))
    run(target, aws.url, "prices")
    (target / MANIFEST).write_bytes(old_manifest)
    catalogue = Catalogue(user=target)
    assert catalogue.prices_file == Catalogue().prices_file
    assert catalogue.warnings


def test_a_target_that_cannot_be_written(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: good("prices")
    (tmp_path / "file").write_text("")
    with pytest.raises(RefreshError, match="cannot be written"):
        run(tmp_path / "file" / "catalogue", aws.url, "prices")


def test_a_failed_refresh_leaves_no_temporary_files(target: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: good("prices")
    run(target, aws.url, "prices")
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    aws.answers["GetProducts"] = lambda region, request: json_error("InternalFailure", 500)
    with pytest.raises(RefreshError):
        run(target, aws.url, "prices")
    assert before == {path.name: path.read_bytes() for path in target.iterdir()}


def test_progress_is_told_by_part_and_region(target: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: good("prices")
    lines: list[str] = []
    refresh(
        ["prices"],
        target,
        regions=[TOKYO],
        endpoint_url=aws.url,
        attempts=1,
        today=TODAY,
        progress=lines.append,
    )
    assert lines == [f"prices: {TOKYO}: 1 prices (1/1)"]
