"""Questions about costs: an exchange rate in a sentence of its own, and SageMaker's names."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assistant.planner.entities import EntityReader
from assistant.planner.route import route
from assistant.planner.understand import Understander
from knowledge.ec2.catalogue import Catalogue


@pytest.fixture(scope="module")
def understander() -> Understander:
    return Understander(EntityReader(Catalogue()))


@pytest.mark.parametrize(
    "question",
    [
        "月10万円でg5.xlargeは何時間?1ドル150円",
        "1ドル150円で計算して。月10万円でg5.xlargeは何時間?",
        "予算は月10万円、1ドル150円でg5.xlargeは何時間?",
    ],
)
def test_a_rate_said_anywhere_holds_for_the_whole_question(
    understander: Understander, question: str
) -> None:
    (request,) = understander.understand(question).requests
    assert request.intent == "cost"
    assert request.usage is not None
    assert request.usage.jpy_per_usd == Decimal(150)
    assert request.usage.budget_jpy == Decimal(100_000)


def test_a_rate_is_no_price_condition_of_a_search(understander: Understander) -> None:
    requests = understander.understand("一番安いGPUインスタンスは?1ドル150円").requests
    assert [request.quantities for request in requests] == [()]


@pytest.mark.parametrize("question", ["ml.g5.xlargeを100時間でいくら?", "ml.g5.xlargeの料金は?"])
def test_a_sagemaker_name_keeps_its_prefix_for_costs(
    understander: Understander, question: str
) -> None:
    (request,) = understander.understand(question).requests
    (call,) = route(request)
    assert call.name == "estimate_cost"
    assert call.args["lines"][0]["name"] == "ml.g5.xlarge"


def test_a_sagemaker_name_is_looked_up_like_its_instance(understander: Understander) -> None:
    (request,) = understander.understand("ml.g5.xlargeのGPUは?").requests
    (call,) = route(request)
    assert (call.name, call.args["names"]) == ("describe_instances", ["g5.xlarge"])
