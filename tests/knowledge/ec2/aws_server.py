"""A stand-in for AWS that speaks the wire formats of EC2, the Price List API and Savings Plans.

Real boto3 clients call it; botocore signs and validates the requests and parses the replies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

Reply = tuple[int, str]
Answer = Callable[[str, dict[str, Any]], Reply]
"""(region, request) -> (status, body)."""

_EC2 = "http://ec2.amazonaws.com/doc/2016-11-15/"


class FakeAws(ThreadingHTTPServer):
    """Answers each action with what `answers` has for it, and keeps the calls."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep connections that a test cuts out of the output."""

    def answer(self, action: str, region: str, request: dict[str, Any]) -> Reply:
        self.calls.append((action, region, request))
        return self.answers[action](region, request)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, FakeAws)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", self.headers["Authorization"])
        assert scope, "the request is not signed"
        action, region, request = self._read(scope[1], scope[2], body)
        status, text = self.server.answer(action, region, request)
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if text.startswith("{") else "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _read(self, region: str, service: str, body: str) -> tuple[str, str, dict[str, Any]]:
        """Return action, region and request; the global services name the region in a filter."""
        if service == "ec2":
            request = {name: values[0] for name, values in parse_qs(body).items()}
            return request["Action"], region, request
        request = json.loads(body)
        if service == "pricing":
            target = self.headers["X-Amz-Target"]
            assert target == "AWSPriceListService.GetProducts"
            fields = {item["Field"]: item["Value"] for item in request["Filters"]}
            return "GetProducts", fields["regionCode"], request
        assert (service, self.path) == ("savingsplans", "/DescribeSavingsPlansOfferingRates")
        named = {item["name"]: item["values"] for item in request["filters"]}
        return "DescribeSavingsPlansOfferingRates", named["region"][0], request

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output clean."""


# -- replies -----------------------------------------------------------------------------------


def products(*items: Mapping[str, Any], token: str | None = None) -> Reply:
    """Return a page of the Price List API: each product is JSON in a string."""
    page: dict[str, Any] = {
        "FormatVersion": "aws_v1",
        "PriceList": [json.dumps(item) for item in items],
    }
    return 200, json.dumps(page | ({"NextToken": token} if token else {}))


def product(name: str, usd: str, **reserved: tuple[str, str]) -> dict[str, Any]:
    """Return a product; `reserved` maps y1yr_All_Upfront to (upfront, hourly)."""
    offers = {f"R.{key}": _reserved(key, *fees) for key, fees in reserved.items()}
    return {
        "product": {
            "productFamily": "Compute Instance",
            "attributes": {"instanceType": name, "operatingSystem": "Linux", "tenancy": "Shared"},
            "sku": "SKU",
        },
        "serviceCode": "AmazonEC2",
        "terms": {
            "OnDemand": {
                "SKU.O": {"termAttributes": {}, "priceDimensions": _dimension("Hrs", usd)}
            },
            "Reserved": offers,
        },
    }


def _reserved(key: str, upfront: str, hourly: str, offering: str = "standard") -> dict[str, Any]:
    length, _, option = key.partition("_")
    dimensions = _dimension("Hrs", hourly) | _dimension("Quantity", upfront)
    about = {
        "LeaseContractLength": length.removeprefix("y"),
        "OfferingClass": offering,
        "PurchaseOption": option.replace("_", " "),
    }
    return {"termAttributes": about, "priceDimensions": dimensions}


def _dimension(unit: str, usd: str) -> dict[str, Any]:
    return {f"SKU.O.{unit}": {"unit": unit, "pricePerUnit": {"USD": usd}, "description": ""}}


def rates(*items: Mapping[str, Any], token: str | None = None) -> Reply:
    """Return a page of Savings Plans rates."""
    return 200, json.dumps({"searchResults": list(items)} | ({"nextToken": token} if token else {}))


def rate(
    name: str,
    usd: str,
    *,
    plan: str = "Compute",
    years: int = 1,
    payment: str = "No Upfront",
    described: bool = True,
) -> dict[str, Any]:
    """Return a rate; with `described=False` only its usage type names the instance type."""
    offering = {
        "offeringId": "00000000-0000-0000-0000-000000000000",
        "planType": plan,
        "paymentOption": payment,
        "durationSeconds": years * 31_536_000,
        "currency": "USD",
    }
    properties = [{"name": "instanceType", "value": name}] if described else []
    return {
        "savingsPlanOffering": offering,
        "rate": usd,
        "unit": "Hrs",
        "productType": "EC2",
        "serviceCode": "AmazonEC2",
        "usageType": f"APN1-BoxUsage:{name}",
        "operation": "RunInstances",
        "properties": properties,
    }


def spot_history(*rows: tuple[str, str, str], token: str = "") -> Reply:
    """Return a page of spot prices: (type, zone, USD)."""
    items = "".join(
        f"<item><instanceType>{name}</instanceType><availabilityZone>{zone}</availabilityZone>"
        f"<productDescription>Linux/UNIX</productDescription><spotPrice>{usd}</spotPrice>"
        "<timestamp>2027-01-15T00:00:00.000Z</timestamp></item>"
        for name, zone, usd in rows
    )
    return ec2(
        "DescribeSpotPriceHistory", f"<spotPriceHistorySet>{items}</spotPriceHistorySet>", token
    )


def blocks(*rows: tuple[str, str, int, int]) -> Reply:
    """Return Capacity Block offerings: (type, upfront USD, hours, instances)."""
    items = "".join(
        f"<item><capacityBlockOfferingId>cb-1</capacityBlockOfferingId><instanceType>{name}"
        f"</instanceType><instanceCount>{count}</instanceCount><capacityBlockDurationHours>{hours}"
        f"</capacityBlockDurationHours><upfrontFee>{usd}</upfrontFee><currencyCode>USD</currencyCode>"
        "<tenancy>default</tenancy></item>"
        for name, usd, hours, count in rows
    )
    body = f"<capacityBlockOfferingSet>{items}</capacityBlockOfferingSet>"
    return ec2("DescribeCapacityBlockOfferings", body)


def ec2(action: str, body: str, token: str = "") -> Reply:
    """Return a reply of EC2."""
    more = f"<nextToken>{token}</nextToken>" if token else ""
    content = f"<requestId>test</requestId>{body}{more}"
    return 200, f'<{action}Response xmlns="{_EC2}">{content}</{action}Response>'


def ec2_error(code: str, status: int = 403) -> Reply:
    """Return an error in the form of EC2."""
    error = f"<Error><Code>{code}</Code><Message>refused</Message></Error>"
    return status, f"<Response><Errors>{error}</Errors><RequestID>test</RequestID></Response>"


def json_error(code: str, status: int = 400) -> Reply:
    """Return an error in the form of the JSON services."""
    return status, json.dumps({"__type": code, "message": "refused"})
