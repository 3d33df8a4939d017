"""Questions about costs that say something for each name, each person or each region."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.planner.entities import EntityReader
from assistant.planner.route import route
from assistant.planner.understand import Understander
from knowledge.ec2.catalogue import Catalogue


@pytest.fixture(scope="module")
def understander() -> Understander:
    return Understander(EntityReader(Catalogue()))


def cost_call(understander: Understander, question: str) -> dict[str, Any]:
    """Return the arguments of the one call for costs."""
    requests = understander.understand(question).requests
    (call,) = [c for r in requests for c in route(r) if c.name == "estimate_cost"]
    return call.args


def test_each_name_keeps_its_own_length(understander: Understander) -> None:
    args = cost_call(understander, "g7e.2xlargeを1か月と、g6e.2xlargeを2か月、それぞれいくら?")
    assert [line["schedule"] for line in args["lines"]] == [{"months": "1"}, {"months": "2"}]
    assert args["alternatives"]


def test_counts_by_name_share_the_length_behind_them_and_add_up(
    understander: Understander,
) -> None:
    args = cost_call(understander, "c6i.32xlarge一台とg5.xlarge四台を同時に10時間動かした合計")
    lines = [(line["name"], line["count"], line["hours"]) for line in args["lines"]]
    assert lines == [("c6i.32xlarge", 1, "10"), ("g5.xlarge", 4, "10")]
    assert "alternatives" not in args


def test_one_for_each_of_five_people_is_five(understander: Understander) -> None:
    args = cost_call(understander, "5人のチームにg4dn.xlargeを1台ずつ、1日8時間×20日で月いくら?")
    assert args["lines"][0]["count"] == 5


def test_days_of_this_week_are_a_length_not_a_rhythm(understander: Understander) -> None:
    args = cost_call(understander, "g7e.12xlargeを今週5日×10h回したい、金額は?")
    assert args["lines"][0]["schedule"] == {"hours_per_day": "10", "days": "5"}


def test_a_weekend_of_48_hours_is_48_hours(understander: Understander) -> None:
    args = cost_call(understander, "g6.48xlargeが土日48時間動きっぱなしだった。被害額は?")
    assert args["lines"][0]["hours"] == "48"


def test_what_another_region_saves_is_one_estimate_over_both(understander: Understander) -> None:
    args = cost_call(understander, "g5.48xlarge、東京からオレゴンに移したら1時間あたりいくら浮く?")
    assert [line["region"] for line in args["lines"]] == ["ap-northeast-1", "us-west-2"]
    assert {line["hours"] for line in args["lines"]} == {"1"}


@pytest.mark.parametrize(
    "question", ["スポットだとg6e.2xlargeは何%安くなる?", "p4d スポットの中断率は?東京で"]
)
def test_what_spot_saves_is_asked_of_the_cost_tool(
    understander: Understander, question: str
) -> None:
    assert cost_call(understander, question)["lines"][0]["term"] == "spot"


def test_a_rate_makes_the_hourly_price_a_cost_in_yen(understander: Understander) -> None:
    args = cost_call(understander, "g5.xlarge 1時間あたり何円?1ドル=148円換算で")
    assert args["jpy"] == {"jpy_per_usd": "148"}
    assert args["lines"][0]["hours"] == "1"


@pytest.mark.parametrize(
    "question", ["g5.12xlargeのGPU1枚あたり1時間単価って?", "g6e.48xlarge L40S1枚あたりの時間単価"]
)
def test_the_price_of_one_gpu_is_asked_for_the_instance_alone(
    understander: Understander, question: str
) -> None:
    (line,) = cost_call(understander, question)["lines"]
    assert line["name"] in ("g5.12xlarge", "g6e.48xlarge")
