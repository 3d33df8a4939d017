"""Bring the instance types up to date from AWS: DescribeInstanceTypes and its offerings.

Enters: AWS credentials (or an endpoint that stands in for AWS) and a target directory. Leaves: the
directory's instance_types.json and manifest.json, replaced atomically. Needs the IAM actions
ec2:DescribeInstanceTypes and ec2:DescribeInstanceTypeOfferings. Prices are not refreshed here.

    python -m knowledge.ec2.refresh --into DIR [--region CODE ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore import exceptions as boto  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.parsers import (  # pyright: ignore[reportMissingTypeStubs]
    ResponseParserError,
)

from knowledge.ec2.aws_errors import (
    LOGIN_REMEDY,
    RefreshLoginError,
    RefreshUnreachableError,
    error_of_code,
)
from knowledge.ec2.catalogue import Catalogue, InstanceTypesFile
from knowledge.ec2.describe import ApiItem
from knowledge.ec2.files import write_types
from knowledge.ec2.merge import merge
from knowledge.ec2.schema import Record, Source
from knowledge.ec2.survey import Progress, survey
from knowledge.errors import RefreshError

TYPES_ACTION = "ec2:DescribeInstanceTypes"
OFFERINGS_ACTION = "ec2:DescribeInstanceTypeOfferings"

ATTEMPTS = 5
"""Calls per request, with botocore's exponential backoff between them."""

MAX_NAMES = 100  # DescribeInstanceTypes accepts at most 100 names a call.

OTHER_PARTITIONS = ("us-gov-", "cn-")
"""Regions that ordinary credentials cannot ask; they must be named to be asked."""


class RefreshReport(Record):
    """What a refresh did."""

    as_of: date
    regions: tuple[str, ...]
    """Regions that answered."""
    failures: dict[str, str]
    """Regions that did not answer, or not fully, with the cause; they keep their previous data."""
    types: int
    added: tuple[str, ...]
    withdrawn: tuple[str, ...]
    """Types that AWS no longer lists; they stay in the catalogue as unlisted."""
    unreadable: dict[str, str]
    """Types whose description had an unexpected shape, with the cause."""


class Pages(Protocol):
    """A botocore paginator."""

    def paginate(self, **arguments: object) -> Iterable[dict[str, Any]]:
        """Yield the pages of a call."""
        ...


class Ec2Client(Protocol):
    """The part of a boto3 EC2 client that is used here."""

    def get_paginator(self, name: str) -> Pages:
        """Return the paginator of a call."""
        ...


def aws_source(as_of: date) -> Source:
    """Return the source record of specifications that AWS itself gave on a day."""
    return Source(
        id=f"ec2-api-{as_of}",
        title="EC2 DescribeInstanceTypes(AWS API)",
        title_en="EC2 DescribeInstanceTypes (AWS API)",
        url="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html",
        as_of=as_of,
    )


def refresh_specs(
    target: Path,
    *,
    source: Source | None = None,
    regions: Sequence[str] = (),
    endpoint_url: str | None = None,
    attempts: int = ATTEMPTS,
    progress: Progress = lambda _: None,
) -> RefreshReport:
    """Refresh the instance types in `target` and return what changed.

    Args:
        target: Directory of a user's catalogue, or the packaged data in a checkout.
        source: Says where the figures come from; AWS today if it is not given.
        regions: Regions to ask; all regions that the catalogue knows if there are none.
        endpoint_url: Stands in for AWS in every region.
        attempts: Tries per request.
        progress: Receives a line per region.
    """
    catalogue = Catalogue(user=target)
    asked = tuple(regions) or default_regions(catalogue)
    answers = survey(AwsEc2(asked, endpoint_url=endpoint_url, attempts=attempts), progress)
    source = source or aws_source(datetime.now(UTC).date())
    previous = catalogue.types_file
    merged = merge(previous, answers, gpus=tuple(catalogue.gpus.values()), source=source)
    try:
        write_types(target, merged.file, created=source.as_of, keep=catalogue.user_manifest)
    except OSError as error:
        raise RefreshError(
            f"{target} cannot be written ({error}); choose another directory"
        ) from error
    return RefreshReport(
        as_of=source.as_of,
        regions=tuple(answers.offered),
        failures={region: str(error) for region, error in answers.failures.items()},
        types=len(merged.file.types),
        added=_listed_only_in(merged.file, than=previous),
        withdrawn=_listed_only_in(previous, than=merged.file),
        unreadable=dict(merged.unreadable),
    )


def default_regions(catalogue: Catalogue) -> tuple[str, ...]:
    """Return the regions of the catalogue that ordinary AWS accounts can ask."""
    return tuple(code for code in catalogue.regions if not code.startswith(OTHER_PARTITIONS))


