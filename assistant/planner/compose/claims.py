"""Say whether a stated comparison (`AはBより高い`) holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import display
from assistant.planner.premises import Premise
from tools.attributes import BY_KEY, Value
from tools.cost import CostEstimate
from tools.instances import SearchResult
from tools.profiles import InstanceProfile


def judge(
    draft: Draft, claim: tuple[str, str, bool], key: str, values: Mapping[str, Value | None]
) -> None:
    """Write the verdict on (subject, other, has more) under one attribute, if both are known."""
    subject, other, more = claim
    left, right = values.get(subject), values.get(other)
    if not isinstance(left, int | float | Decimal) or not isinstance(right, int | float | Decimal):
        return
    label = draft.say.label(key).split("(")[0].strip()
    names = {"a": display(subject), "b": display(other), "label": label}
    if left == right:
        draft.phrase("j_equal", **names)
        return
    higher = left > right
    verdict = "yes" if higher == more else "no"
    draft.phrase(f"j_{verdict}_{'more' if higher else 'less'}", **names)


def judge_same(
    draft: Draft, premise: Premise, key: str, values: Mapping[str, Value | None]
) -> bool:
    """Write whether two things have the same value, as was stated; False if a value is missing."""
    if len(values) < 2 or None in values.values():
        return False
    same = len(set(values.values())) == 1
    verdict = "yes" if same != premise.denied else "no"
    label = draft.say.label(key).split("(")[0].strip()
    draft.phrase(f"j_{'same' if same else 'differ'}_{verdict}", label=label)
    return True


def judge_cost(draft: Draft, premise: Premise | None, result: CostEstimate) -> None:
    """Write whether one thing costs the same in two regions, if that was stated."""
    if premise is None or premise.kind != "same":
        return
    rates = {line.region: line.quote.usd_per_hour for line in result.lines}
    judge_same(draft, premise, "usd_per_hour", rates)


def judge_search(draft: Draft, premise: Premise | None, result: SearchResult) -> bool:
    """Write whether what was named is alone, or first, among the matches; False if not asked."""
    if premise is None or premise.kind not in ("only", "first"):
        return False
    named = premise.names
    if premise.kind == "only":
        others = [item.key for item in result.items if not _is_named(item, named)]
        key = "j_only_no" if others else "j_only_yes"
        draft.phrase(key, name=display(named[0]), names=draft.say.listed(others[:8]))
        return True
    attribute, first = BY_KEY[result.request.sort], result.items[0]
    best = [item for item in result.items if attribute.of(item) == attribute.of(first)]
    right = any(_is_named(item, named) for item in best)
    price = draft.say.value(attribute, attribute.of(first))
    if result.request.sort == "usd_per_hour":
        price = draft.say.price(first.quote())
    values = {"name": first.key, "value": price, "label": draft.say.label(attribute).split("(")[0]}
    draft.phrase("j_first_yes" if right else "j_first_no", **values)
    return True


def _is_named(item: InstanceProfile, names: tuple[str, ...]) -> bool:
    return item.key in names or item.type.family in names
