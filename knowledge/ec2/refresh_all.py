"""`refresh`: bring specifications and prices up to date from AWS, part by part.

A part that fails leaves the others alone and keeps its previous data; only if every part fails is
the first error raised.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from knowledge.ec2.aws_errors import RefreshBusyError
from knowledge.ec2.catalogue import Catalogue, load_catalogue
from knowledge.ec2.refresh import ATTEMPTS, default_regions, refresh_specs
from knowledge.ec2.refresh_capacity_blocks import fetch_capacity_blocks
from knowledge.ec2.refresh_prices import fetch_prices
from knowledge.ec2.refresh_rows import PriceAnswers, merge_prices, write_prices
from knowledge.ec2.refresh_savings_plans import fetch_savings_plans
from knowledge.ec2.refresh_spot import fetch_spot
from knowledge.ec2.schema import Record, Source
from knowledge.ec2.survey import Progress
from knowledge.errors import RefreshError

Part = Literal["specs", "prices", "spot", "savings-plans", "capacity-blocks"]
PARTS: tuple[Part, ...] = get_args(Part)

_PRICES: dict[Part, Callable[..., PriceAnswers]] = {
    "prices": fetch_prices,
    "spot": fetch_spot,
    "savings-plans": fetch_savings_plans,
    "capacity-blocks": fetch_capacity_blocks,
}
_SOURCES: dict[Part, tuple[str, str, str]] = {
    "prices": (
        "AWS 料金表 API(GetProducts)",
        "AWS Price List API (GetProducts)",
        "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html",
    ),
    "spot": (
        "EC2 スポット料金履歴(ゾーン間の最安値)",
        "EC2 spot price history (lowest among the zones)",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html",
    ),
    "savings-plans": (
        "Savings Plans の料金(DescribeSavingsPlansOfferingRates)",
        "Savings Plans rates (DescribeSavingsPlansOfferingRates)",
        "https://docs.aws.amazon.com/savingsplans/latest/APIReference/API_DescribeSavingsPlansOfferingRates.html",
    ),
    "capacity-blocks": (
        "Capacity Block の販売価格(DescribeCapacityBlockOfferings)",
        "Capacity Block offerings (DescribeCapacityBlockOfferings)",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeCapacityBlockOfferings.html",
    ),
}


class PartReport(Record):
    """What a refresh did to one part of the catalogue."""

    part: Part
    as_of: date
    regions: tuple[str, ...] = ()
    """Regions that answered."""
    failures: dict[str, str] = Field(default_factory=dict[str, str])
    """Regions that did not answer, with the cause; they keep their previous data."""
    items: int = 0
    """Types described, or prices fetched."""
    added: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    error: str | None = None
    """Why the whole part failed."""


class RefreshOutcome(Record):
    """What a refresh did."""

    target: str
    parts: tuple[PartReport, ...]


def refresh(
    what: Sequence[Part],
    target: Path,
    *,
    regions: Sequence[str] = (),
    endpoint_url: str | None = None,
    attempts: int = ATTEMPTS,
    progress: Progress = lambda _: None,
    today: date | None = None,
) -> RefreshOutcome:
    """Refresh parts of the catalogue in `target` and return what changed.

    One process at a time: raises RefreshBusyError while another refreshes the same directory.

    Args:
        what: Parts to refresh, in order.
        target: Directory of the user's catalogue.
        regions: Regions to ask; all that the catalogue knows if there are none.
        endpoint_url: Stands in for AWS.
        attempts: Tries per request.
        progress: Receives a line per region.
        today: Day that the figures are from.
    """
    options = {"endpoint_url": endpoint_url, "attempts": attempts}
    day = today or datetime.now(UTC).date()
    reports: list[PartReport] = []
    errors: list[RefreshError] = []
    with _alone(target):
        for part in what:
            try:
                reports.append(_refresh_part(part, target, regions, progress, day, options))
            except RefreshError as error:
                errors.append(error)
                reports.append(PartReport(part=part, as_of=day, error=str(error)))
    load_catalogue.cache_clear()
    if len(errors) == len(what):
        raise errors[0]
    return RefreshOutcome(target=str(target), parts=tuple(reports))


@contextmanager
def _alone(target: Path) -> Generator[None]:
    """Hold the lock beside `target`, whose content stays the catalogue's files alone."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(f"{target.name}.refresh.lock"), timeout=0)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RefreshBusyError(
            f"Another refresh is writing to {target}; wait for it to end and try again"
        ) from error
    except OSError as error:
        raise RefreshError(f"{target} cannot be written ({error})") from error
    try:
        yield
    finally:
        lock.release()


def _refresh_part(
    part: Part,
    target: Path,
    regions: Sequence[str],
    progress: Progress,
    day: date,
    options: Mapping[str, object],
) -> PartReport:
    def tell(line: str) -> None:
        progress(f"{part}: {line}")

    if part == "specs":
        return _refresh_specs(target, regions, tell, options)
    catalogue = Catalogue(user=target)
    asked = tuple(regions) or default_regions(catalogue)
    answers = _PRICES[part](catalogue, asked, tell, **options)
    file = merge_prices(catalogue, answers, _source(part, day))
    write_prices(target, file, today=day, keep=catalogue.user_manifest)
    return PartReport(
        part=part,
        as_of=day,
        regions=tuple(answers.rows),
        failures={region: str(error) for region, error in answers.failures.items()},
        items=sum(len(rows) for terms in answers.rows.values() for rows in terms.values()),
    )


def _refresh_specs(
    target: Path, regions: Sequence[str], progress: Progress, options: Mapping[str, object]
) -> PartReport:
    report = refresh_specs(target, regions=regions, progress=progress, **options)  # type: ignore[arg-type]
    return PartReport(
        part="specs",
        as_of=report.as_of,
        regions=report.regions,
        failures=report.failures,
        items=report.types,
        added=report.added,
        withdrawn=report.withdrawn,
    )


def _source(part: Part, day: date) -> Source:
    title, title_en, url = _SOURCES[part]
    return Source(id=f"aws-{part}-{day}", title=title, title_en=title_en, url=url, as_of=day)
