"""Current spot prices from `ec2:DescribeSpotPriceHistory`: the lowest price among a region's zones.

Zones differ by much, and a mean of them is a price that nobody pays; the source says which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.refresh import open_clients, translated
from knowledge.ec2.refresh_regions import ask_regions
from knowledge.ec2.refresh_rows import PriceAnswers, TermRows
from knowledge.ec2.schema import Term
from knowledge.ec2.survey import Progress

ACTION = "ec2:DescribeSpotPriceHistory"
PLATFORMS = ["Linux/UNIX"]
TERMS: tuple[Term, ...] = ("spot",)


def fetch_spot(
    catalogue: Catalogue,
    regions: Sequence[str],
    progress: Progress,
    *,
    endpoint_url: str | None,
    attempts: int,
) -> PriceAnswers:
    """Return the spot prices of the catalogue's types in the regions."""
    clients = open_clients("ec2", regions, ACTION, endpoint_url=endpoint_url, attempts=attempts)

    def ask(region: str) -> TermRows:
        with translated(ACTION, region):
            return {"spot": _lowest(clients[region], catalogue)}

    return ask_regions(regions, ask, progress, terms=TERMS)


def _lowest(client: Any, catalogue: Catalogue) -> dict[str, Decimal]:
    # A start in the present asks for the price of now, one row a type and zone.
    pages = client.get_paginator("describe_spot_price_history").paginate(
        ProductDescriptions=PLATFORMS, StartTime=datetime.now(UTC)
    )
    lowest: dict[str, Decimal] = {}
    for page in pages:
        for item in page["SpotPriceHistory"]:
            name, usd = item["InstanceType"], Decimal(item["SpotPrice"])
            if name in catalogue.types and usd > 0:
                lowest[name] = min(usd, lowest.get(name, usd)).normalize()
    return lowest
