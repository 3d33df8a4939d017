"""Profiles: everything the catalogue knows about one subject, with prices for one region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from knowledge.ec2.catalogue import Catalogue, size_order
from knowledge.ec2.schema import (
    Family,
    Gpu,
    InstanceType,
    NotOffered,
    Price,
    Purchase,
    Series,
    Source,
    SpotAdvice,
    Term,
)
from tools.names import Subject

PROFILE_TERMS: tuple[Term, ...] = ("on-demand", "spot", "capacity-block")
REFERENCE_REGION = "us-east-1"
"""Region quoted beside one that lacks a price: every type is priced there, if anywhere."""


class Model(BaseModel):
    """Base of requests and results: immutable, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quote(Model):
    """How an instance type is sold in a region under a term."""

    region: str
    term: Term
    purchase: Purchase
    source: Source | None = None
    """Source of the price (or of the last known price); None where there is no figure."""

    @property
    def usd_per_hour(self) -> Decimal | None:
        """The price, or None if it is not sold this way or unknown."""
        return self.purchase.usd_per_hour if isinstance(self.purchase, Price) else None


class InstanceProfile(Model):
    """An instance type with its GPU's facts, its family's facts and its prices."""

    kind: Literal["instance"] = "instance"
    type: InstanceType
    gpu: Gpu | None
    family: Family | None
    quotes: tuple[Quote, ...]
    spot_advice: SpotAdvice | None = None

    @property
    def key(self) -> str:
        """The API name."""
        return self.type.name

    def quote(self, term: Term = "on-demand", region: str | None = None) -> Quote | None:
        """Return the quote for a term (in the first region quoted, unless one is given)."""
        for quote in self.quotes:
            if quote.term == term and region in (None, quote.region):
                return quote
        return None

    @property
    def usd_per_hour(self) -> Decimal | None:
        """On-demand price in the region asked for."""
        quote = self.quote()
        return quote.usd_per_hour if quote else None


class FamilyProfile(Model):
    """A family: its members, smallest first, and the facts that hold for all of them."""

    kind: Literal["family"] = "family"
    key: str
    series: Series
    facts: Family | None
    members: tuple[InstanceProfile, ...]


class GpuProfile(Model):
    """A GPU model and the instance types that carry it."""

    kind: Literal["gpu"] = "gpu"
    gpu: Gpu
    carriers: tuple[InstanceProfile, ...]

    @property
    def key(self) -> str:
        """The GPU's key."""
        return self.gpu.key


class FamilySummary(Model):
    """A family in short: its smallest and largest member."""

    key: str
    facts: Family | None
    sizes: int
    """How many members the family has."""
    smallest: InstanceProfile
    largest: InstanceProfile

    @property
    def ends(self) -> tuple[InstanceProfile, InstanceProfile]:
        """Both members."""
        return self.smallest, self.largest


class SeriesProfile(Model):
    """A series: its listed families in short, newest generation first."""

    kind: Literal["series"] = "series"
    key: Series
    families: tuple[FamilySummary, ...]


Profile = Annotated[
    InstanceProfile | FamilyProfile | GpuProfile | SeriesProfile, Field(discriminator="kind")
]


def sources_of(catalogue: Catalogue, items: Sequence[Profile]) -> tuple[Source, ...]:
    """Return the sources of the specifications in the profiles, each once."""
    ids = dict.fromkeys(found for item in items for found in _source_ids(item))
    return tuple(catalogue.source(source_id) for source_id in ids)


def _source_ids(item: Profile) -> Iterator[str]:
    match item:
        case InstanceProfile():
            yield item.type.source
            yield from (fact.source for fact in (item.gpu, item.family) if fact)
        case FamilyProfile():
            yield from (found for member in item.members for found in _source_ids(member))
        case GpuProfile():
            yield item.gpu.source
            yield from (carrier.type.source for carrier in item.carriers)
        case SeriesProfile():
            ends = (member for family in item.families for member in family.ends)
            yield from (found for member in ends for found in _source_ids(member))


