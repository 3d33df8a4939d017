"""Facts: a result flattened to (subject, attribute, value, unit), for lock and summaries.

A family's facts are the smallest and the largest value over its members, so that a figure in
between, which belongs to a single member, does not pass as a statement about the family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal

from knowledge.ec2.schema import NotOffered, Price
from tools.attributes import ATTRIBUTES, BY_KEY, Value
from tools.codegen.spec import Bundle, BundleRefusal
from tools.cost import CostEstimate, figure_groups
from tools.figure import FigureMaker
from tools.glossary import GlossaryResult
from tools.instances import Comparison, Description, SearchResult
from tools.names import fold
from tools.profiles import (
    FamilyProfile,
    FamilySummary,
    GpuProfile,
    InstanceProfile,
    Profile,
    Quote,
    SeriesProfile,
)
from tools.results import InputFailure, NameFailure, Result
from tools.sizing.figures import sizing_groups

Bound = Literal["exact", "min", "max"]
SEARCH = "search"
"""Subject of facts about a search as a whole (how many types match)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number that a tool result supports."""

    subject: str
    attribute: str
    value: Decimal
    unit: str
    bound: Bound = "exact"
    region: str | None = None
    """For prices: the region."""

    @property
    def source(self) -> str:
        """How `Answer.figures` names the fact."""
        return f"{self.subject}:{self.attribute}" + (f"@{self.region}" if self.region else "")


FactGroup = Callable[[], Iterator[Fact]]


def facts_of(result: Result) -> Iterator[Fact]:
    """Yield the facts of a result."""
    for facts in fact_groups(result).values():
        for group in facts:
            yield from group()


def fact_groups(result: Result) -> dict[str, list[FactGroup]]:
    """Return, by subject, functions that make the subject's facts: most are never asked for."""
    groups: dict[str, list[FactGroup]] = {}
    match result:
        case Description() | Comparison():
            for item in result.items:
                _group_profile(item, groups)
            if isinstance(result, Comparison):
                for column in result.columns:
                    groups.setdefault(column, []).append(partial(_ratios, column, result))
        case CostEstimate():
            _group_figures(figure_groups(result), groups)
        case SearchResult():
            groups[SEARCH] = [partial(_search, result)]
            _group_instances((*result.items, *result.elsewhere), groups)
        case NameFailure():
            family = fold(result.name).partition(".")[0]
            groups[family] = [partial(_sizes_of, family, result)]
            _group_instances(result.alternatives, groups)
        case Bundle() | BundleRefusal() | GlossaryResult() | InputFailure():
            return _behind(result)
        case _:
            _group_figures(sizing_groups(result), groups)
    return groups


def _group_figures(
    makers: Mapping[str, Sequence[FigureMaker]], groups: dict[str, list[FactGroup]]
) -> None:
    for subject, made in makers.items():
        groups[subject] = [partial(_computed, make) for make in made]


def _computed(make: FigureMaker) -> Iterator[Fact]:
    for figure in make():
        yield Fact(
            figure.subject, figure.attribute, figure.value, figure.unit, region=figure.region
        )


def _behind(
    result: Bundle | BundleRefusal | GlossaryResult | InputFailure,
) -> dict[str, list[FactGroup]]:
    """Return the facts of the plan (or refusal) behind a bundle, and its instance's price."""
    if isinstance(result, BundleRefusal):
        return fact_groups(result.refusal) if result.refusal else {}
    if not isinstance(result, Bundle):
        return {}
    groups = fact_groups(result.plan) if result.plan else {}
    name = result.sheet.instance.name
    groups.setdefault(name, []).append(partial(_quote, name, result.sheet.quote))
    return groups


def _group_profile(item: Profile, groups: dict[str, list[FactGroup]]) -> None:
    match item:
        case InstanceProfile():
            _group_instances((item,), groups)
        case FamilyProfile():
            groups.setdefault(item.key, []).append(partial(_family, item))
            _group_instances(item.members, groups)
        case GpuProfile():
            groups.setdefault(item.key, []).append(partial(_gpu, item))
            _group_instances(item.carriers, groups)
        case SeriesProfile():
            groups.setdefault(item.key, []).append(partial(_series, item))
            for family in item.families:
                groups.setdefault(family.key, []).append(partial(_summary, family))
                _group_instances(family.ends, groups)


def _group_instances(items: Iterable[InstanceProfile], groups: dict[str, list[FactGroup]]) -> None:
    for item in items:
        groups.setdefault(item.key, []).append(partial(_instance, item))


