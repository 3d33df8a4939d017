"""Route: a request -> the tool calls that answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from assistant.planner.generate import generate_args
from assistant.planner.lines import adds_up, asks_difference
from assistant.planner.quantities import Quantity
from assistant.planner.request import Request
from assistant.planner.sizing_route import (
    asks_model_alone,
    asks_states,
    asks_weights_first,
    inference_args,
    memory_args,
    training_args,
)
from assistant.planner.usage import Period, Usage
from assistant.planner.usecases import UseCase
from tools.attributes import BY_KEY
from tools.cost.usage import HOURS_PER_MONTH
from tools.instances import MAX_NAMES, MAX_RESULTS
from tools.names import Subject

MAX_REGIONS = 3
_STEP = Decimal("0.0001")
_HOURLY = re.compile(r"1\s*時間あたり|1\s*時間当たり|時間単価|毎時|per hour|an hour|hourly")
_DESCRIBED = ("describe", "attributes", "sizes", "verify", "availability")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call."""

    name: str
    args: dict[str, Any]


def route(request: Request) -> list[Call]:
    """Return the tool calls of a request; none for small talk and refusals."""
    calls = [_call("describe_instances", [name], request, None) for name in request.unknown[:2]]
    regions = request.regions[:MAX_REGIONS] or (None,)
    if request.intent == "availability":
        regions = regions[:1]
    if request.intent == "generate" and calls:
        return calls  # for a machine that does not exist there is no code
    if request.intent == "generate":
        return [*calls, Call("generate_bundle", generate_args(request, regions[0]))]
    if request.intent in ("diagnose", "size_train", "size_infer"):
        return calls + _sizing(request, regions[0])
    if request.intent == "recommend" and request.usecase:
        return _recommended(request, request.usecase)
    if request.intent in ("concept", "unclear"):
        return [*calls, Call("search_glossary", {"query": request.text})]
    if request.intent == "find":
        return calls + [
            Call("find_instances", filters(part, region))
            for part in _alternatives(request)
            for region in regions
        ]
    names = [subject.key for subject in _real(request)][:MAX_NAMES]
    return calls + _about(request, names, regions) if names else calls


def _about(request: Request, names: list[str], regions: tuple[str | None, ...]) -> list[Call]:
    """Return the calls about what is named."""
    calls: list[Call] = []
    if request.intent == "cost" and _specifications(request):
        calls.append(_call("describe_instances", names, request, regions[0]))
    if request.intent == "cost":
        if _compares_regions(request) and len(names) == 1:
            regions = regions[:1]
        return calls + [_cost(names, request, region) for region in regions]
    if request.intent == "compare" and len(names) > 1:
        return calls + [_call("compare_instances", names, request, region) for region in regions]
    if request.intent in _DESCRIBED or request.intent == "compare":
        return calls + [_call("describe_instances", names, request, region) for region in regions]
    return calls


def _sizing(request: Request, region: str | None) -> list[Call]:
    """Return the calls about a model or a pasted log."""
    if request.intent == "diagnose":
        return [Call("diagnose", {"text": request.text})]
    if asks_model_alone(request):
        return [Call("model_memory", memory_args(request))]
    if request.intent == "size_train":
        plans = [Call("size_training", args) for args in training_args(request, region)]
        return (
            [Call("model_memory", memory_args(request)), *plans] if asks_states(request) else plans
        )
    plans = [Call("size_inference", args) for args in inference_args(request, region)]
    return (
        [Call("model_memory", memory_args(request)), *plans]
        if asks_weights_first(request)
        else plans
    )


def _recommended(request: Request, usecase: UseCase) -> list[Call]:
    """Return the search for a use case, within a budget if one was said, and the reason for it."""
    args = dict(usecase.filters)
    args["conditions"] = [*args["conditions"], *_within_budget(request, (None, "month"))]
    region = {"region": request.regions[0]} if request.regions else {}
    return [
        Call("find_instances", args | {"limit": 5} | region),
        Call("search_glossary", {"query": f"{usecase.entry}とは?"}),
    ]


def _within_budget(request: Request, periods: tuple[Period | None, ...]) -> list[dict[str, Any]]:
    """Return the price per hour that a budget for a month allows, as a condition."""
    usage = request.usage or Usage()
    budget = usage.budget_usd
    if usage.budget_jpy and usage.jpy_per_usd:
        budget = usage.budget_jpy / usage.jpy_per_usd
    if not budget or usage.budget_period not in periods:
        return []
    ceiling = (budget / HOURS_PER_MONTH).quantize(_STEP, ROUND_FLOOR)
    return [{"attribute": "usd_per_hour", "op": "<=", "value": str(ceiling)}]


def _real(request: Request) -> list[Subject]:
    """Return the subjects to answer about: beside a name that does not exist, only others' kin."""
    families = {name.partition(".")[0] for name in request.unknown}
    if not families:
        return list(request.subjects)
    return [
        s
        for s in request.subjects
        if s.kind == "instance" or (s.kind == "family" and s.key not in families)
    ]


def _specifications(request: Request) -> list[str]:
    """Return the attributes that a question about costs asks for as well."""
    counted = "usd_per_gpu_hour" in request.attributes  # GPU 1 枚あたり names no attribute
    return [
        key
        for key in request.attributes
        if not key.startswith("usd") and not (counted and key.startswith("gpu"))
    ]