@lru_cache(maxsize=64)
def profiler(catalogue: Catalogue, region: str) -> Profiler:
    """Return the profiler of a catalogue for a region; profiles are immutable, so it is shared."""
    return Profiler(catalogue, region)


class Profiler:
    """Build profiles from a catalogue for one region, each once."""

    def __init__(self, catalogue: Catalogue, region: str) -> None:
        """Quote prices for `region`."""
        self._catalogue = catalogue
        self._region = region
        self._built: dict[tuple[str, bool], InstanceProfile] = {}

    def build(
        self, subject: Subject
    ) -> InstanceProfile | FamilyProfile | GpuProfile | SeriesProfile:
        """Return the profile of a resolved subject."""
        match subject.kind:
            case "instance":
                return self.instance(subject.key)
            case "family":
                return self.family(subject.key)
            case "gpu":
                return self.gpu(subject.key)
            case "series":
                return self.series(subject.key)

    def instance(self, name: str, *, brief: bool = False) -> InstanceProfile:
        """Return an instance type's profile; `brief` quotes on-demand in the region only."""
        key = (name, brief)
        if key not in self._built:
            self._built[key] = self._instance(name, brief=brief)
        return self._built[key]

    def _instance(self, name: str, *, brief: bool) -> InstanceProfile:
        item = self._catalogue.types[name]
        terms = PROFILE_TERMS[:1] if brief else PROFILE_TERMS
        quotes = [self.quote(name, self._region, term) for term in terms]
        if quotes[0].usd_per_hour is None and self._region != REFERENCE_REGION:
            quotes.append(self.quote(name, REFERENCE_REGION, "on-demand"))
        return InstanceProfile(
            type=item,
            gpu=self._catalogue.gpus.get(item.gpu.gpu) if item.gpu else None,
            family=self._catalogue.family_facts.get(item.family),
            quotes=tuple(quotes),
            spot_advice=None if brief else self._catalogue.spot_advice(name, self._region),
        )

    def family(self, key: str, *, brief: bool = True) -> FamilyProfile:
        """Return a family's profile."""
        members = self._catalogue.families[key]
        return FamilyProfile(
            key=key,
            series=members[0].series,
            facts=self._catalogue.family_facts.get(key),
            members=tuple(self.instance(item.name, brief=brief) for item in members),
        )

    def gpu(self, key: str) -> GpuProfile:
        """Return a GPU's profile with the instance types that carry it, smallest first."""
        carriers = [
            item for item in self._catalogue.types.values() if item.gpu and item.gpu.gpu == key
        ]
        carriers.sort(key=lambda item: (item.gpu.count if item.gpu else 0, *size_order(item)))
        profiles = tuple(self.instance(item.name, brief=True) for item in carriers)
        return GpuProfile(gpu=self._catalogue.gpus[key], carriers=profiles)

    def series(self, key: str) -> SeriesProfile:
        """Return a series' profile: its listed families, newest generation first."""
        families = [
            items[0]
            for items in self._catalogue.families.values()
            if items[0].series == key and any(item.listed for item in items)
        ]
        families.sort(key=lambda item: (-item.generation, item.family))
        profiles = tuple(self._summary(item.family) for item in families)
        return SeriesProfile(key=families[0].series, families=profiles)

    def _summary(self, family: str) -> FamilySummary:
        members = [item for item in self._catalogue.families[family] if item.listed]
        virtual = [item for item in members if not item.bare_metal] or members
        return FamilySummary(
            key=family,
            facts=self._catalogue.family_facts.get(family),
            sizes=len(members),
            smallest=self.instance(virtual[0].name, brief=True),
            largest=self.instance(virtual[-1].name, brief=True),
        )

    def quote(self, name: str, region: str, term: Term) -> Quote:
        """Return how a type is sold in a region, with the source of the figure."""
        purchase = self._catalogue.purchase(name, region, term)
        price = purchase.last_known if isinstance(purchase, NotOffered) else purchase
        source = self._catalogue.source(price.source) if isinstance(price, Price) else None
        return Quote(region=region, term=term, purchase=purchase, source=source)
