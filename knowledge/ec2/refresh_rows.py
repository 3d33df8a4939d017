"""Prices that AWS answered, merged with the previous price file and written. No network.

A region that did not answer keeps its previous rows. One that did is replaced term by term, except
for types that AWS no longer lists: their last price stays, so that it can be told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from knowledge.ec2.catalogue import Catalogue, PricesFile
from knowledge.ec2.files import digest, replace_file, write_manifest
from knowledge.ec2.schema import Manifest, Source, Term
from knowledge.errors import RefreshError

PRICES_FILE = "prices.json"

Rows = Mapping[str, Decimal]
"""USD per hour by instance type."""
TermRows = Mapping[Term, Rows]
PriceRows = dict[str, tuple[Decimal, str]]
"""USD per hour and source id by instance type, as the price file has them."""


@dataclass(frozen=True)
class PriceAnswers:
    """What the regions answered about some terms, and which regions did not."""

    terms: tuple[Term, ...]
    """Terms that the answers are complete for."""
    rows: Mapping[str, TermRows]
    """Prices by region and term."""
    failures: Mapping[str, RefreshError] = field(default_factory=dict[str, RefreshError])
    replace: bool = True
    """Whether a type that is missing from an answer loses its price."""


def merge_prices(catalogue: Catalogue, answers: PriceAnswers, source: Source) -> PricesFile:
    """Return the catalogue's price file brought up to date by the answers."""
    previous = catalogue.prices_file
    unlisted = {name for name, item in catalogue.types.items() if not item.listed}
    prices: dict[Term, dict[str, PriceRows]] = {
        term: dict(regions) for term, regions in previous.prices.items()
    }
    for region, terms in answers.rows.items():
        for term in answers.terms:
            old = prices.setdefault(term, {}).get(region, {})
            kept = {n: row for n, row in old.items() if not answers.replace or n in unlisted}
            new = {name: (usd, source.id) for name, usd in terms.get(term, {}).items()}
            prices[term][region] = dict(sorted((kept | new).items()))
    found: dict[Term, dict[str, PriceRows]] = {
        term: {region: rows for region, rows in regions.items() if rows}
        for term, regions in prices.items()
    }
    used = {
        row[1] for regions in found.values() for rows in regions.values() for row in rows.values()
    }
    sources = {item.id: item for item in (*previous.sources, source) if item.id in used}
    return PricesFile(
        sources=tuple(sorted(sources.values(), key=lambda item: item.id)),
        prices={term: regions for term, regions in found.items() if regions},
    )


def write_prices(target: Path, file: PricesFile, *, today: date, keep: Manifest | None) -> Manifest:
    """Replace the price file of a directory, then its manifest, and return the manifest.

    A kill between the two leaves a hash that does not match; the catalogue then falls back to the
    packaged file with a warning.
    """
    content = render_prices(file)
    counts = {
        f"prices_{term}": sum(map(len, regions.values())) for term, regions in file.prices.items()
    }
    manifest = Manifest(
        created=max(today, keep.created) if keep else today,
        counts=(keep.counts if keep else {}) | counts,
        sha256=(keep.sha256 if keep else {}) | {PRICES_FILE: digest(content)},
    )
    try:
        target.mkdir(parents=True, exist_ok=True)
        replace_file(target / PRICES_FILE, content)
        write_manifest(target, manifest)
    except OSError as error:
        message = f"{target} cannot be written ({error}); choose another directory"
        raise RefreshError(message) from error
    return manifest


def render_prices(file: PricesFile) -> bytes:
    """Return the file as JSON with a line for each region of each term."""
    terms = [
        f'"{term}":{{\n'
        + ",\n".join(f'"{region}":{_region(rows)}' for region, rows in regions.items())
        + "\n}"
        for term, regions in file.prices.items()
    ]
    sources = ",\n".join(_compact(source.model_dump(mode="json")) for source in file.sources)
    body = ['{"sources":[', sources, '],"prices":{', ",\n".join(terms), "}}"]
    return ("\n".join(line for line in body if line) + "\n").encode()


def _region(rows: Mapping[str, tuple[Decimal, str]]) -> str:
    return _compact({name: [str(usd), source] for name, (usd, source) in rows.items()})


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
