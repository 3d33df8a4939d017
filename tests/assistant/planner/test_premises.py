"""What is stated about more than one figure, and what a statement denies."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assistant.planner.clock import CLOCK, hours_between
from assistant.planner.entities import EntityReader
from assistant.planner.negation import denies
from assistant.planner.normalise import normalise
from assistant.planner.premises import Premise
from knowledge.ec2.catalogue import Catalogue, load_catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return load_catalogue()


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("平日9時から18時", "9"),
        ("9:30〜18時", "8.5"),
        ("22時から翌6時まで", "8"),
        ("午後1時から5時半まで", "4.5"),
        ("9am to 5pm", "8"),
        ("0時から24時", "24"),
    ],
)
def test_clock_times_give_hours_a_day(text: str, hours: str) -> None:
    match = CLOCK.search(text)
    assert match is not None
    assert hours_between(match) == Decimal(hours)


@pytest.mark.parametrize("text", ["9時間から18時間", "16〜32vcpu", "g5.xlarge to g6.xlarge"])
def test_lengths_and_ranges_are_no_clock_times(text: str) -> None:
    assert CLOCK.search(text) is None


@pytest.mark.parametrize(
    ("question", "premise"),
    [
        ("c7gのサイズって10種類あるはず", Premise("sizes", count=10)),
        ("g5は8サイズ展開ですよね", Premise("sizes", count=8)),
        ("p4deとp4dは同じGPUメモリでしょ?", Premise("same")),
        ("p4deとp4dのGPUメモリは違うよね", Premise("same", denied=True)),
        ("g4dn.xlargeは東京も大阪も同じ値段?", Premise("same")),
        ("H100を積むのはp5だけ?", Premise("only", names=("p5",))),
        ("東京で一番安いGPUはg4dn.xlargeだよね", Premise("first", names=("g4dn.xlarge",))),
        ("c6iとc7iで何が同じ?", None),
        ("g5.xlargeだけで学習できますか", None),
        ("一番安いGPUはどれですか", None),
    ],
)
def test_premise_of_a_question(
    catalogue: Catalogue, question: str, premise: Premise | None
) -> None:
    found = EntityReader(catalogue).read(normalise(question))
    found.read_premise(asserted=True)
    assert found.premise == premise


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("c6idはローカルssdなしだった", True),
        ("c7gn、ベアメタルなかったよね", True),
        ("g5にnvlinkはないですよね", True),
        ("g5はarmではないですよね", True),
        ("nvme付いてなかったっけ", False),
        ("l40sじゃない?", False),
        ("efaに対応しているはず", False),
    ],
)
def test_what_a_statement_denies(text: str, denied: bool) -> None:
    assert denies(text) is denied
