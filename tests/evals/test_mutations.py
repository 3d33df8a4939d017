"""A wrong fact makes evals fail, and damaged input crashes nothing: a slice of the soak."""

from __future__ import annotations

import random

import pytest

from evals.dataset import load
from evals.facts_broken import FORMULAS, FactName, broken, formula_broken, raised_figures
from evals.fuzz import fuzz, made_question
from evals.mutate import caught, coverage, fresh
from evals.run import run_case
from knowledge.ec2.catalogue import Catalogue

PRICE = FactName("g5.xlarge", "usd_per_hour:on-demand", "ap-northeast-1")


@pytest.mark.parametrize(
    ("source", "case_id"),
    [
        ("g5.xlarge:usd_per_hour:on-demand@ap-northeast-1", "prices-dev-001"),
        ("g5.48xlarge:vcpus", "facts-dev-002"),
        ("p4d.24xlarge:gpu_count", "facts-dev-003"),
    ],
)
def test_a_broken_fact_fails_the_case_that_covers_it(source: str, case_id: str) -> None:
    fact = FactName.parse(source)
    assert str(fact) == source
    (case,) = [case for case in load("dev") if case.id == case_id]
    assert run_case(fresh(None), case).passed
    assert caught(broken(fact), [case])


def test_coverage_names_the_fact_that_a_passing_case_expects() -> None:
    cases = [case for case in load("dev", ("prices",)) if case.id == "prices-dev-001"]
    assert list(coverage(cases)) == [PRICE]


def test_only_the_broken_fact_differs() -> None:
    wrong, right = broken(PRICE), Catalogue()
    assert wrong is not None
    price = wrong.prices_file.prices["on-demand"]
    assert (
        price["ap-northeast-1"]["g5.xlarge"]
        != right.prices_file.prices["on-demand"]["ap-northeast-1"]["g5.xlarge"]
    )
    assert price["us-east-1"] == right.prices_file.prices["on-demand"]["us-east-1"]
    assert wrong.types == right.types


def test_a_wrong_formula_is_caught_and_put_right_again() -> None:
    cases = [case for case in load("dev", ("cost",)) if "1か月" in str(case.messages)][:6]
    right = [case for case in cases if run_case(fresh(None), case).passed]
    module, name, value = next(row for row in FORMULAS if row[1] == "HOURS_PER_MONTH")
    with formula_broken(module, name, value):
        assert caught(None, right)
    assert all(run_case(fresh(None), case).passed for case in right)


def test_figures_are_raised_but_names_are_kept() -> None:
    assert (
        raised_figures("g5.xlarge は 4 vCPU、ZeRO-3、16 GB") == "g5.xlarge は 5 vCPU、ZeRO-4、17 GB"
    )


def test_generated_inputs_are_the_same_for_the_same_seed() -> None:
    first, second = (
        [made_question(random.Random(9), ["料金は?"]) for _ in range(3)] for _ in range(2)
    )
    assert first == second


def test_a_slice_of_generated_inputs_is_taken_well() -> None:
    problems = [p for p in fuzz(150, seed=11) if not p.what.endswith(" s")]
    assert problems == []