def _search(result: SearchResult) -> Iterator[Fact]:
    counts = {"total": result.total, "unpriced": len(result.unpriced), "shown": len(result.items)}
    for attribute, value in counts.items():
        yield Fact(SEARCH, attribute, Decimal(value), "件")
    for condition in result.request.conditions:
        if not isinstance(condition.value, bool):
            unit = BY_KEY[condition.attribute].unit
            yield Fact(SEARCH, condition.attribute, condition.value, unit)


def _sizes_of(family: str, result: NameFailure) -> Iterator[Fact]:
    if result.problem == "no_such_size":
        yield Fact(family, "members", Decimal(len(result.suggestions)), "件")


def _series(item: SeriesProfile) -> Iterator[Fact]:
    yield Fact(item.key, "families", Decimal(len(item.families)), "件")
    yield from _bounds(item.key, [end for family in item.families for end in family.ends])


def _summary(family: FamilySummary) -> Iterator[Fact]:
    yield Fact(family.key, "members", Decimal(family.sizes), "件")
    yield from _bounds(family.key, family.ends)


def _instance(item: InstanceProfile) -> Iterator[Fact]:
    for attribute, unit, value in _figures(item):
        yield Fact(item.key, attribute, value, unit)
    for quote in item.quotes:
        yield from _quote(item.key, quote)


def _figures(item: InstanceProfile) -> Iterator[tuple[str, str, Decimal]]:
    """Yield (attribute, unit, value) of an instance type, prices by term aside."""
    for attribute in ATTRIBUTES:
        value = attribute.of(item)
        if attribute.key != "usd_per_hour" and _is_number(value):
            yield attribute.key, attribute.unit, _decimal(value)
    yield "regions", "件", Decimal(len(item.type.regions))
    if item.spot_advice:
        yield "spot_savings", "%", Decimal(item.spot_advice.savings_percent)
        for edge in item.spot_advice.interruption.strip("<>%").split("-"):
            yield "interruption", "%", Decimal(edge)


def _is_number(value: Value | None) -> bool:
    """Whether a value is a number, or a version written as one (compute capability 8.6)."""
    if isinstance(value, str):
        return value.replace(".", "", 1).isdecimal()
    return value is not None and not isinstance(value, bool)


def _decimal(value: Value | None) -> Decimal:
    return Decimal(value) if isinstance(value, int) else Decimal(str(value))


def _quote(subject: str, quote: Quote) -> Iterator[Fact]:
    price = quote.purchase
    if isinstance(price, NotOffered):
        price = price.last_known
    if isinstance(price, Price):
        key = f"usd_per_hour:{quote.term}"
        yield Fact(subject, key, price.usd_per_hour, "USD", region=quote.region)


def _family(item: FamilyProfile) -> Iterator[Fact]:
    yield Fact(item.key, "members", Decimal(len(item.members)), "件")
    yield _regions(item.key, item.members)
    yield from _bounds(item.key, item.members)


def _regions(subject: str, members: Sequence[InstanceProfile]) -> Fact:
    """Return how many regions offer at least one member."""
    regions = {region for member in members for region in member.type.regions}
    return Fact(subject, "regions", Decimal(len(regions)), "件")


def _bounds(subject: str, members: Sequence[InstanceProfile]) -> Iterator[Fact]:
    values: dict[tuple[str, str, str | None], list[Decimal]] = {}
    for member in members:
        for attribute, unit, value in _figures(member):
            values.setdefault((attribute, unit, None), []).append(value)
        for quote in member.quotes:
            for fact in _quote(subject, quote):
                values.setdefault((fact.attribute, fact.unit, fact.region), []).append(fact.value)
    for (attribute, unit, region), found in values.items():
        low, high = min(found), max(found)
        if low == high:
            yield Fact(subject, attribute, low, unit, region=region)
            continue
        yield Fact(subject, attribute, low, unit, "min", region)
        yield Fact(subject, attribute, high, unit, "max", region)


def _gpu(item: GpuProfile) -> Iterator[Fact]:
    for attribute in ATTRIBUTES:
        value = attribute.of(item.gpu)
        if _is_number(value):
            yield Fact(item.key, attribute.key, _decimal(value), attribute.unit)
    yield Fact(item.key, "carriers", Decimal(len(item.carriers)), "件")
    yield _regions(item.key, item.carriers)
    counts = [Decimal(str(c.type.gpu.count)) for c in item.carriers if c.type.gpu]
    if counts:
        yield Fact(item.key, "gpu_count", min(counts), "基", "min")
        yield Fact(item.key, "gpu_count", max(counts), "基", "max")


def _ratios(column: str, result: Comparison) -> Iterator[Fact]:
    for row in result.rows:
        if row.ratio is not None:
            yield Fact(column, f"ratio:{row.attribute}", row.ratio, "倍")