def _cost(names: list[str], request: Request, region: str | None) -> Call:
    """Return the estimate of what is named; several names are alternatives unless they add up."""
    usage, own = request.usage or Usage(), dict(request.usages)
    if "usd_per_gpu_hour" in request.attributes:
        names = [s.key for s in request.subjects if s.kind == "instance"] or names
    prefix = "ml." if request.sagemaker else ""
    apart = len(names) > 1 and asks_difference(request.text)
    hourly = not usage.lasts and (apart or _HOURLY.search(request.text))
    length = {"hours": "1"} if hourly else {}
    lines = [
        {"name": f"{prefix}{name}", **length, **own.get(name, usage).line_args()} for name in names
    ]
    args: dict[str, Any] = {"lines": lines, **usage.request_args()}
    if len(lines) == 1:
        args["lines"] = [lines[0] | {"term": term} for term in usage.terms] or lines
        if _compares_regions(request):
            args["lines"] = [lines[0] | {"region": code} for code in request.regions[:MAX_REGIONS]]
    if len(args["lines"]) > 1 and not (own and adds_up(request.text)):
        args["alternatives"] = True
    return Call("estimate_cost", args | ({"region": region} if region else {}))


def _compares_regions(request: Request) -> bool:
    """Whether one thing is to be priced in several regions, for the difference."""
    same = request.premise is not None and request.premise.kind == "same"
    return len(request.regions) > 1 and (same or asks_difference(request.text))


def _alternatives(request: Request) -> list[Request]:
    """Return one request per value where an attribute is asked to equal several (1 枚と 8 枚)."""
    equal: dict[str, list[Quantity]] = {}
    for quantity in request.quantities:
        if quantity.op == "=":
            equal.setdefault(quantity.attribute, []).append(quantity)
    several = next((found for found in equal.values() if len({q.value for q in found}) > 1), None)
    if several is None:
        return [request]
    rest = tuple(q for q in request.quantities if q not in several)
    return [replace(request, quantities=(*rest, quantity)) for quantity in several]


def _call(tool: str, names: list[str], request: Request, region: str | None) -> Call:
    region = region or (request.regions[0] if request.regions else None)
    return Call(tool, {"names": names} | ({"region": region} if region else {}))


def filters(request: Request, region: str | None) -> dict[str, Any]:
    """Return the arguments of a search."""
    conditions = [
        condition.model_dump(mode="json")
        for quantity in request.quantities
        if quantity.attribute in BY_KEY
        for condition in quantity.conditions()
    ]
    conditions += _within_budget(request, ("month",))
    args: dict[str, Any] = {}
    for row in request.filters:
        if "attribute" in row:
            conditions.append(_condition(row))
        args |= _field(row)
    args |= _scope(request, conditions, args)
    args |= _order(request)
    if region:
        args["region"] = region
    if conditions:
        args["conditions"] = conditions
    if request.everywhere:
        args["offered_only"] = False
    if request.limit:
        args["limit"] = request.limit
    return args


_OPPOSITE = {"=": "=", ">=": "<", ">": "<=", "<=": ">", "<": ">="}


def _condition(row: dict[str, Any]) -> dict[str, Any]:
    """Return a filter word's condition, turned round where the word is negated."""
    op, value = row.get("op", "="), row.get("value", True)
    if row.get("negated"):
        op, value = _OPPOSITE[op], (not value) if value is True else value
    return {"attribute": row["attribute"], "op": op, "value": value}


def _field(row: dict[str, Any]) -> dict[str, Any]:
    """Return a filter word's request field."""
    if row.get("negated"):
        opposite = {"arm64": "x86_64", "x86_64": "arm64"}
        arch = {"arch": opposite[row["arch"]]} if "arch" in row else {}
        return arch | ({"exclude_cpu_makers": [row["cpu_maker"]]} if "cpu_maker" in row else {})
    return {
        key: row[key] for key in ("arch", "cpu_maker", "has_gpu", "gpu_architecture") if key in row
    }


def _scope(
    request: Request, conditions: list[dict[str, Any]], args: dict[str, Any]
) -> dict[str, Any]:
    """Return which part of the catalogue is searched."""
    by_kind = {
        kind: [s.key for s in request.subjects if s.kind == kind]
        for kind in ("gpu", "family", "series")
    }
    scope: dict[str, Any] = {}
    gpus = by_kind["gpu"]
    if gpus:
        models = {key.partition("-")[0] for key in gpus}
        scope["gpu"] = gpus[0] if len(gpus) == 1 else models.pop()
    if by_kind["family"]:
        scope["families"] = by_kind["family"]
    if by_kind["series"]:
        scope["series"] = by_kind["series"]
    about_gpus = request.gpu_only or any(
        str(c["attribute"]).startswith(("gpu", "tflops", "usd_per_gpu")) for c in conditions
    )
    if about_gpus and not scope and "has_gpu" not in args:
        scope["has_gpu"] = True
    scope |= _exclusions(request)
    if request.relative or re.search(r"ファミリー|famil(?:y|ies)", request.text):
        scope |= {"one_per_family": True, "limit": MAX_RESULTS}
    return scope


def _exclusions(request: Request) -> dict[str, Any]:
    """Return what the request rules out."""
    gpus = [s.key for s in request.excluded if s.kind == "gpu"]
    families = [s.key for s in request.excluded if s.kind == "family"]
    series = [s.key for s in request.excluded if s.kind == "series"]
    named = {"exclude_gpus": gpus, "exclude_families": families, "exclude_series": series}
    return {key: value for key, value in named.items() if value}


def _order(request: Request) -> dict[str, Any]:
    if request.sort is None:
        return {}
    return {"sort": request.sort, "descending": request.descending}