def _listed_only_in(file: InstanceTypesFile, *, than: InstanceTypesFile) -> tuple[str, ...]:
    other = {item.name for item in than.types if item.listed}
    return tuple(item.name for item in file.types if item.listed and item.name not in other)


# -- calls -------------------------------------------------------------------------------------


def open_clients(
    service: str, regions: Sequence[str], action: str, *, endpoint_url: str | None, attempts: int
) -> dict[str, Any]:
    """Return a boto3 client for each region; credentials come from boto3's usual places."""
    retries = {"mode": "standard", "max_attempts": attempts}
    config = Config(retries=retries, connect_timeout=5, read_timeout=30)
    clients: dict[str, Any] = {}
    session = None
    for region in regions:
        with translated(action, region):
            # A session of our own: boto3's default one keeps the credentials it first saw.
            session = session or cast(Any, boto3).Session()
            clients[region] = session.client(
                service, region_name=region, endpoint_url=endpoint_url, config=config
            )
    return clients


class AwsEc2:
    """EC2 as boto3 reaches it: one client per region, with retries and pagination."""

    def __init__(self, regions: Sequence[str], *, endpoint_url: str | None, attempts: int) -> None:
        """Build the clients; credentials come from boto3's usual places."""
        self.regions = tuple(regions)
        self._clients: dict[str, Ec2Client] = open_clients(
            "ec2", regions, OFFERINGS_ACTION, endpoint_url=endpoint_url, attempts=attempts
        )

    def fetch_offerings(self, region: str) -> frozenset[str]:
        """Return the names of the types that a region offers."""
        with translated(OFFERINGS_ACTION, region):
            paginator = self._clients[region].get_paginator("describe_instance_type_offerings")
            pages = paginator.paginate(LocationType="region")
            return frozenset(
                item["InstanceType"] for page in pages for item in page["InstanceTypeOfferings"]
            )

    def fetch_types(self, region: str, names: list[str]) -> dict[str, ApiItem]:
        """Return the descriptions of the named types, or of all types without names."""
        chunks = [names[at : at + MAX_NAMES] for at in range(0, len(names), MAX_NAMES)]
        found: dict[str, ApiItem] = {}
        with translated(TYPES_ACTION, region):
            paginator = self._clients[region].get_paginator("describe_instance_types")
            for arguments in [{"InstanceTypes": chunk} for chunk in chunks] or [{}]:
                for page in paginator.paginate(**arguments):
                    found |= {item["InstanceType"]: item for item in page["InstanceTypes"]}
        return found


# -- errors ------------------------------------------------------------------------------------

_NO_LOGIN = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.ProfileNotFound,
    boto.TokenRetrievalError,
    boto.SSOError,
)
_UNREACHABLE = (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError)


@contextmanager
def translated(action: str, region: str) -> Generator[None]:
    """Turn botocore's errors into ours."""
    try:
        yield
    except boto.ClientError as error:
        reply = cast(dict[str, Any], error.response).get("Error", {})
        code, message = str(reply.get("Code", "")), str(reply.get("Message", ""))
        raise error_of_code(code, message, action=action, region=region) from error
    except _NO_LOGIN as error:
        message = f"No usable AWS credentials ({error}); {LOGIN_REMEDY}"
        raise RefreshLoginError(message, everywhere=True) from error
    except _UNREACHABLE as error:
        message = f"AWS in {region} cannot be reached ({error}); check the network and any proxy"
        raise RefreshUnreachableError(message) from error
    except (boto.BotoCoreError, ResponseParserError, KeyError, ValueError) as error:
        # KeyError: a reply without the part that was asked for. ValueError: a malformed endpoint.
        raise RefreshError(f"{action} failed in {region}: {error!r}") from error


# -- command -----------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a refresh from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m knowledge.ec2.refresh")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR")
    parser.add_argument("--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD")
    parser.add_argument("--region", action="append", default=[], metavar="CODE")
    parser.add_argument("--endpoint-url", metavar="URL")
    options = parser.parse_args(arguments)
    try:
        report = refresh_specs(
            options.into,
            source=aws_source(options.as_of) if options.as_of else None,
            regions=options.region,
            endpoint_url=options.endpoint_url,
            progress=lambda line: _say(line),
        )
    except RefreshError as error:
        _say(str(error))
        return 1
    for region, cause in report.failures.items():
        _say(f"{region} keeps its previous data: {cause}")
    _say(f"{report.types} types, {len(report.added)} new, {len(report.withdrawn)} withdrawn")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
