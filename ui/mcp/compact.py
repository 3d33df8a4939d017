"""Tool results made small enough for another model's context, with the schema of what is left.

A profile of an instance type is 3 KB of JSON and stands up to eighty times in one result. Here it
becomes its figures and its prices: all of them for a type that was asked for, the most used ones
for a type in a longer list. Pictures are left out: they repeat figures of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias, cast, get_type_hints

from pydantic import TypeAdapter

from assistant.tool_registry import Tool
from knowledge.ec2.schema import NotOffered, Price, Series, Term
from tools.attributes import ATTRIBUTES
from tools.profiles import InstanceProfile, Model, Quote
from tools.results import Result

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
FULL_UP_TO = 6
"""Types in one list that are given with all their figures."""
_BRIEF = frozenset({
    "vcpus", "memory_gib", "gpu_model", "gpu_count", "gpu_memory_gb", "gpu_memory_gib",
    "network_gbps", "nvme_gb",
})  # fmt: skip
_PRICES = {"usd_per_hour", "usd_per_gpu_hour"}  # these stand in `prices`, with date and source
_PROFILE = "InstanceProfile"


class PriceFigure(Model):
    """How a type is sold in a region under a term, before tax: Linux, shared tenancy."""

    region: str
    term: Term
    status: Literal["price", "not_offered", "unknown"]
    usd_per_hour: Decimal | None = None
    """The price; beside `not_offered`, the last one known."""
    as_of: date | None = None
    source: str = ""
    estimated: bool = False
    """Computed from other prices."""


class InstanceFigures(Model):
    """An instance type: figures by attribute (the unit is in the name), and prices."""

    kind: Literal["instance"] = "instance"
    name: str
    family: str
    series: Series
    figures: dict[str, int | float | bool | str]
    prices: tuple[PriceFigure, ...]
    regions: tuple[str, ...] = ()
    """Regions that offer it; empty in a longer list."""


def compact_result(result: Result) -> dict[str, Json]:
    """Return a result as JSON, its profiles as figures, without pictures."""
    values: dict[str, Json] = result.model_dump(mode="json")
    return cast("dict[str, Json]", _compact(values, brief=False))


def result_schema(tool: Tool) -> dict[str, Any]:
    """Return the JSON schema of what `compact_result` makes of the tool's results."""
    returned = get_type_hints(tool.run)["return"]
    schema = TypeAdapter[Any](returned).json_schema(mode="serialization")
    figures = InstanceFigures.model_json_schema(mode="serialization")
    definitions: dict[str, Any] = schema.get("$defs", {})
    if _PROFILE in definitions:
        definitions |= figures.pop("$defs", {})
        definitions[_PROFILE] = figures
    for part in (schema, *definitions.values()):
        _without_charts(part)
    needed = _reachable(schema, definitions)
    slim = {key: value for key, value in schema.items() if key != "$defs"}
    slim["type"] = "object"  # also of a tool that returns one of several models
    if needed:
        slim["$defs"] = {name: definitions[name] for name in sorted(needed)}
    return slim


def _compact(value: Json, *, brief: bool) -> Json:
    if isinstance(value, list):
        many = brief or len(value) > FULL_UP_TO
        return [_compact(item, brief=many) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "instance" and "quotes" in value:
        return _figures(value, brief=brief)
    # What stands inside a family or a GPU was not asked for by its own name.
    inner = brief or value.get("kind") in ("family", "gpu", "series")
    return {key: _compact(item, brief=inner) for key, item in value.items() if key != "charts"}


def _figures(values: Mapping[str, Json], *, brief: bool) -> dict[str, Json]:
    profile = InstanceProfile.model_validate(values)
    kept = {
        attribute.key: found
        for attribute in ATTRIBUTES
        if attribute.key not in _PRICES
        and (not brief or attribute.key in _BRIEF)
        and (found := attribute.get(profile)) is not None
    }
    item = InstanceFigures(
        name=profile.key,
        family=profile.type.family,
        series=profile.type.series,
        figures={
            key: float(value) if isinstance(value, Decimal) else value
            for key, value in kept.items()
        },
        prices=tuple(_price(quote) for quote in profile.quotes),
        regions=() if brief else profile.type.regions,
    )
    return item.model_dump(mode="json")


def _price(quote: Quote) -> PriceFigure:
    purchase = quote.purchase
    price = purchase.last_known if isinstance(purchase, NotOffered) else purchase
    known = price if isinstance(price, Price) else None
    source = quote.source
    return PriceFigure(
        region=quote.region,
        term=quote.term,
        status=purchase.status,
        usd_per_hour=known.usd_per_hour if known else None,
        as_of=source.as_of if source else None,
        source=source.title if source else "",
        estimated=source.estimated if source else False,
    )


def _without_charts(part: dict[str, Any]) -> None:
    part.get("properties", {}).pop("charts", None)
    if "required" in part:
        part["required"] = [name for name in part["required"] if name != "charts"]


def _reachable(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> set[str]:
    """Return the names of the definitions that the schema refers to, directly or not."""
    found: set[str] = set()
    waiting = list(_references({key: item for key, item in schema.items() if key != "$defs"}))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(definitions[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        reference = items.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for item in items.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _references(item)
