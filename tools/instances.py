"""Instance questions: describe, compare and find, over the EC2 catalogue.

Requests name things as people do (`G4DN XLARGE`, `A100`, `p4`); results carry full profiles, so
that every figure that is later shown can be matched to its subject and attribute. Prices are for
one region.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import Field, field_serializer

from knowledge.ec2.catalogue import Catalogue, size_order
from knowledge.ec2.schema import Arch, CpuMaker, InstanceType, Series, Source
from tools.attributes import ATTRIBUTES, BY_KEY, Attribute, Value
from tools.charts import Chart
from tools.comparison_chart import comparison_charts
from tools.errors import ToolInputError, UnknownNameError
from tools.names import Names, Subject
from tools.profiles import (
    FamilyProfile,
    GpuProfile,
    InstanceProfile,
    Model,
    Profile,
    profiler,
    sources_of,
)

T = TypeVar("T")
MAX_NAMES = 6
MAX_RESULTS = 50
Operator = Literal["=", ">=", "<=", ">", "<"]

_OPERATORS = {
    "=": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class DescribeRequest(Model):
    """Names of instance types, families, GPUs or series, and the region to price them in."""

    names: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_NAMES)]
    region: str


class CompareRequest(Model):
    """Two to six names to set side by side."""

    names: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_NAMES)]
    region: str


class Condition(Model):
    """A numeric or yes/no condition on an attribute of the registry."""

    attribute: str
    op: Operator = "="
    value: Decimal | bool


class FindRequest(Model):
    """Filters over all instance types; an empty request matches everything that is listed."""

    region: str
    """Prices are for this region."""
    offered_only: bool = True
    """Leave out types that the region does not offer."""
    series: tuple[Series, ...] = ()
    families: tuple[str, ...] = ()
    gpu: str | None = None
    has_gpu: bool | None = None
    gpu_architecture: str | None = None
    """Beginning of the architecture's name: `Hopper`, `Blackwell` (Ultra included)."""
    arch: Arch | None = None
    cpu_maker: CpuMaker | None = None
    exclude_gpus: tuple[str, ...] = ()
    exclude_families: tuple[str, ...] = ()
    exclude_series: tuple[Series, ...] = ()
    exclude_cpu_makers: tuple[CpuMaker, ...] = ()
    one_per_family: bool = False
    """Keep only the first match of each family."""
    conditions: tuple[Condition, ...] = ()
    sort: str = "usd_per_hour"
    """Attribute to sort by; types without a value come last."""
    descending: bool = False
    limit: Annotated[int, Field(ge=1, le=MAX_RESULTS)] = 10


class Description(Model):
    """What `describe` returns: one profile per subject."""

    kind: Literal["description"] = "description"
    region: str
    items: tuple[Profile, ...]
    sources: tuple[Source, ...]
    """Sources of the specifications (prices carry their own)."""


class ComparisonRow(Model):
    """One attribute of all columns of a comparison."""

    attribute: str
    values: tuple[Decimal | bool | str | None, ...]
    """One value per column, in order."""
    differs: bool
    ratio: Decimal | None = None
    """Largest over smallest value, for a numeric attribute of two columns that differ."""

    @field_serializer("values", when_used="json")
    def _numbers(self, values: tuple[bool | Decimal | str | None, ...]) -> list[object]:
        """Write numbers as numbers: as strings they would read back as strings."""
        return [float(value) if isinstance(value, Decimal) else value for value in values]


class Comparison(Model):
    """What `compare` returns. Columns are instance types, or GPUs when only GPUs were named."""

    kind: Literal["comparison"] = "comparison"
    region: str
    items: tuple[Profile, ...]
    columns: tuple[str, ...]
    """Instance types (or GPU keys) that stand for the items, in the same order."""
    rows: tuple[ComparisonRow, ...]
    sources: tuple[Source, ...]
    charts: tuple[Chart, ...] = ()


class SearchResult(Model):
    """What `find` returns: the first matches, and how many there are."""

    kind: Literal["search"] = "search"
    request: FindRequest
    total: int
    items: tuple[InstanceProfile, ...]
    unpriced: tuple[str, ...]
    """Matches without a price in the region (a price order leaves them last)."""
    elsewhere: tuple[InstanceProfile, ...] = ()
    """If nothing matches in the region: matches elsewhere, priced in the reference region."""
    sources: tuple[Source, ...] = ()


