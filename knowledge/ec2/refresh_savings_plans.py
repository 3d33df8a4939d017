"""Savings Plans rates from `savingsplans:DescribeSavingsPlansOfferingRates`.

One endpoint answers for all regions. A rate is what each hour costs under the plan, whichever way
it is paid. Compute and EC2 Instance Savings Plans, Linux, shared tenancy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.refresh import open_clients, translated
from knowledge.ec2.refresh_regions import ask_regions
from knowledge.ec2.refresh_rows import PriceAnswers, TermRows
from knowledge.ec2.schema import Term
from knowledge.ec2.survey import Progress
from knowledge.errors import RefreshError

ACTION = "savingsplans:DescribeSavingsPlansOfferingRates"
ENDPOINT_REGION = "us-east-1"
PAGE_SIZE = 1000  # the largest that the API gives
_KINDS = {"Compute": "compute-savings-plan", "EC2Instance": "ec2-savings-plan"}
_YEARS = {31_536_000: "1y", 94_608_000: "3y"}  # seconds of 365 days, and of three times that
_PAYMENTS = {"No Upfront": "no", "Partial Upfront": "partial", "All Upfront": "all"}
TERMS: tuple[Term, ...] = tuple(term for term in get_args(Term) if "savings-plan" in term)

Json = Mapping[str, Any]


def fetch_savings_plans(
    catalogue: Catalogue,
    regions: Sequence[str],
    progress: Progress,
    *,
    endpoint_url: str | None,
    attempts: int,
) -> PriceAnswers:
    """Return the rates of the catalogue's types in the regions."""
    (client,) = open_clients(
        "savingsplans", [ENDPOINT_REGION], ACTION, endpoint_url=endpoint_url, attempts=attempts
    ).values()

    def ask(region: str) -> TermRows:
        with translated(ACTION, region):
            return read_rates(_rates(client, region), known=catalogue.types)

    return ask_regions(regions, ask, progress, terms=TERMS, one_endpoint=True)


def read_rates(rates: Iterator[Json], *, known: Mapping[str, object]) -> TermRows:
    """Return the rates of the known types among the results of one region."""
    rows: dict[Term, dict[str, Decimal]] = {}
    for rate in rates:
        term = _term(rate["savingsPlanOffering"])
        name = _property(rate, "instanceType") or str(rate["usageType"]).rpartition(":")[2]
        if term is None or name not in known or rate["unit"] != "Hrs":
            continue
        try:
            usd = Decimal(rate["rate"])
        except InvalidOperation as error:
            raise RefreshError(f"{ACTION} gave a rate that is none: {rate['rate']!r}") from error
        if usd > 0:
            rows.setdefault(term, {})[name] = usd.normalize()
    return rows


def _rates(client: Any, region: str) -> Iterator[Json]:
    # botocore has no paginator for this call.
    token: dict[str, str] = {}
    while True:
        page = client.describe_savings_plans_offering_rates(
            savingsPlanTypes=list(_KINDS),
            products=["EC2"],
            serviceCodes=["AmazonEC2"],
            filters=[
                {"name": "region", "values": [region]},
                {"name": "productDescription", "values": ["Linux/UNIX"]},
                {"name": "tenancy", "values": ["shared"]},
            ],
            maxResults=PAGE_SIZE,
            **token,
        )
        yield from page["searchResults"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def _term(offering: Json) -> Term | None:
    kind, payment = _KINDS.get(offering["planType"]), _PAYMENTS.get(offering["paymentOption"])
    years = _YEARS.get(offering["durationSeconds"])
    name = f"{kind}-{years}-{payment}-upfront"
    return next((term for term in TERMS if term == name), None)


def _property(rate: Json, name: str) -> str | None:
    return next((item["value"] for item in rate["properties"] if item["name"] == name), None)
