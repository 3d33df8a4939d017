"""Load the EC2 catalogue: the packaged snapshot, or newer files in the user's directory.

Each file is read when it is first needed, so that a question about specifications never parses
prices. A damaged file in the user's directory is reported in `Catalogue.warnings`, and the packaged
one is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from knowledge.ec2.schema import (
    Family,
    Gpu,
    InstanceType,
    Manifest,
    NotOffered,
    Price,
    Purchase,
    Record,
    Region,
    Source,
    SpotAdvice,
    Term,
    Unknown,
)
from knowledge.errors import CatalogueError

PACKAGED = Path(__file__).parent / "data"
MANIFEST = "manifest.json"

FileT = TypeVar("FileT", bound=Record)


class InstanceTypesFile(Record):
    """instance_types.json and retired.json."""

    sources: tuple[Source, ...]
    types: tuple[InstanceType, ...]
    other_types: tuple[str, ...] = ()
    """Names of EC2 instance types outside the series of this catalogue (m7i.large, …)."""


class GpusFile(Record):
    """gpus.json: curated facts per GPU model."""

    sources: tuple[Source, ...]
    gpus: tuple[Gpu, ...]


class FamiliesFile(Record):
    """families.json: curated facts per family."""

    sources: tuple[Source, ...]
    families: tuple[Family, ...]


class RegionsFile(Record):
    """regions.json: region codes and names."""

    regions: tuple[Region, ...]


class PricesFile(Record):
    """prices.json: term -> region -> type -> (USD per hour, source id)."""

    sources: tuple[Source, ...]
    prices: dict[Term, dict[str, dict[str, tuple[Decimal, str]]]]


class SpotAdviceFile(Record):
    """spot_advice.json: region -> type -> advice."""

    sources: tuple[Source, ...]
    advice: dict[str, dict[str, tuple[int, str]]]


class Catalogue:
    """The EC2 catalogue. Look-ups by exact API names; name repair is the tools' business."""

    def __init__(self, packaged: Path = PACKAGED, user: Path | None = None) -> None:
        """Read from `packaged`, and from `user` where that snapshot is newer."""
        self._packaged = packaged
        self._user = user
        self.warnings: list[str] = []

    # -- instance types ------------------------------------------------------------------------

    @cached_property
    def types_file(self) -> InstanceTypesFile:
        """The file of instance types that DescribeInstanceTypes returned, with its sources."""
        return self._load("instance_types.json", InstanceTypesFile)

    @cached_property
    def types(self) -> dict[str, InstanceType]:
        """All instance types by name, retired ones included, in catalogue order."""
        found = {item.name: item for item in self.types_file.types}
        return found | {
            item.name: item for item in self.retired_file.types if item.name not in found
        }

    @cached_property
    def other_types(self) -> frozenset[str]:
        """Names of instance types that exist on EC2 but outside this catalogue."""
        return frozenset(self.types_file.other_types)

    @cached_property
    def surveyed_regions(self) -> frozenset[str]:
        """Regions whose offerings the snapshot knows."""
        return frozenset(region for item in self.types_file.types for region in item.regions)

    @cached_property
    def families(self) -> dict[str, tuple[InstanceType, ...]]:
        """Instance types by family, smallest first."""
        grouped: dict[str, list[InstanceType]] = {}
        for item in self.types.values():
            grouped.setdefault(item.family, []).append(item)
        return {key: tuple(sorted(items, key=size_order)) for key, items in grouped.items()}

    # -- curated facts -------------------------------------------------------------------------

    @cached_property
    def gpus(self) -> dict[str, Gpu]:
        """GPU facts by key."""
        return {item.key: item for item in self.gpus_file.gpus}

    def gpu_of(self, item: InstanceType) -> Gpu | None:
        """Return the facts of a type's GPU; None without a GPU, or for one newer than the facts."""
        return self.gpus.get(item.gpu.gpu) if item.gpu else None

    @cached_property
    def family_facts(self) -> dict[str, Family]:
        """Curated family facts by family key; a family newer than the facts is missing."""
        return {item.key: item for item in self.families_file.families}

    @cached_property
    def regions(self) -> dict[str, Region]:
        """Regions by code."""
        return {item.code: item for item in self._load("regions.json", RegionsFile).regions}

    # -- prices --------------------------------------------------------------------------------

    def purchase(self, name: str, region: str, term: Term = "on-demand") -> Purchase:
        """Return the price of a type in a region under a term, or why there is none.

        `NotOffered` needs evidence: in a region that the snapshot did not survey, a type that is
        still listed may be sold, so its price is unknown. A Capacity Block price is evidence of a
        sale by itself: some regions sell blocks of a type that they do not offer on demand.
        """
        item = self.types[name]
        price = self._price(name, region, term)
        silent = region not in self.surveyed_regions or (term == "capacity-block" and price)
        sold = region in item.regions or (item.listed and silent)
        if not sold or (term in _USAGE_TERMS and term not in item.usage_classes):
            return NotOffered(source=item.source, last_known=price)
        return price or Unknown()

    def priced_regions(self, term: Term = "on-demand") -> tuple[str, ...]:
        """Regions for which the catalogue has prices of the term."""
        return tuple(self.prices_file.prices.get(term, {}))

    def spot_advice(self, name: str, region: str) -> SpotAdvice | None:
        """Return the spot advisor's row for a type in a region, if there is one."""
        row = self.spot_file.advice.get(region, {}).get(name)
        return SpotAdvice(savings_percent=row[0], interruption=row[1]) if row else None

    def _price(self, name: str, region: str, term: Term) -> Price | None:
        row = self.prices_file.prices.get(term, {}).get(region, {}).get(name)
        return Price(usd_per_hour=row[0], source=row[1]) if row else None

    # -- sources -------------------------------------------------------------------------------

    def source(self, source_id: str) -> Source:
        """Return a source by id."""
        for source in self.sources:
            if source.id == source_id:
                return source
        raise CatalogueError(f"No source {source_id!r} in the catalogue")

    @property
    def sources(self) -> Iterator[Source]:
        """Yield all sources; files are read one after the other, prices last."""
        yield from self.types_file.sources
        yield from self.retired_file.sources
        yield from self.gpus_file.sources
        yield from self.families_file.sources
        yield from self.prices_file.sources
        yield from self.spot_file.sources

    @property
    def specs_as_of(self) -> date:
        """Day of the instance specifications."""
        return self.types_file.sources[0].as_of

    @property
    def prices_as_of(self) -> tuple[date, date]:
        """Oldest and newest day among the price sources."""
        days = [source.as_of for source in self.prices_file.sources]
        return min(days), max(days)

    # -- files ---------------------------------------------------------------------------------

    @cached_property
    def retired_file(self) -> InstanceTypesFile:
        """Types that AWS no longer lists, with the last description there was."""
        return self._load("retired.json", InstanceTypesFile)

    @cached_property
    def gpus_file(self) -> GpusFile:
        """Curated GPU facts."""
        return self._load("gpus.json", GpusFile)

    @cached_property
    def families_file(self) -> FamiliesFile:
        """Curated family facts."""
        return self._load("families.json", FamiliesFile)

    @cached_property
    def prices_file(self) -> PricesFile:
        """Prices by term, region and type."""
        return self._load("prices.json", PricesFile)

    @cached_property
    def spot_file(self) -> SpotAdviceFile:
        """The spot advisor's rows by region and type."""
        return self._load("spot_advice.json", SpotAdviceFile)

    @cached_property
    def user_manifest(self) -> Manifest | None:
        """The user's manifest, if there is a readable one that is not older than ours."""
        if self._user is None or not (self._user / MANIFEST).is_file():
            return None
        try:
            manifest = Manifest.model_validate_json((self._user / MANIFEST).read_bytes())
        except (ValidationError, OSError) as error:
            self._warn(MANIFEST, error)
            return None
        ours = Manifest.model_validate_json((self._packaged / MANIFEST).read_bytes())
        return manifest if manifest.created >= ours.created else None

    def _load(self, name: str, model: type[FileT]) -> FileT:
        if (manifest := self.user_manifest) and name in manifest.sha256:
            try:
                return _read(self._user_path / name, model, manifest.sha256[name])
            except (CatalogueError, OSError) as error:
                self._warn(name, error)
        try:
            return _read(self._packaged / name, model)
        except OSError as error:
            raise CatalogueError(f"The packaged catalogue file {name} cannot be read") from error

    @property
    def _user_path(self) -> Path:
        assert self._user is not None
        return self._user

    def _warn(self, name: str, error: Exception) -> None:
        cause = type(error).__name__
        message = f"Refreshed catalogue file {name} is damaged ({cause}); the packaged one is used"
        self.warnings.append(message)


_USAGE_TERMS: frozenset[str] = frozenset({"on-demand", "spot", "capacity-block"})


def _read(path: Path, model: type[FileT], sha256: str | None = None) -> FileT:
    """Return the validated content of a catalogue file; with `sha256`, check the bytes first."""
    content = path.read_bytes()
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise CatalogueError(f"{path.name}: the hash differs from the manifest")
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise CatalogueError(f"{path.name} is not a valid catalogue file") from error


def size_order(item: InstanceType) -> tuple[int, float, bool, str]:
    """Sort key that puts small sizes first: vCPUs, then GPUs, then virtual before bare metal."""
    return (item.vcpus, item.gpu.count if item.gpu else 0, item.bare_metal, item.name)


@lru_cache(maxsize=4)
def load_catalogue(user: Path | None = None) -> Catalogue:
    """Return the catalogue, with the user's refreshed files where they are newer."""
    return Catalogue(user=user)
