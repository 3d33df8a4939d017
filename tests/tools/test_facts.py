"""Facts are what the number lock believes: each has one subject, and families give bounds only."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue
from tools.attributes import ATTRIBUTES, BY_KEY
from tools.facts import SEARCH, Fact, fact_groups, facts_of
from tools.results import Result


def described(runner: ToolRunner, *names: str) -> Result:
    return runner.run("describe_instances", {"names": list(names)})


def by_subject(result: Result, subject: str) -> list[Fact]:
    return [fact for fact in facts_of(result) if fact.subject == subject]


def values(facts: list[Fact], attribute: str) -> set[tuple[Decimal, str]]:
    return {(fact.value, fact.bound) for fact in facts if fact.attribute == attribute}


def test_an_instances_facts_are_its_own(runner: ToolRunner, catalogue: Catalogue) -> None:
    facts = by_subject(described(runner, "g5.xlarge", "g5.2xlarge"), "g5.2xlarge")
    assert values(facts, "vcpus") == {(Decimal(8), "exact")}
    assert values(facts, "memory_gib") == {(Decimal(32), "exact")}
    assert values(facts, "gpu_memory_gb") == {(Decimal(24), "exact")}
    price = next(f for f in facts if f.attribute == "usd_per_hour:on-demand")
    assert price.region == "ap-northeast-1"
    assert price.source == "g5.2xlarge:usd_per_hour:on-demand@ap-northeast-1"
    assert catalogue.types["g5.2xlarge"].vcpus == 8


def test_a_family_supports_its_ends_and_nothing_between(runner: ToolRunner) -> None:
    """`G5 has 48 vCPUs` must not pass because one member has."""
    facts = by_subject(described(runner, "g5"), "g5")
    assert values(facts, "vcpus") == {(Decimal(4), "min"), (Decimal(192), "max")}
    assert values(facts, "gpu_memory_gb") == {(Decimal(24), "exact")}
    assert values(facts, "members") == {(Decimal(8), "exact")}


def test_prices_of_a_family_are_bounded_by_region(runner: ToolRunner) -> None:
    facts = by_subject(described(runner, "g5"), "g5")
    prices = [fact for fact in facts if fact.attribute == "usd_per_hour:on-demand"]
    assert {fact.region for fact in prices} == {"ap-northeast-1"}
    assert {fact.bound for fact in prices} == {"min", "max"}


def test_a_gpus_facts_come_from_its_data_sheet(runner: ToolRunner) -> None:
    facts = by_subject(described(runner, "H100"), "H100")
    assert values(facts, "gpu_memory_gb") == {(Decimal(80), "exact")}
    assert values(facts, "memory_bandwidth_gb_s") == {(Decimal(3350), "exact")}
    assert values(facts, "gpu_count") == {(Decimal(1), "min"), (Decimal(8), "max")}


def test_a_search_supports_its_counts_and_its_conditions(runner: ToolRunner) -> None:
    result = runner.run(
        "find_instances", {"conditions": [{"attribute": "vcpus", "op": ">=", "value": 64}]}
    )
    facts = by_subject(result, SEARCH)
    assert values(facts, "vcpus") == {(Decimal(64), "exact")}
    assert values(facts, "shown") == {(Decimal(10), "exact")}
    assert {fact.attribute for fact in facts} == {"total", "unpriced", "shown", "vcpus"}


def test_a_ratio_belongs_to_the_columns_it_compares(runner: ToolRunner) -> None:
    result = runner.run("compare_instances", {"names": ["g5", "g4dn"]})
    ratios = [f for f in facts_of(result) if f.attribute == "ratio:usd_per_hour"]
    assert {fact.subject for fact in ratios} == {"g5.xlarge", "g4dn.xlarge"}
    assert {fact.value for fact in ratios} == {Decimal("1.459") / Decimal("0.71")}


@pytest.mark.parametrize("name", ["p4d.48xlarge", "m7i.large", "nothing"])
def test_a_failure_supports_only_its_alternatives(runner: ToolRunner, name: str) -> None:
    failure = runner.attempt("describe_instances", {"names": [name]})
    subjects = {fact.subject for fact in facts_of(failure)}
    assert subjects <= {"p4d", "p4d.24xlarge"}


def test_every_fact_has_a_unit_of_the_registry(runner: ToolRunner, catalogue: Catalogue) -> None:
    units = {attribute.unit for attribute in ATTRIBUTES} | {"件", "世代", "%", "倍"}
    for name in (*catalogue.families, *catalogue.gpus, "C", "P", "G"):
        for fact in facts_of(described(runner, name)):
            assert fact.unit in units
            assert fact.value.is_finite()
            key = fact.attribute.partition(":")[0]
            if key in BY_KEY:
                assert fact.unit == BY_KEY[key].unit


def test_groups_are_lazy_and_complete(runner: ToolRunner) -> None:
    result = described(runner, "g5", "T4")
    groups = fact_groups(result)
    made = [fact for found in groups.values() for group in found for fact in group()]
    assert made == list(facts_of(result))
    assert {fact.subject for fact in made} == set(groups)