def describe(catalogue: Catalogue, request: DescribeRequest) -> Description:
    """Return the profiles of the named things. Raises UnknownNameError, UnknownRegionError."""
    region, subjects = _resolve(catalogue, request.names, request.region)
    profiles = profiler(catalogue, region)
    items = tuple(profiles.build(item) for item in subjects)
    return Description(region=region, items=items, sources=sources_of(catalogue, items))


def compare(catalogue: Catalogue, request: CompareRequest) -> Comparison:
    """Return the named things side by side, families by a size that all of them have."""
    region, subjects = _resolve(catalogue, request.names, request.region)
    if len(subjects) < 2:
        raise ToolInputError(
            "比較には 2 つ以上の名前が必要です。", "A comparison needs two or more names."
        )
    profiles = profiler(catalogue, region)
    items = tuple(profiles.build(item) for item in subjects[:MAX_NAMES])
    if all(isinstance(item, GpuProfile) for item in items):
        gpus = [item.gpu for item in items if isinstance(item, GpuProfile)]
        rows = comparison_rows(gpus)
        keys = tuple(gpu.key for gpu in gpus)
    else:
        columns = [profiles.instance(name) for name in representatives(items)]
        keys, rows = tuple(item.key for item in columns), comparison_rows(columns)
    return Comparison(
        region=region,
        items=items,
        columns=keys,
        rows=rows,
        sources=sources_of(catalogue, items),
        charts=comparison_charts(keys, [(row.attribute, row.values) for row in rows]),
    )


def find(catalogue: Catalogue, request: FindRequest) -> SearchResult:
    """Return the instance types that fulfil all filters, sorted. Raises ToolInputError."""
    names = Names(catalogue)
    region = names.region(request.region)
    families = tuple(_family(names, family) for family in request.families)
    request = request.model_copy(update={"region": region, "families": families})
    _check(request)
    listed = [item for item in catalogue.types.values() if _admits(request, item, names)]
    profiles = profiler(catalogue, region)
    brief = not _asks_for_blocks(request)
    candidates = [profiles.instance(item.name, brief=brief) for item in listed]
    matches = [item for item in candidates if _fulfils(item, request)]
    chosen = [i for i in matches if not request.offered_only or region in i.type.regions]
    kept = {item.key for item in chosen}
    attribute = BY_KEY[request.sort]
    chosen.sort(key=lambda item: _sort_key(item, attribute, descending=request.descending))
    if request.one_per_family:
        chosen = list({item.type.family: item for item in reversed(chosen)}.values())[::-1]
    unpriced = tuple(item.key for item in chosen if item.usd_per_hour is None)
    return SearchResult(
        request=request,
        total=len(chosen),
        items=tuple(chosen[: request.limit]),
        unpriced=unpriced,
        elsewhere=tuple(item for item in matches if item.key not in kept)[: request.limit],
        sources=sources_of(catalogue, (chosen or matches)[: request.limit]),
    )


def representatives(items: Sequence[Profile]) -> tuple[str, ...]:
    """Return one instance type per item: named types, else members that can be compared fairly.

    Families are represented by their smallest common size (virtual), or, where they share no size,
    by members with as many GPUs as the others have (P4d and P5: 8), or by their largest member.
    """
    groups = [_members(item) for item in items]
    shared = _in_all([{item.size for item in group} for group in groups])
    counts = _in_all([{item.gpu.count for item in group if item.gpu} for group in groups])
    return tuple(_representative(group, shared, max(counts, default=None)).name for group in groups)


def _in_all(sets: list[set[T]]) -> set[T]:
    return set[T]().union(*sets).intersection(*sets)


def comparison_rows(
    columns: Sequence[InstanceProfile] | Sequence[object],
) -> tuple[ComparisonRow, ...]:
    """Return one row per attribute that at least one column has."""
    rows = (_row(attribute, columns) for attribute in ATTRIBUTES)
    return tuple(row for row in rows if any(value is not None for value in row.values))


def _row(attribute: Attribute, columns: Iterable[object]) -> ComparisonRow:
    values = tuple(_frozen(attribute.of(column)) for column in columns)  # type: ignore[arg-type]
    numbers = [value for value in values if isinstance(value, Decimal)]
    differs = len(set(values)) > 1
    ratio = None
    if differs and len(values) == len(numbers) == 2 and min(numbers) > 0:
        ratio = max(numbers) / min(numbers)
    return ComparisonRow(attribute=attribute.key, values=values, differs=differs, ratio=ratio)


