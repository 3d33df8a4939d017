"""On-demand and Reserved Instance prices from the AWS Price List API (`pricing:GetProducts`).

The API has one endpoint for all regions. Prices are for Linux and shared tenancy; a Reserved
Instance's price is the effective price of each hour: its upfront fee spread over the term, plus its
hourly fee. Standard class only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.refresh import open_clients, translated
from knowledge.ec2.refresh_regions import ask_regions
from knowledge.ec2.refresh_rows import PriceAnswers, TermRows
from knowledge.ec2.schema import Term
from knowledge.ec2.survey import Progress
from knowledge.errors import RefreshError

ACTION = "pricing:GetProducts"
ENDPOINT_REGION = "us-east-1"  # one of the few regions that serve the Price List API
HOURS = {"1yr": 8760, "3yr": 3 * 8760}
ON_DEMAND: Term = "on-demand"
RESERVED: dict[tuple[str, str], Term] = {
    ("1yr", "No Upfront"): "reserved-1y-no-upfront",
    ("1yr", "Partial Upfront"): "reserved-1y-partial-upfront",
    ("1yr", "All Upfront"): "reserved-1y-all-upfront",
    ("3yr", "No Upfront"): "reserved-3y-no-upfront",
    ("3yr", "Partial Upfront"): "reserved-3y-partial-upfront",
    ("3yr", "All Upfront"): "reserved-3y-all-upfront",
}
TERMS: tuple[Term, ...] = (ON_DEMAND, *RESERVED.values())
_FILTERS = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}

Json = Mapping[str, Any]


def fetch_prices(
    catalogue: Catalogue,
    regions: Sequence[str],
    progress: Progress,
    *,
    endpoint_url: str | None,
    attempts: int,
) -> PriceAnswers:
    """Return the prices of the catalogue's types in the regions."""
    (client,) = open_clients(
        "pricing", [ENDPOINT_REGION], ACTION, endpoint_url=endpoint_url, attempts=attempts
    ).values()

    def ask(region: str) -> TermRows:
        with translated(ACTION, region):
            products = list(_products(client, region))
        return read_products(products, known=catalogue.types)

    return ask_regions(regions, ask, progress, terms=TERMS, one_endpoint=True)


def read_products(products: Sequence[Json], *, known: Mapping[str, object]) -> TermRows:
    """Return the prices of the known types among the products of one region."""
    rows: dict[Term, dict[str, Decimal]] = {}
    for product in products:
        name = product["product"]["attributes"].get("instanceType", "")
        if name not in known:
            continue
        for term, usd in _prices(product["terms"]):
            rows.setdefault(term, {})[name] = usd
    return rows


def _products(client: Any, region: str) -> Iterator[Json]:
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in (_FILTERS | {"regionCode": region}).items()
    ]
    pages = client.get_paginator("get_products").paginate(
        ServiceCode="AmazonEC2", Filters=filters, FormatVersion="aws_v1"
    )
    for page in pages:
        # Each product is a string of JSON inside the JSON of the page.
        yield from (json.loads(text) for text in page["PriceList"])


def _prices(terms: Json) -> Iterator[tuple[Term, Decimal]]:
    for offer in terms.get("OnDemand", {}).values():
        hourly, _ = _fees(offer)
        if hourly > 0:
            yield ON_DEMAND, hourly
    for offer in terms.get("Reserved", {}).values():
        about = offer["termAttributes"]
        term = RESERVED.get((about["LeaseContractLength"], about["PurchaseOption"]))
        if term is None or about.get("OfferingClass") != "standard":
            continue
        hourly, upfront = _fees(offer)
        effective = hourly + upfront / HOURS[about["LeaseContractLength"]]
        if effective > 0:
            yield term, effective.quantize(Decimal("0.0000001")).normalize()


def _fees(offer: Json) -> tuple[Decimal, Decimal]:
    """Return the hourly and the upfront fee of an offer."""
    fees = {"Hrs": Decimal(0), "Quantity": Decimal(0)}
    for dimension in offer["priceDimensions"].values():
        try:
            usd = Decimal(dimension["pricePerUnit"]["USD"])
        except (KeyError, InvalidOperation) as error:
            raise RefreshError(f"{ACTION} gave a price that is none: {dimension}") from error
        if dimension["unit"] in fees:
            fees[dimension["unit"]] += usd
    return fees["Hrs"].normalize(), fees["Quantity"]
