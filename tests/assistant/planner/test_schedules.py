"""Schedules: what a question says about use, money and terms, and what it leaves unsaid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assistant.planner.normalise import normalise
from assistant.planner.schedules import read_usage
from knowledge.ec2.catalogue import Catalogue
from tools.cost import CostRequest, estimate

LENGTHS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("160時間", {"hours": "160"}),
    ("1,000時間", {"hours": "1000"}),
    ("1万時間", {"hours": "10000"}),
    ("2千時間", {"hours": "2000"}),
    ("2時間30分", {"hours": "2.5"}),
    ("2時間半", {"hours": "2.5"}),
    ("90分", {"hours": "1.5"}),
    ("半日", {"hours": "12"}),
    ("一晩", {"hours": "12"}),
    ("3日と4時間", {"hours": "76"}),
    ("for 160 hours", {"hours": "160"}),
    ("1か月", {"schedule": {"months": "1"}}),
    ("1ヶ月", {"schedule": {"months": "1"}}),
    ("三か月", {"schedule": {"months": "3"}}),
    ("半年", {"schedule": {"months": "6"}}),
    ("1年", {"schedule": {"years": "1"}}),
    ("1年3か月", {"schedule": {"months": "15"}}),
    ("1週間と3日", {"schedule": {"days": "10"}}),
    ("for a week", {"schedule": {"weeks": "1"}}),
    ("月額はいくら", {"schedule": {"months": "1"}}),
)
RHYTHMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("1日8時間、月20日", {"hours_per_day": "8", "days_per_month": "20"}),
    ("一日八時間、平日だけ、三か月", {"hours_per_day": "8", "weekdays": True, "months": "3"}),
    ("平日22日毎日10時間", {"hours_per_day": "10", "days_per_month": "22", "weekdays": True}),
    ("平日8時間で1か月", {"hours_per_day": "8", "weekdays": True, "months": "1"}),
    ("毎日10時間を3か月", {"hours_per_day": "10", "months": "3"}),
    ("週3日、1日6時間を2か月", {"hours_per_day": "6", "days_per_week": "3", "months": "2"}),
    ("週40時間", {"hours_per_week": "40"}),
    ("月160時間を3か月", {"hours_per_month": "160", "months": "3"}),
    ("24時間365日", {"hours_per_day": "24"}),
    ("24時間365日動かすと年間いくら", {"hours_per_day": "24", "years": "1"}),
    ("5日間1日8時間", {"hours_per_day": "8", "days": "5"}),
    ("30日間24時間", {"hours_per_day": "24", "days": "30"}),
    (
        "12 hours per day, 5 days a week, for two months",
        {"hours_per_day": "12", "days_per_week": "5", "months": "2"},
    ),
)


def line(question: str) -> dict[str, Any]:
    return read_usage(normalise(question))[0].line_args()


@pytest.mark.parametrize(("question", "expected"), LENGTHS)
def test_lengths_are_read(question: str, expected: dict[str, Any]) -> None:
    assert line(question) == expected


@pytest.mark.parametrize(("question", "expected"), RHYTHMS)
def test_rhythms_are_read(question: str, expected: dict[str, Any]) -> None:
    assert line(question) == {"schedule": expected}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("c6i.4xlargeを10台1か月", {"count": 10, "schedule": {"months": "1"}}),
        ("8枚のH100を3日間", {"gpus": 8, "schedule": {"days": "3"}}),
        ("H100 8枚を2週間", {"gpus": 8, "schedule": {"weeks": "2"}}),
        ("8 H100s for 3 days", {"gpus": 8, "schedule": {"days": "3"}}),
        ("10 c6i.4xlarge instances for one month", {"count": 10, "schedule": {"months": "1"}}),
        ("g5.xlarge x 4 を 100時間", {"count": 4, "hours": "100"}),
    ],
)
def test_machines_and_gpus_are_counted_apart(question: str, expected: dict[str, Any]) -> None:
    assert line(question) == expected


@pytest.mark.parametrize(
    ("question", "terms", "assumed"),
    [
        ("スポットだと", ("spot",), False),
        ("オンデマンドとスポットの差", ("on-demand", "spot"), False),
        ("リザーブド1年全額前払い", ("reserved-1y-all-upfront",), False),
        ("3年リザーブド前払いなし", ("reserved-3y-no-upfront",), False),
        ("リザーブドだと", ("reserved-1y-all-upfront",), True),
        ("3年のCompute Savings Plans前払いなし", ("compute-savings-plan-3y-no-upfront",), False),
        (
            "EC2 Instance Savings Plans 1年 一部前払い",
            ("ec2-savings-plan-1y-partial-upfront",),
            False,
        ),
        ("キャパシティブロックで2週間", ("capacity-block",), False),
    ],
)
def test_terms_are_read_in_the_order_of_the_question(
    question: str, terms: tuple[str, ...], assumed: bool
) -> None:
    usage, _ = read_usage(normalise(question))
    assert (usage.terms, usage.terms_assumed) == (terms, assumed)


def test_the_years_of_a_commitment_are_no_length_of_use() -> None:
    assert line("リザーブド1年全額前払いで") == {"term": "reserved-1y-all-upfront"}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("予算100ドルでg5.xlargeは何時間?", {"budget_usd": "100"}),
        ("月10万円", {"budget_jpy": "100000"}),
        ("20万円以内で", {"budget_jpy": "200000"}),
        ("$1,500 budget", {"budget_usd": "1500"}),
        ("予算10万円、1ドル=150円", {"budget_jpy": "100000", "jpy": {"jpy_per_usd": "150"}}),
        ("1ドル155.5円で", {"jpy": {"jpy_per_usd": "155.5"}}),
        (
            "budget of 50000 yen at 150 yen per dollar",
            {"budget_jpy": "50000", "jpy": {"jpy_per_usd": "150"}},
        ),
    ],
)
def test_budgets_and_rates_are_told_apart(question: str, expected: dict[str, Any]) -> None:
    assert read_usage(normalise(question))[0].request_args() == expected


def test_a_monthly_budget_is_for_a_month() -> None:
    usage, _ = read_usage(normalise("月10万円で使えるのは?"))
    assert (usage.budget_period, usage.months) == ("month", Decimal(1))


@pytest.mark.parametrize(
    "question",
    [
        "東京だと?",
        "g5.xlargeとg6.xlargeの違いは?",
        "g5.12xlargeのGPU1枚あたりの単価",
        "2026年11月の料金",
        "11月20日時点のg5.xlargeの料金",
        "1時間2ドル以下のGPU",
        "1時間あたり 1.5ドル以下のGPU",
        "p5.48xlargeのメモリは?",
        "70bモデルは載る?",
        "128GBのメモリ",
    ],
)
def test_what_is_no_usage_is_left_alone(question: str) -> None:
    usage, rest = read_usage(normalise(question))
    assert usage.empty
    assert rest == normalise(question)


def test_what_is_read_is_masked_and_located() -> None:
    text = normalise("g5.xlargeを10台、160時間")
    usage, rest = read_usage(text)
    assert [text[span.start : span.end] for span in usage.spans] == ["10台", "160時間"]
    assert rest == "g5.xlargeを\x01\x01\x01、" + "\x01" * 5


@pytest.mark.parametrize(
    "question",
    [question for question, _ in (*LENGTHS, *RHYTHMS)]
    + [
        "平日に月160時間",
        "週5日、月20日",
        "毎日8時間、週40時間",
    ],
)
def test_everything_that_is_read_makes_a_request(catalogue: Catalogue, question: str) -> None:
    request = CostRequest.model_validate(
        {"region": "us-east-1", "lines": [{"name": "g5.xlarge", **line(question)}]}
    )
    assert estimate(catalogue, request).complete
