"""Capacity Block prices from `ec2:DescribeCapacityBlockOfferings`.

The API sells offers, not a price list: one instance for one day is asked for, and the cheapest
offer's upfront fee by the hour is the price. A type without an offer today keeps its price.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.refresh import open_clients, translated
from knowledge.ec2.refresh_regions import ask_regions
from knowledge.ec2.refresh_rows import PriceAnswers, TermRows
from knowledge.ec2.schema import Term
from knowledge.ec2.survey import Progress
from knowledge.errors import RefreshError

ACTION = "ec2:DescribeCapacityBlockOfferings"
HOURS = 24
TERMS: tuple[Term, ...] = ("capacity-block",)
_NOT_SOLD = {"InvalidParameterValue", "InvalidInstanceType", "Unsupported", "UnsupportedOperation"}
"""Codes for a type that the region does not sell in blocks: no failure of the refresh."""


def fetch_capacity_blocks(
    catalogue: Catalogue,
    regions: Sequence[str],
    progress: Progress,
    *,
    endpoint_url: str | None,
    attempts: int,
) -> PriceAnswers:
    """Return the prices of the types that are sold in blocks, in the regions that may sell them."""
    sold = {region: list(_candidates(catalogue, region)) for region in regions}
    asked = [region for region in regions if sold[region]] or list(regions[:1])
    clients = open_clients("ec2", asked, ACTION, endpoint_url=endpoint_url, attempts=attempts)

    def ask(region: str) -> TermRows:
        prices = ((name, _price(clients[region], name, region)) for name in sold[region])
        return {"capacity-block": {name: usd for name, usd in prices if usd is not None}}

    return ask_regions(asked, ask, progress, terms=TERMS, replace=False, may_be_empty=True)


def _candidates(catalogue: Catalogue, region: str) -> Iterator[str]:
    priced = catalogue.prices_file.prices.get("capacity-block", {}).get(region, {})
    for name, item in catalogue.types.items():
        if "capacity-block" in item.usage_classes and (region in item.regions or name in priced):
            yield name


def _price(client: Any, name: str, region: str) -> Decimal | None:
    """Return the price by the hour of a type's cheapest offer; None without one."""
    try:
        with translated(ACTION, region):
            pages = client.get_paginator("describe_capacity_block_offerings").paginate(
                InstanceType=name, InstanceCount=1, CapacityDurationHours=HOURS
            )
            found = [_hourly(offer) for page in pages for offer in page["CapacityBlockOfferings"]]
    except RefreshError as error:
        if _code(error) in _NOT_SOLD:
            return None
        raise
    return min((usd for usd in found if usd > 0), default=None)


def _hourly(offer: dict[str, Any]) -> Decimal:
    hours = offer["CapacityBlockDurationHours"] * offer["InstanceCount"]
    if offer.get("CurrencyCode", "USD") != "USD" or hours < 1:
        return Decimal(0)
    return (Decimal(offer["UpfrontFee"]) / hours).quantize(Decimal("0.000001")).normalize()


def _code(error: RefreshError) -> str:
    """Return the code with which AWS refused; empty for other failures."""
    response: dict[str, Any] = getattr(error.__cause__, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
