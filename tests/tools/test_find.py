"""find: filters only narrow, every match fulfils every filter, order holds, no price is guessed."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import load_catalogue
from tools.attributes import ATTRIBUTES, BY_KEY, Attribute
from tools.errors import ToolInputError
from tools.instances import Condition, FindRequest, SearchResult, find
from tools.profiles import InstanceProfile, Profiler

TOKYO = "ap-northeast-1"
CATALOGUE = load_catalogue()
PROFILES = {name: Profiler(CATALOGUE, TOKYO).instance(name, brief=True) for name in CATALOGUE.types}
SEARCHED = {
    name: item
    for name, item in PROFILES.items()
    if item.type.listed and item.type.series in ("C", "P", "G")
}
OPERATORS = {
    "=": operator.eq, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def search(limit: int = 50, **filters: Any) -> SearchResult:
    request = {"region": TOKYO, "limit": limit, **filters}
    return find(CATALOGUE, FindRequest.model_validate(request))


def names(result: SearchResult) -> list[str]:
    return [item.key for item in result.items]


def matches(**filters: Any) -> set[str]:
    """All names that match; a search shows at most 50, so each family is searched by itself."""
    wanted = filters.pop("families", tuple(CATALOGUE.families))
    found: set[str] = set()
    for family in wanted:
        result = search(families=(family,), **filters)
        assert result.total <= 50
        found.update(names(result))
    return found


def is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


NUMERIC = [a for a in ATTRIBUTES if any(is_number(a.of(item)) for item in PROFILES.values())]
FLAGS = [a for a in ATTRIBUTES if any(isinstance(a.of(i), bool) for i in PROFILES.values())]
FAMILIES = st.lists(
    st.sampled_from(sorted(CATALOGUE.families)), min_size=1, max_size=6, unique=True
)


def value_in(attribute: Attribute, item: InstanceProfile, op: str) -> Decimal | None:
    """The value as a condition reads it: what a type lacks is least, but a price is unknown."""
    value = attribute.of(item)
    if value is None and op in ("<", "<=") and not attribute.key.startswith("usd"):
        return Decimal(0)
    return None if value is None else Decimal(str(value))


def values_of(attribute: Attribute) -> list[Decimal]:
    found = {attribute.of(item) for item in PROFILES.values()}
    return sorted(Decimal(str(value)) for value in found if is_number(value))


def test_one_h100_is_p5_4xlarge() -> None:
    condition = Condition(attribute="gpu_count", op="=", value=Decimal(1))
    result = search(gpu="H100", conditions=(condition,), offered_only=False)
    assert names(result) == ["p5.4xlarge"]


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("attribute", NUMERIC, ids=lambda a: a.key)
def test_a_condition_admits_exactly_what_fulfils_it(attribute: Attribute, op: Any) -> None:
    """Against the profiles themselves, at a value in the middle of those that occur."""
    values = values_of(attribute)
    value = values[len(values) // 2]
    found = {name: value_in(attribute, item, op) for name, item in SEARCHED.items()}
    expected = [n for n, v in found.items() if v is not None and OPERATORS[op](v, value)]
    condition = Condition(attribute=attribute.key, op=op, value=value)
    assert search(conditions=(condition,), offered_only=False).total == len(expected)


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("attribute", FLAGS, ids=lambda a: a.key)
def test_a_flag_admits_exactly_what_has_it(attribute: Attribute, wanted: bool) -> None:
    condition = Condition(attribute=attribute.key, value=wanted)
    result = search(conditions=(condition,), offered_only=False, series=("C", "P", "G"))
    expected = [item for item in SEARCHED.values() if attribute.of(item) is wanted]
    assert result.total == len(expected)


def condition_on(attribute: Attribute, op: Any, index: int) -> Condition:
    """A condition with a value that occurs."""
    values = values_of(attribute)
    return Condition(attribute=attribute.key, op=op, value=values[index % len(values)])


conditions = st.builds(
    condition_on, st.sampled_from(NUMERIC), st.sampled_from(sorted(OPERATORS)), st.integers(0, 999)
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "arch": st.sampled_from(["x86_64", "arm64"]),
        "cpu_maker": st.sampled_from(["Intel", "AMD", "AWS", "NVIDIA"]),
        "has_gpu": st.booleans(),
        "gpu": st.sampled_from(sorted(CATALOGUE.gpus)),
        "series": st.sampled_from([("C",), ("P",), ("G",), ("P", "G"), ("Inf",)]),
        "conditions": st.lists(conditions, max_size=2).map(tuple),
        "region": st.sampled_from([TOKYO, "ap-northeast-3", "us-east-1", "eu-central-1"]),
    },
)


@settings(max_examples=60, deadline=None)
@given(FAMILIES, filters, filters)
def test_more_filters_never_admit_more(
    families: list[str], first: Mapping[str, Any], second: Mapping[str, Any]
) -> None:
    """Adding filters to a search can only drop matches."""
    wide = {**first, "families": families, "region": TOKYO}
    added = {key: value for key, value in second.items() if key not in wide}
    if "conditions" in second and "conditions" in first:
        added["conditions"] = (*first["conditions"], *second["conditions"])
    assert matches(**{**wide, **added}) <= matches(**wide)


@settings(max_examples=60, deadline=None)
@given(filters)
def test_every_match_fulfils_every_filter(chosen: Mapping[str, Any]) -> None:
    result = search(**chosen)
    for item in result.items:
        kind = item.type
        assert kind.listed
        assert result.request.region in kind.regions
        assert chosen.get("arch") in (None, kind.arch)
        assert chosen.get("cpu_maker") in (None, kind.cpu_maker)
        assert chosen.get("has_gpu") in (None, kind.gpu is not None)
        assert kind.series in chosen.get("series", ("C", "P", "G"))
        if "gpu" in chosen:
            assert kind.gpu is not None
            assert kind.gpu.gpu == chosen["gpu"]
        for condition in chosen.get("conditions", ()):
            value = value_in(BY_KEY[condition.attribute], item, condition.op)
            assert value is not None
            assert OPERATORS[condition.op](value, condition.value)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("attribute", NUMERIC, ids=lambda a: a.key)
def test_order_holds_and_types_without_a_value_come_last(
    attribute: Attribute, descending: bool
) -> None:
    for family in ("g5", "g6f", "p5", "c6i", "c8a", "trn1"):
        result = search(families=(family,), series=(), sort=attribute.key, descending=descending)
        values = [attribute.of(item) for item in result.items]
        known = [Decimal(str(value)) for value in values if value is not None]
        assert known == sorted(known, reverse=descending)
        assert all(value is None for value in values[len(known) :])


def test_unpriced_types_come_last_and_are_named() -> None:
    result = search(limit=50, gpu=None, series=("C",), families=("c8a", "c6i"))
    prices = [item.usd_per_hour for item in result.items]
    priced = [price for price in prices if price is not None]
    assert prices == [*sorted(priced), *[None] * (len(prices) - len(priced))]
    assert set(result.unpriced) == {i.key for i in result.items if i.usd_per_hour is None} != set()


def test_equal_values_are_ordered_by_price() -> None:
    result = search(sort="vcpus", series=("G",), limit=50)
    for left, right in zip(result.items, result.items[1:], strict=False):
        if left.type.vcpus == right.type.vcpus and left.usd_per_hour and right.usd_per_hour:
            assert left.usd_per_hour <= right.usd_per_hour


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_the_limit_cuts_the_list_but_not_the_count(limit: int) -> None:
    result = search(limit=limit, series=("G",))
    assert len(result.items) == min(limit, result.total)
    assert result.total == search(series=("G",)).total


def test_a_search_is_deterministic() -> None:
    assert search(series=("C",)) == search(series=("C",))


def test_what_the_region_lacks_is_shown_from_elsewhere() -> None:
    """Osaka has no P5: the search says so, and shows where else, priced in the reference region."""
    result = search(gpu="H100", region="ap-northeast-3")
    assert (result.total, result.items) == (0, ())
    assert {item.type.family for item in result.elsewhere} == {"p5"}
    for item in result.elsewhere:
        assert "ap-northeast-3" not in item.type.regions
        assert {quote.region for quote in item.quotes} == {"ap-northeast-3", "us-east-1"}


def test_neighbour_series_are_found_only_by_name() -> None:
    assert not {i.type.series for i in search(has_gpu=False).items} & {"Inf", "Trn"}
    found = search(series=("Trn",), offered_only=False)
    assert {item.type.series for item in found.items} == {"Trn"}


def test_the_gpu_filter_takes_what_people_write(runner: ToolRunner) -> None:
    for written in ("A100", "nvidia a100", "Ａ１００"):
        result = runner.run("find_instances", {"gpu": written})
        assert isinstance(result, SearchResult)
        assert {item.type.family for item in result.items} <= {"p4d", "p4de"}
        assert result.total > 0


@pytest.mark.parametrize(
    "request_",
    [
        {"sort": "beauty"},
        {"conditions": [{"attribute": "beauty", "op": ">", "value": 1}]},
        {"conditions": [{"attribute": "vcpus", "op": "~", "value": 1}]},
        {"conditions": [{"attribute": "vcpus", "op": ">", "value": "many"}]},
        {"limit": 0},
        {"limit": 51},
        {"arch": "z80"},
        {"colour": "red"},
        {"region": "mars-1"},
        {"gpu": "H9000"},
        {"series": ["X"]},
    ],
)
def test_a_wrong_request_is_a_typed_error_that_names_the_problem(
    runner: ToolRunner, request_: dict[str, Any]
) -> None:
    with pytest.raises(ToolInputError) as caught:
        runner.run("find_instances", request_)
    words = [*request_, "beauty", "mars-1", "H9000", "conditions"]
    assert any(word in caught.value.message_ja for word in (*words, "件数"))
    assert any(word in caught.value.message_en for word in words)


def test_an_unknown_family_is_an_error_and_not_an_empty_result(runner: ToolRunner) -> None:
    with pytest.raises(ToolInputError):
        runner.run("find_instances", {"families": ["g55"]})


def test_a_family_filter_takes_names_as_people_write_them(runner: ToolRunner) -> None:
    result = runner.run("find_instances", {"families": ["G5"]})
    assert isinstance(result, SearchResult)
    assert result.total == 8


def test_a_price_ceiling_drops_what_has_no_price() -> None:
    condition = Condition(attribute="usd_per_hour", op="<=", value=Decimal(1000))
    result = search(families=("c8a", "c6i"), conditions=(condition,))
    assert result.unpriced == ()
    assert all(isinstance(item, InstanceProfile) and item.usd_per_hour for item in result.items)
