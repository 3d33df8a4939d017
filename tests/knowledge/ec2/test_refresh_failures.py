"""Every way a refresh can fail: a typed error that names the remedy, and the old data untouched."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge.ec2.aws_errors import (
    RefreshDeniedError,
    RefreshLoginError,
    RefreshThrottledError,
    RefreshUnreachableError,
)
from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.refresh import aws_source, main, refresh_specs
from knowledge.errors import RefreshError

if TYPE_CHECKING:
    from tests.knowledge.ec2.conftest import FakeEc2, Reply

TOKYO, OSAKA = "ap-northeast-1", "ap-northeast-3"
TODAY = Catalogue().specs_as_of
REPOSITORY = Path(__file__).parents[3]


def refresh(target: Path, endpoint_url: str, *regions: str) -> None:
    refresh_specs(
        target,
        regions=regions or (TOKYO, OSAKA),
        source=aws_source(TODAY),
        endpoint_url=endpoint_url,
        attempts=1,
    )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


@pytest.mark.usefixtures("no_aws")
def test_no_credentials(target: Path) -> None:
    with pytest.raises(RefreshLoginError, match="aws sso login"):
        refresh(target, "http://127.0.0.1:9")
    assert not target.exists()


@pytest.mark.usefixtures("no_aws")
def test_a_profile_that_does_not_exist(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RefreshLoginError, match="nobody"):
        refresh(target, "http://127.0.0.1:9")


@pytest.mark.parametrize("code", ["ExpiredToken", "RequestExpired"])
def test_expired_credentials_stop_at_the_first_region(
    target: Path, fake_ec2: FakeEc2, code: str
) -> None:
    fake_ec2.always_refuse(code)
    with pytest.raises(RefreshLoginError, match="expired"):
        refresh(target, fake_ec2.url)
    assert len(fake_ec2.calls) == 1
    assert not target.exists()


def test_credentials_that_no_region_accepts(target: Path, fake_ec2: FakeEc2) -> None:
    fake_ec2.always_refuse("AuthFailure", 401)
    with pytest.raises(RefreshLoginError, match="not enabled for the account"):
        refresh(target, fake_ec2.url)


def test_a_region_that_is_not_enabled_is_skipped(target: Path, fake_ec2: FakeEc2) -> None:
    fake_ec2.answer = lambda action, region, _: (
        fake_ec2.error("AuthFailure", 401) if region == OSAKA else fake_ec2.reply(action, region)
    )
    refresh(target, fake_ec2.url)
    assert Catalogue(user=target).types["c6i.large"].clock_ghz == 9.9


@pytest.mark.parametrize("action", ["DescribeInstanceTypes", "DescribeInstanceTypeOfferings"])
def test_a_denied_call_names_the_iam_action(target: Path, fake_ec2: FakeEc2, action: str) -> None:
    fake_ec2.answer = lambda called, region, _: (
        fake_ec2.error("UnauthorizedOperation")
        if called == action
        else fake_ec2.reply(called, region)
    )
    with pytest.raises(RefreshDeniedError, match=f"ec2:{action} ") as caught:
        refresh(target, fake_ec2.url)
    assert caught.value.action == f"ec2:{action}"
    assert not target.exists()


def test_a_denial_in_one_region_only_costs_that_region(target: Path, fake_ec2: FakeEc2) -> None:
    fake_ec2.answer = lambda action, region, _: (
        fake_ec2.error("UnauthorizedOperation")
        if region == TOKYO
        else fake_ec2.reply(action, region)
    )
    refresh(target, fake_ec2.url)
    assert OSAKA in Catalogue(user=target).types["c6i.large"].regions


def test_throttling(target: Path, fake_ec2: FakeEc2) -> None:
    fake_ec2.always_refuse("RequestLimitExceeded", 503)
    with pytest.raises(RefreshThrottledError, match="later"):
        refresh(target, fake_ec2.url)


def test_a_throttled_call_is_tried_again(target: Path, fake_ec2: FakeEc2) -> None:
    def answer(action: str, region: str, _: dict[str, str]) -> Reply:
        first = len(fake_ec2.calls) == 1
        return (
            fake_ec2.error("RequestLimitExceeded", 503) if first else fake_ec2.reply(action, region)
        )

    fake_ec2.answer = answer
    report = refresh_specs(
        target, regions=[TOKYO], source=aws_source(TODAY), endpoint_url=fake_ec2.url, attempts=3
    )
    assert report.regions == (TOKYO,)
    assert len(fake_ec2.calls) == 3


@pytest.mark.usefixtures("login")
def test_an_unreachable_endpoint_is_noticed_after_two_regions(target: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(RefreshUnreachableError, match="network"):
            refresh_specs(target, endpoint_url=url, attempts=1)
    assert time.monotonic() - started < 5
    assert not target.exists()


def test_a_connection_that_is_cut_in_one_region(target: Path, fake_ec2: FakeEc2) -> None:
    def answer(action: str, region: str, _: dict[str, str]) -> Reply:
        if region == OSAKA:
            raise ConnectionAbortedError  # the handler dies and closes the connection
        return fake_ec2.reply(action, region)

    fake_ec2.answer = answer
    fake_ec2.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    before = Catalogue().types["g5.xlarge"]
    report = refresh_specs(
        target,
        regions=[TOKYO, OSAKA],
        source=aws_source(TODAY),
        endpoint_url=fake_ec2.url,
        attempts=1,
    )
    assert "cannot be reached" in report.failures[OSAKA]
    after = Catalogue(user=target).types["g5.xlarge"]
    assert (OSAKA in after.regions) == (OSAKA in before.regions)


@pytest.mark.parametrize("page", ["<html>Please log in</html>", "not XML", ""])
def test_a_proxy_page_instead_of_an_answer(target: Path, fake_ec2: FakeEc2, page: str) -> None:
    fake_ec2.always_answer((200, page))
    with pytest.raises(RefreshError):
        refresh(target, fake_ec2.url)
    assert not target.exists()


@pytest.mark.usefixtures("login")
def test_a_malformed_endpoint(target: Path) -> None:
    with pytest.raises(RefreshError, match="endpoint"):
        refresh(target, "127.0.0.1")


@pytest.mark.usefixtures("login")
def test_a_region_that_cannot_be_one(target: Path) -> None:
    with pytest.raises(RefreshError, match="not a region"):
        refresh(target, "http://127.0.0.1:9", "not a region")


def test_a_target_that_cannot_be_written(tmp_path: Path, fake_ec2: FakeEc2) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RefreshError, match="cannot be written"):
        refresh(tmp_path / "file" / "catalogue", fake_ec2.url)


def test_a_failed_refresh_keeps_the_previous_one(target: Path, fake_ec2: FakeEc2) -> None:
    refresh(target, fake_ec2.url)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    fake_ec2.always_refuse("InternalError", 500)
    with pytest.raises(RefreshError):
        refresh(target, fake_ec2.url)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


def test_a_killed_refresh_keeps_the_previous_one(target: Path, fake_ec2: FakeEc2) -> None:
    refresh(target, fake_ec2.url)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    asked = threading.Event()

    def hang(action: str, region: str, _: dict[str, str]) -> Reply:
        if action == "DescribeInstanceTypes":
            asked.set()
            time.sleep(30)
        return fake_ec2.reply(action, region)

    fake_ec2.answer = hang
    command = [sys.executable, "-m", "knowledge.ec2.refresh", "--into", str(target)]
    command += ["--endpoint-url", fake_ec2.url, "--region", TOKYO]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    assert asked.wait(30)
    process.kill()
    process.wait()
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


def test_the_command_prints_the_error_and_no_traceback(
    target: Path, fake_ec2: FakeEc2, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_ec2.always_refuse("UnauthorizedOperation")
    arguments = ["--into", str(target), "--endpoint-url", fake_ec2.url, "--region", TOKYO]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "ec2:DescribeInstanceTypeOfferings" in error
    assert "Traceback" not in error