def _frozen(value: Value | None) -> bool | Decimal | str | None:
    """Return numbers as Decimal, so that a result reads back from JSON as it was."""
    return value if value is None or isinstance(value, bool | str) else Decimal(str(value))


def _members(item: Profile) -> list[InstanceType]:
    match item:
        case InstanceProfile():
            return [item.type]
        case FamilyProfile():
            return [member.type for member in item.members]
        case GpuProfile():
            return [carrier.type for carrier in item.carriers]
        case _:
            return [member.type for member in item.families[0].ends]


def _representative(
    group: list[InstanceType], shared: set[str], gpus: float | None
) -> InstanceType:
    common = [item for item in group if item.size in shared and not item.bare_metal]
    if common:
        # "large" is a starter size that no GPU family has; ML teams think in xlarge.
        return min(common, key=lambda item: (item.size != "xlarge", *size_order(item)))
    alike = [item for item in group if item.gpu and item.gpu.count == gpus]
    return max(alike or group, key=lambda item: (item.listed, *size_order(item)))


def _resolve(catalogue: Catalogue, names: Iterable[str], region: str) -> tuple[str, list[Subject]]:
    resolver = Names(catalogue)
    subjects = [subject for name in names for subject in resolver.resolve(name)]
    return resolver.region(region), list(dict.fromkeys(subjects))


def _family(names: Names, written: str) -> str:
    """Return the key of a family. Raises UnknownNameError if it is the name of something else."""
    found = [subject.key for subject in names.resolve(written) if subject.kind == "family"]
    if len(found) != 1:
        raise UnknownNameError(written, "no_such_family", tuple(found))
    return found[0]


def _check(request: FindRequest) -> None:
    keys = (request.sort, *(condition.attribute for condition in request.conditions))
    for key in keys:
        if key not in BY_KEY:
            known = ", ".join(BY_KEY)
            raise ToolInputError(
                f"「{key}」という項目はありません。使えるもの: {known}",
                f"There is no attribute {key!r}. Known: {known}",
            )


def _admits(request: FindRequest, item: InstanceType, names: Names) -> bool:
    """Whether the type passes the filters that need no profile."""
    if not item.listed or (request.series and item.series not in request.series):
        return False
    if not request.series and item.series in ("Inf", "Trn"):
        return False
    if request.gpu is not None:
        keys = {subject.key for subject in names.resolve(request.gpu) if subject.kind == "gpu"}
        if item.gpu is None or item.gpu.gpu not in keys:
            return False
    if _excluded(request, item):
        return False
    return (
        (not request.families or item.family in request.families)
        and (request.has_gpu is None or request.has_gpu == (item.gpu is not None))
        and (request.arch is None or request.arch == item.arch)
        and (request.cpu_maker is None or request.cpu_maker == item.cpu_maker)
    )


def _excluded(request: FindRequest, item: InstanceType) -> bool:
    return (
        (item.gpu is not None and item.gpu.gpu in request.exclude_gpus)
        or item.family in request.exclude_families
        or item.series in request.exclude_series
        or item.cpu_maker in request.exclude_cpu_makers
    )


def _asks_for_blocks(request: FindRequest) -> bool:
    """Whether a Capacity Block price is looked for, which brief profiles leave out."""
    asked = (request.sort, *(condition.attribute for condition in request.conditions))
    return "block_usd_per_hour" in asked


def _fulfils(item: InstanceProfile, request: FindRequest) -> bool:
    wanted = request.gpu_architecture
    if wanted and not (item.gpu and item.gpu.architecture.startswith(wanted)):
        return False
    return all(_holds(item, condition) for condition in request.conditions)


def _holds(item: InstanceProfile, condition: Condition) -> bool:
    value = BY_KEY[condition.attribute].of(item)
    if value is None and condition.op in ("<", "<=") and not condition.attribute.startswith("usd"):
        value = 0  # no NVLink is less than any
    if value is None or isinstance(value, str):
        return False
    if isinstance(value, bool) or isinstance(condition.value, bool):
        return bool(value) == bool(condition.value)
    return bool(_OPERATORS[condition.op](Decimal(str(value)), condition.value))


def _sort_key(
    item: InstanceProfile, attribute: Attribute, *, descending: bool
) -> tuple[bool, Decimal, Decimal, str]:
    value = attribute.of(item)
    number = Decimal(str(value)) if isinstance(value, int | float | Decimal) else Decimal(0)
    price = item.usd_per_hour if item.usd_per_hour is not None else Decimal("Infinity")
    return (value is None, -number if descending else number, price, item.key)
