"""Refresh through the assistant: a report in words, and errors of the kind that exit codes need."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.errors import (
    AssistantError,
    AuthenticationError,
    ThrottledError,
    UnreachableError,
)
from assistant.refresh_report import describe_refresh, refresh_error
from assistant.settings import Settings
from knowledge.ec2.aws_errors import (
    RefreshDeniedError,
    RefreshLoginError,
    RefreshThrottledError,
    RefreshUnreachableError,
)
from knowledge.ec2.refresh_all import PARTS, PartReport, RefreshOutcome
from knowledge.errors import RefreshError
from tests.knowledge.ec2.aws_server import FakeAws, json_error, product, products, spot_history

TOKYO, OSAKA = "ap-northeast-1", "ap-northeast-3"
DAY = date(2027, 1, 15)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = FakeAws()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def refresh(assistant: Assistant, aws: FakeAws, *what: str, language: str = "ja") -> str:
    return assistant.refresh_catalogue(
        what=what, language=language, regions=[TOKYO], endpoint_url=aws.url, attempts=1
    )


def test_a_refresh_is_used_by_the_next_assistant(tmp_path: Path, aws: FakeAws) -> None:
    aws.answers["GetProducts"] = lambda region, request: products(product("g5.xlarge", "1.25"))
    settings = Settings(data_dir=tmp_path, log=False)
    report = refresh(Assistant(settings), aws, "prices")
    assert "**オンデマンドとリザーブドの料金**: 1 リージョンから 1 件" in report
    assert str(settings.catalogue_dir) in report
    text = Assistant(settings).ask("g5.xlargeを100時間使うといくら?").answer
    assert "125.00 USD" in text


def test_a_part_that_was_denied_is_named_beside_the_one_that_was_not(
    tmp_path: Path, aws: FakeAws
) -> None:
    aws.answers["GetProducts"] = lambda region, request: json_error("AccessDeniedException")
    aws.answers["DescribeSpotPriceHistory"] = lambda region, request: spot_history(
        ("g5.xlarge", "a", "0.5")
    )
    report = refresh(Assistant(Settings(data_dir=tmp_path)), aws, "spot", "prices", language="en")
    assert "on-demand and reserved prices**: not refreshed" in report
    assert "pricing:GetProducts" in report
    assert "spot prices**: 1 from 1 regions" in report


def test_regions_that_keep_their_data_are_listed_with_the_cause() -> None:
    part = PartReport(
        part="specs",
        as_of=DAY,
        regions=(TOKYO,),
        failures={OSAKA: "no answer"},
        items=9,
        added=("c9i.large",),
        withdrawn=("c4.large",),
    )
    outcome = RefreshOutcome(target="/data", parts=(part,))
    japanese, english = describe_refresh(outcome, "ja"), describe_refresh(outcome, "en")
    assert "ap-northeast-3 は以前のデータのまま: no answer" in japanese
    assert "新しい種類: c9i.large" in japanese
    assert "No longer listed: c4.large" in english


@pytest.mark.parametrize(
    ("error", "kind", "code", "word"),
    [
        (RefreshLoginError("none", everywhere=True), AuthenticationError, 4, "aws sso login"),
        (
            RefreshDeniedError("no", action="pricing:GetProducts"),
            AuthenticationError,
            4,
            "pricing:GetProducts",
        ),
        (RefreshUnreachableError("off"), UnreachableError, 5, "接続できません"),
        (RefreshThrottledError("slow"), ThrottledError, 6, "時間をおいて"),
        (RefreshError("odd"), AssistantError, 1, "以前のデータ"),
    ],
)
def test_each_failure_has_its_exit_code_and_remedy(
    error: RefreshError, kind: type[AssistantError], code: int, word: str
) -> None:
    found = refresh_error(error)
    assert isinstance(found, kind)
    assert found.exit_code == code
    assert word in found.message("ja")


def test_every_part_has_a_name_in_both_languages() -> None:
    parts = tuple(PartReport(part=part, as_of=DAY, items=1) for part in PARTS)
    for language in ("ja", "en"):
        lines = describe_refresh(RefreshOutcome(target="x", parts=parts), language).split("\n")
        assert len(lines) == len(PARTS) + 1
        assert len(set(lines)) == len(lines)
