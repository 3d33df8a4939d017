"""Searches that start from a machine, and follow-ups about the winner of a search."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.planner.brain import Planner
from assistant.planner.request import Request
from knowledge.ec2.catalogue import load_catalogue


@pytest.fixture(scope="module")
def planner() -> Planner:
    """A planner over the shipped catalogue."""
    return Planner(load_catalogue())


def _last(planner: Planner, *turns: str) -> Request:
    plan = planner.plan(turns[-1], turns[:-1])
    return plan.understanding.requests[-1]


def _conditions(request: Request) -> dict[str, str]:
    return {q.attribute: f"{q.op}{q.value.normalize():f}" for q in request.quantities}


def test_cheaper_with_the_same_memory_is_a_search(planner: Planner) -> None:
    request = _last(planner, "g5.xlargeより安くて同じGPUメモリのやつ")
    assert request.intent == "find"
    assert _conditions(request) == {"gpu_memory_gb": "=24", "usd_per_hour": "<1.459"}


def test_successors_are_newer_gpus_with_at_least_the_memory(planner: Planner) -> None:
    request = _last(planner, "H100の後継は?")
    excluded = {subject.key for subject in request.excluded}
    assert {"A100-80GB", "L40S", "H100"} <= excluded
    assert not {"H200", "B200", "B300"} & excluded
    assert _conditions(request) == {"gpu_memory_gb": ">=80"}


@pytest.mark.parametrize(
    ("turns", "name"),
    [
        (("東京で一番安いH100は?", "それを10時間使うと?"), "p5.4xlarge"),
        (("c7gnの最大サイズ", "それのネットワーク帯域は"), "c7gn.16xlarge"),
        (("g6.12xlargeとg5.12xlarge比べて", "安いほうを月200時間だと?"), "g6.12xlarge"),
    ],
)
def test_it_means_the_winner_of_the_search_before(
    planner: Planner, turns: Sequence[str], name: str
) -> None:
    assert [subject.key for subject in _last(planner, *turns).subjects] == [name]


def test_the_subject_lasts_over_twenty_follow_ups(planner: Planner) -> None:
    turns = ["p5.48xlargeの値段", *["メモリは?", "vCPUは?"] * 10, "クロックは?"]
    assert [subject.key for subject in _last(planner, *turns).subjects] == ["p5.48xlarge"]


def test_a_name_that_stands_alone_belongs_to_the_question_before(planner: Planner) -> None:
    request = _last(planner, "スポットならオンデマンドより何%安い?g5.xlarge")
    assert (request.intent, request.subjects[0].key) == ("cost", "g5.xlarge")
