"""Answers about costs: what they say, that the number lock accepts it, and that it refuses lies."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from assistant.grounding import NumberLock
from assistant.planner.compose import Composition, compose_result
from assistant.planner.compose.context import Draft
from assistant.planner.compose.cost import cost
from assistant.planner.compose.phrases import Phrases
from assistant.planner.request import Request
from assistant.planner.vocabulary import table
from knowledge.ec2.catalogue import Catalogue
from tools.cost import CostEstimate, CostRequest, estimate

TODAY = date(2026, 11, 23)
VIRGINIA = "us-east-1"
G5: dict[str, Any] = {"name": "g5.xlarge"}
REQUESTS: dict[str, dict[str, Any]] = {
    "hours": {"lines": [G5 | {"hours": 160}], "jpy": {"jpy_per_usd": 150, "as_of": "2026-11-20"}},
    "schedule": {"lines": [G5 | {"schedule": {"hours_per_day": 8, "days_per_month": 20}}]},
    "daily": {"lines": [G5 | {"schedule": {"hours_per_day": 10, "months": 3}}]},
    "weekly": {"lines": [G5 | {"schedule": {"hours_per_week": 40, "months": 2}}]},
    "minutes": {"lines": [G5 | {"hours": "1.6666666667"}]},
    "unsaid": {"lines": [{"name": "g5.12xlarge"}]},
    "family": {"lines": [{"name": "g5", "hours": 10}]},
    "many": {"lines": [{"name": "c6i.4xlarge", "count": 10, "schedule": {"months": 1}}]},
    "gpus": {"lines": [{"name": "H100", "gpus": 8, "schedule": {"days": 3}}]},
    "one_gpu": {"lines": [{"name": "L4", "schedule": {"weeks": 2}}]},
    "slices": {"lines": [{"name": "g6f.large", "schedule": {"months": 1}}], "region": VIRGINIA},
    "spot": {"lines": [G5 | {"schedule": {"weekdays": True, "hours_per_day": 10}, "term": "spot"}]},
    "block": {"lines": [{"name": "p5.48xlarge", "hours": 30, "term": "capacity-block"}]},
    "block3": {
        "lines": [{"name": "p5.48xlarge", "count": 3, "hours": 400, "term": "capacity-block"}]
    },
    "reserved": {
        "lines": [G5 | {"schedule": {"years": 1}, "term": "reserved-1y-all-upfront"}],
        "region": VIRGINIA,
    },
    "reserved_loss": {
        "lines": [
            G5
            | {
                "schedule": {"hours_per_day": 8, "days_per_month": 20},
                "term": "reserved-1y-all-upfront",
            }
        ],
        "region": VIRGINIA,
    },
    "reserved_whole": {
        "lines": [G5 | {"hours": 1, "term": "reserved-1y-all-upfront"}],
        "region": VIRGINIA,
    },
    "break_even": {"lines": [G5 | {"hours": 160}], "region": VIRGINIA},
    "unknown_term": {"lines": [G5 | {"hours": 1, "term": "compute-savings-plan-3y-no-upfront"}]},
    "unknown": {"lines": [{"name": "c8a.large", "hours": 1}]},
    "not_offered": {"lines": [{"name": "p6-b200.48xlarge", "hours": 24}]},
    "osaka": {"lines": [{"name": "p4d.24xlarge", "hours": 10}], "region": "ap-northeast-3"},
    "sagemaker": {"lines": [{"name": "ml.g5.xlarge", "hours": 1}]},
    "budget_hours": {"lines": [G5], "budget_usd": 100},
    "budget_count": {"lines": [G5 | {"count": 2}], "budget_usd": 100},
    "budget_reserved": {
        "lines": [G5 | {"count": 3, "schedule": {"months": 1}, "term": "reserved-1y-all-upfront"}],
        "region": VIRGINIA,
        "budget_usd": 100,
    },
    "budget_none": {"lines": [G5 | {"count": 3, "schedule": {"months": 1}}], "budget_usd": 100},
    "budget_fits": {"lines": [G5 | {"hours": 10}], "budget_usd": 100},
    "budget_over": {
        "lines": [G5 | {"schedule": {"months": 1}}],
        "budget_jpy": 100000,
        "jpy": {"jpy_per_usd": 150},
    },
    "budget_many": {"lines": [G5, {"name": "g6.xlarge"}], "budget_usd": 50},
    "sum": {"lines": [G5 | {"hours": 100}, {"name": "g6.xlarge", "count": 2, "hours": 50}]},
    "partial": {"lines": [G5 | {"hours": 100}, {"name": "c8a.large", "count": 3, "hours": 100}]},
    "choices": {
        "lines": [G5 | {"hours": 100}, {"name": "g6.xlarge", "hours": 100}],
        "alternatives": True,
    },
    "choices3": {
        "lines": [
            G5 | {"hours": 9},
            {"name": "g6.xlarge", "hours": 9},
            {"name": "g4dn.xlarge", "hours": 9},
        ],
        "alternatives": True,
    },
    "regions": {
        "lines": [G5 | {"hours": 9}, G5 | {"hours": 9, "region": VIRGINIA}],
        "alternatives": True,
    },
    "terms": {
        "lines": [G5 | {"hours": 9}, G5 | {"hours": 9, "term": "spot"}],
        "alternatives": True,
    },
    "ebs": {"lines": [G5 | {"hours": 9}], "ebs_gb": 500},
}


@pytest.fixture(scope="module")
def lock(catalogue: Catalogue) -> NumberLock:
    return NumberLock(catalogue)


def result_of(catalogue: Catalogue, name: str) -> CostEstimate:
    request = {"region": "ap-northeast-1"} | REQUESTS[name]
    return estimate(catalogue, CostRequest.model_validate(request))


def answer(catalogue: Catalogue, name: str, language: Any = "ja") -> Composition:
    return compose_result(
        result_of(catalogue, name), language, regions=catalogue.regions, today=TODAY
    )


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", REQUESTS)
def test_every_figure_of_an_answer_is_supported(
    catalogue: Catalogue, lock: NumberLock, name: str, language: Any
) -> None:
    said = answer(catalogue, name, language)
    verdict = lock.check(said.text, [result_of(catalogue, name)], quoted=said.quoted)
    assert [(m.text, m.segment) for m in verdict.unsupported] == []
    assert verdict.unknown_names == []


@pytest.mark.parametrize("factor", ["2", "0.5", "1.1", "10"])
@pytest.mark.parametrize(
    "name", ["hours", "schedule", "many", "spot", "budget_fits", "sum", "choices"]
)
def test_a_falsified_amount_is_refused(
    catalogue: Catalogue, lock: NumberLock, name: str, factor: str
) -> None:
    """Each amount of the answer in turn, changed by a factor: none of them gets through."""
    result, text = result_of(catalogue, name), answer(catalogue, name).text
    body = text[: text.index("含まないもの")]
    lies = 0
    for match in re.finditer(r"[\d,]+\.\d\d(?= USD)", body):
        changed = Decimal(match[0].replace(",", "")) * Decimal(factor)
        lie = f"{body[: match.start()]}{changed:.2f}{body[match.end() :]}"
        found = lock.check(lie, [result]).unsupported
        lies += any(f"{changed:.2f}" in mention.text for mention in found)
    assert lies >= 0.9 * len(re.findall(r"[\d,]+\.\d\d(?= USD)", body))


def test_the_amount_of_a_month_is_not_that_of_a_year(
    catalogue: Catalogue, lock: NumberLock
) -> None:
    result = result_of(catalogue, "hours")
    assert lock.check("g5.xlarge は 1 年 12,780.84 USD です。", [result]).passed
    assert not lock.check("g5.xlarge は 1 か月 12,780.84 USD です。", [result]).passed
    assert not lock.check("g5.xlarge は 1 年 1,065.07 USD です。", [result]).passed


def test_a_price_of_another_region_is_not_this_one(catalogue: Catalogue, lock: NumberLock) -> None:
    result = result_of(catalogue, "hours")
    assert lock.check("バージニア北部の g5.xlarge は 160.96 USD です。", [result]).passed
    assert not lock.check("東京の g5.xlarge は 160.96 USD です。", [result]).passed


def test_yen_appear_only_with_a_rate_and_its_date(catalogue: Catalogue) -> None:
    assert "円" not in answer(catalogue, "schedule").text
    said = answer(catalogue, "hours").text
    assert "233.44 USD(35,016 円)" in said
    assert "1 USD = 150 円(2026-11-20 のレート)で換算した税別" in said


def test_an_estimated_price_says_so(catalogue: Catalogue) -> None:
    assert "推定" in answer(catalogue, "many").text.split("\n")[0]
    assert "推定" not in answer(catalogue, "schedule").text.split("\n")[0]
    assert "estimate" in answer(catalogue, "many", "en").text.split("\n")[0]


def test_not_offered_in_tokyo_names_osaka_the_nearest_region_and_its_price(
    catalogue: Catalogue,
) -> None:
    text = answer(catalogue, "not_offered").text
    assert text.startswith("**p6-b200.48xlarge は東京ではオンデマンドで提供されていない")
    assert "大阪でも提供されていません" in text
    assert re.search(r"オレゴンで、113\.9328 USD/時、同じ使い方で 2,734\.39 USD", text)


def test_a_nearer_region_tells_how_much_dearer_it_is(catalogue: Catalogue) -> None:
    text = answer(catalogue, "osaka").text
    assert "東京で提供されています" in text
    assert "最も安いオレゴンとの差は 81.40 USD です" in text


def test_an_unknown_rate_names_the_command_that_fills_it(catalogue: Catalogue) -> None:
    text = answer(catalogue, "unknown_term").text
    assert "`ask catalog refresh savings-plans --region ap-northeast-1`" in text
    assert "Compute Savings Plans 3 年・前払いなし" in text


def test_what_has_no_price_is_named_beside_the_partial_total(catalogue: Catalogue) -> None:
    text = answer(catalogue, "partial").text
    assert "料金が分かる分の合計は 145.90 USD です。c8a.large は料金がない" in text


def test_assumptions_and_exclusions_are_stated(catalogue: Catalogue) -> None:
    text = answer(catalogue, "spot").text
    assert "前提: 期間は 1 か月、平日は 1 か月 22 日。" in text
    assert "含まないもの: 消費税、EBS、データ転送、パブリック IPv4。" in text
    assert "EBS 500 GB(料金が未収録)" in answer(catalogue, "ebs").text


def test_a_question_how_long_leads_with_the_hours_even_within_a_conversation(
    catalogue: Catalogue, lock: NumberLock
) -> None:
    """The schedule of the question before still stands in the request."""
    result = result_of(catalogue, "budget_over")
    draft = Draft(Phrases("ja", catalogue.regions), TODAY)
    cost(draft, Request(intent="describe", text="予算10万円だと何時間?"), result)
    assert draft.blocks[0].startswith("**予算 100,000 円(666.67 USD)なら、g5.xlarge を 456.93 時間")
    assert lock.check("\n\n".join(draft.blocks), [result]).passed


@pytest.mark.parametrize(
    ("name", "warning"), [("spot", "refresh spot"), ("block", "refresh capacity-blocks")]
)
def test_old_spot_and_block_prices_warn(catalogue: Catalogue, name: str, warning: str) -> None:
    assert warning in answer(catalogue, name).text


def test_prices_are_cited_with_their_dates(catalogue: Catalogue) -> None:
    said = answer(catalogue, "schedule")
    assert {str(item.as_of) for item in said.citations} == {"2026-02-01", "2026-07-20"}
    assert all(item.title in said.text for item in said.citations)


def test_both_languages_have_the_same_phrases() -> None:
    phrases = table("phrases_cost")
    assert set(phrases["ja"]) == set(phrases["en"])
    for key, text in phrases["ja"].items():
        fields = set(re.findall(r"{(\w+)}", text))
        assert set(re.findall(r"{(\w+)}", phrases["en"][key])) <= fields | {"what"}, key
