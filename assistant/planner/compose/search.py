"""Compose search results: the winner first, then the list, then what could not be priced."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.planner.compose.claims import judge_search
from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import Phrases, display, number
from assistant.planner.compose.rows import what
from assistant.planner.request import Request
from tools.attributes import BY_KEY
from tools.instances import Condition, FindRequest, SearchResult
from tools.profiles import REFERENCE_REGION, InstanceProfile

MAX_UNPRICED = 4
MAX_BEYOND = 6
"""Up to so many matches, types that only other regions have are worth naming."""
_STANDARD = ("vcpus", "memory_gib", "gpu_count", "gpu_memory_gb", "usd_per_hour", "gpu_model")


def search(draft: Draft, request: Request, result: SearchResult) -> None:
    """Write the matches of a search, or what is nearest to a match."""
    say, region = draft.say, draft.say.region(result.request.region)
    conditions = _conditions(say, result.request)
    if not result.items:
        draft.phrase("s_empty", region=region, conditions=conditions or say("s_all"))
        if result.elsewhere:
            draft.phrase("s_elsewhere")
            _table(draft, result.elsewhere, result.request, REFERENCE_REGION)
        else:
            draft.phrase("s_nothing")
    else:
        _lead(draft, request, result, conditions)
        if result.total > 1:
            _count(draft, request, result, conditions)
        _table(draft, result.items, result.request, result.request.region)
        _unpriced(draft, result)
        if result.elsewhere and result.total <= MAX_BEYOND:
            names = say.listed(item.key for item in result.elsewhere[:MAX_BEYOND])
            draft.phrase("s_beyond", region=region, names=names)
    draft.cite(result.sources)
    draft.suggestions += _suggestions(say, result.items)


def _lead(draft: Draft, request: Request, result: SearchResult, conditions: str) -> None:
    say, first, find = draft.say, result.items[0], result.request
    scope = say("s_scope", conditions=conditions) if conditions else ""
    quote = first.quote()
    if _ranked(draft, request, result) or judge_search(draft, request.premise, result):
        return
    if request.asserted and request.sort is None and not request.subjects:
        denied = re.search(r"ない|無い|ゼロ|存在しない|\bno\b", request.text)
        draft.phrase(
            "s_no" if denied else "s_yes",
            region=say.region(find.region),
            total=result.total,
            conditions=conditions or say("s_all"),
        )
    elif result.total == 1:
        priced = quote is not None and quote.usd_per_hour is not None
        price = say(
            "s_price" if priced else "s_no_price",
            region=say.region(find.region),
            price=say.price(quote),
        )
        draft.phrase(
            "s_lead_one",
            region=say.region(find.region),
            name=first.key,
            what=_in_words(say, first),
            price=price,
        )
        draft.cite_quote(quote)
    elif (
        request.sort is None
        and find.sort == "usd_per_hour"
        and not find.descending
        and not request.quantities
    ):
        draft.phrase("s_lead_list", total=result.total)
    elif find.sort == "usd_per_hour" and not find.descending:
        draft.phrase("s_lead_cheapest", scope=scope, name=first.key, price=_described(say, first))
    else:
        end = say("s_large" if find.descending else "s_small")
        value = BY_KEY[find.sort].of(first)
        label = say.label(find.sort).split("(")[0]
        draft.phrase(
            "s_lead_top",
            scope=scope,
            label=label,
            end=end,
            name=first.key,
            value=say.value(find.sort, value),
        )


def _ranked(draft: Draft, request: Request, result: SearchResult) -> bool:
    """Name the second (third, …) in the order, if that is what was asked for."""
    rank = request.rank
    if rank is None or rank > len(result.items):
        return False
    item = result.items[rank - 1]
    draft.phrase("s_rank", rank=rank, name=item.key, price=_described(draft.say, item))
    draft.quoted.append(draft.say("s_rank_mark", rank=rank))
    return True


def _described(say: Phrases, item: InstanceProfile) -> str:
    comma = "、" if say.language == "ja" else ", "
    return (
        f"{what(say, item)}{comma}{say.price(item.quote())}"
        if item.type.gpu
        else say.price(item.quote())
    )


def _count(draft: Draft, request: Request, result: SearchResult, conditions: str) -> None:
    say = draft.say
    order = say("s_shown", shown=len(result.items)) if result.total > len(result.items) else ""
    draft.phrase(
        "s_matches",
        conditions=conditions or say("s_all"),
        region=say.region(result.request.region),
        total=result.total,
        order=order,
    )


def _table(draft: Draft, items: Sequence[InstanceProfile], find: FindRequest, region: str) -> None:
    say = draft.say
    extra = [
        key
        for key in dict.fromkeys((find.sort, *(c.attribute for c in find.conditions)))
        if key not in _STANDARD
    ]
    gpu = any(item.type.gpu for item in items)
    header = [
        say("size"),
        *(["GPU", say.label("gpu_memory_gb")] if gpu else []),
        "vCPU",
        say.label("memory_gib"),
    ]
    header += [say.label(key) for key in extra] + [say("on_demand_in", region=say.region(region))]
    rows: list[list[str]] = []
    for item in items:
        row = [item.key]
        row += (
            [what(say, item), say.value("gpu_memory_gb", BY_KEY["gpu_memory_gb"].of(item))]
            if gpu
            else []
        )
        row += [str(item.type.vcpus), f"{number(item.type.memory_gib)} GiB"]
        row += [say.value(key, BY_KEY[key].of(item)) for key in extra]
        rows.append([*row, say.price(item.quote("on-demand", region))])
    draft.table(header, rows)
    draft.cite_prices(items, region=region)


def _unpriced(draft: Draft, result: SearchResult) -> None:
    if not result.unpriced:
        return
    names = draft.say.listed(result.unpriced[:MAX_UNPRICED])
    rest = len(result.unpriced) - MAX_UNPRICED
    if rest > 0:
        names += " ほか" if draft.say.language == "ja" else " and others"
    draft.phrase(
        "s_unpriced",
        count=len(result.unpriced),
        names=names,
        region=draft.say.region(result.request.region),
    )


def _in_words(say: Phrases, item: InstanceProfile) -> str:
    size = {"vcpus": item.type.vcpus, "memory": number(item.type.memory_gib)}
    gpu = item.type.gpu
    if gpu and gpu.partition == 1:
        return say("s_what_gpu", gpu=gpu.gpu, count=gpu.devices, **size)
    return (f"{what(say, item)}{say('sep')}" if gpu else "") + say("s_what_cpu", **size)


def _conditions(say: Phrases, find: FindRequest) -> str:
    """Return the filters in words."""
    parts: list[str] = []
    if find.series:
        parts.append(
            say.listed(
                f"{series} シリーズ" if say.language == "ja" else f"{series} series"
                for series in find.series
            )
        )
    parts += [display(family) for family in find.families]
    parts += [find.gpu] if find.gpu else []
    parts += [find.gpu_architecture] if find.gpu_architecture else []
    if find.has_gpu is not None and not find.gpu:
        parts.append(
            {
                ("ja", True): "GPU あり",
                ("ja", False): "GPU なし",
                ("en", True): "with a GPU",
                ("en", False): "without GPU",
            }[say.language, find.has_gpu]
        )
    parts += [value for value in (find.arch, find.cpu_maker) if value]
    parts += [_condition(say, condition) for condition in find.conditions]
    return say.listed(parts)


_OPERATORS = {
    "ja": {
        "=": "{value}",
        ">=": "{value}以上",
        "<=": "{value}以下",
        ">": "{value}超",
        "<": "{value}未満",
    },
    "en": {
        "=": "{value}",
        ">=": "at least {value}",
        "<=": "at most {value}",
        ">": "over {value}",
        "<": "under {value}",
    },
}


def _condition(say: Phrases, condition: Condition) -> str:
    label = say.label(condition.attribute).split("(")[0].strip()
    if isinstance(condition.value, bool):
        return f"{label} {say('yes' if condition.value else 'no')}"
    if condition.value == 0 or (condition.value == 1 and condition.attribute == "efa_interfaces"):
        name = "EFA" if condition.attribute == "efa_interfaces" else label
        return f"{name} あり" if say.language == "ja" else f"with {name}"
    if condition.attribute in ("usd_per_hour", "usd_per_gpu_hour"):
        value = f"{number(condition.value, money=True)} USD/{'時' if say.language == 'ja' else 'h'}"
    else:
        value = say.value(condition.attribute, condition.value)
    return f"{label} " + _OPERATORS[say.language][condition.op].format(value=value)


def _suggestions(say: Phrases, items: Sequence[InstanceProfile]) -> list[str]:
    if len(items) < 2:
        return [
            f"{item.key}の詳細" if say.language == "ja" else f"details of {item.key}"
            for item in items
        ]
    first, second = items[0].key, items[1].key
    return [f"{first}と{second}の違いは?" if say.language == "ja" else f"{first} vs {second}"]
