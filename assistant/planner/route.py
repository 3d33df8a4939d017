"""Route: a request -> the tool calls that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assistant.planner.slots import Request
from tools.attributes import BY_KEY
from tools.instances import MAX_NAMES

MAX_REGIONS = 3
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
    if request.intent == "find":
        return calls + [Call("find_instances", _filters(request, region)) for region in regions]
    names = [subject.key for subject in request.subjects][:MAX_NAMES]
    if not names:
        return calls
    if request.intent == "compare" and len(names) > 1:
        return calls + [_call("compare_instances", names, request, region) for region in regions]
    if request.intent in _DESCRIBED or request.intent == "compare":
        return calls + [_call("describe_instances", names, request, region) for region in regions]
    return calls


def _call(tool: str, names: list[str], request: Request, region: str | None) -> Call:
    region = region or (request.regions[0] if request.regions else None)
    return Call(tool, {"names": names} | ({"region": region} if region else {}))


def _filters(request: Request, region: str | None) -> dict[str, Any]:
    """Return the arguments of a search."""
    conditions = [quantity.condition().model_dump(mode="json") for quantity in request.quantities
                  if quantity.attribute in BY_KEY]
    args: dict[str, Any] = {}
    for row in request.filters:
        if "attribute" in row:
            conditions.append({"attribute": row["attribute"], "op": row.get("op", "="), "value": row.get("value", True)})
        args |= {key: row[key] for key in ("arch", "cpu_maker", "has_gpu") if key in row}
    args |= _scope(request, conditions)
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


def _scope(request: Request, conditions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return which part of the catalogue is searched."""
    by_kind = {kind: [s.key for s in request.subjects if s.kind == kind] for kind in ("gpu", "family", "series")}
    scope: dict[str, Any] = {}
    gpus = by_kind["gpu"]
    if gpus:
        models = {key.partition("-")[0] for key in gpus}
        scope["gpu"] = gpus[0] if len(gpus) == 1 else models.pop()
    if by_kind["family"]:
        scope["families"] = by_kind["family"]
    if by_kind["series"]:
        scope["series"] = by_kind["series"]
    about_gpus = request.gpu_only or any(str(c["attribute"]).startswith(("gpu", "tflops", "usd_per_gpu")) for c in conditions)
    if about_gpus and not scope:
        scope["has_gpu"] = True
    return scope


def _order(request: Request) -> dict[str, Any]:
    if request.sort is None:
        return {}
    return {"sort": request.sort, "descending": request.descending}
