"""Ask every region what it offers, and describe each type once.

A region that does not answer is noted and skipped; only if no region answers, or all would fail for
the same reason, does the survey raise that region's error.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from knowledge.ec2.aws_errors import RefreshLoginError, RefreshUnreachableError
from knowledge.ec2.describe import ApiItem, series_of
from knowledge.errors import RefreshError

PARALLEL_REGIONS = 8

Progress = Callable[[str], None]
Offered = frozenset[str]


class Ec2(Protocol):
    """EC2 in several regions. Both calls raise RefreshError."""

    regions: tuple[str, ...]

    def fetch_offerings(self, region: str) -> Offered:
        """Return the names of the types that a region offers."""
        ...

    def fetch_types(self, region: str, names: list[str]) -> dict[str, ApiItem]:
        """Return the descriptions of the named types, or of all types without names."""
        ...


@dataclass
class Survey:
    """What the regions answered so far."""

    offered: dict[str, Offered] = field(default_factory=dict[str, Offered])
    described: dict[str, ApiItem] = field(default_factory=dict[str, ApiItem])
    failures: dict[str, RefreshError] = field(default_factory=dict[str, RefreshError])

    def note(self, region: str, answer: Offered | RefreshError) -> None:
        """Note a region's answer. Raises it if no other region would answer better."""
        if not isinstance(answer, RefreshError):
            self.offered[region] = answer
            return
        self.failures[region] = answer
        if isinstance(answer, RefreshLoginError) and answer.everywhere:
            raise answer
        offline = isinstance(answer, RefreshUnreachableError) and not self.offered
        if offline and len(self.failures) > 1:
            raise answer


def survey(ec2: Ec2, progress: Progress) -> Survey:
    """Return the offerings of all regions and the descriptions of all types."""
    result = Survey()
    _ask_offerings(ec2, result, progress)
    _describe(ec2, result, progress)
    return result


def _ask_offerings(ec2: Ec2, result: Survey, progress: Progress) -> None:
    def ask(region: str) -> Offered | RefreshError:
        try:
            names = ec2.fetch_offerings(region)
        except RefreshError as error:
            return error
        return names or RefreshError(f"{region} answered that it offers no instance types")

    def note(region: str, answer: Offered | RefreshError) -> None:
        result.note(region, answer)
        count = "no answer" if isinstance(answer, RefreshError) else f"{len(answer)} types"
        done = len(result.offered) + len(result.failures)
        progress(f"{region}: {count} ({done}/{len(ec2.regions)})")

    # The first two go one at a time: without a network, two failures tell enough.
    first, rest = ec2.regions[:2], ec2.regions[2:]
    for region in first:
        note(region, ask(region))
    with ThreadPoolExecutor(PARALLEL_REGIONS) as pool:
        for region, answer in zip(rest, pool.map(ask, rest), strict=True):
            note(region, answer)
    if not result.offered:
        raise next(iter(result.failures.values()))


def _describe(ec2: Ec2, result: Survey, progress: Progress) -> None:
    """Describe all types of one region, and of each other region those that it adds."""
    for region, names in result.offered.items():
        missing = sorted(name for name in names - result.described.keys() if series_of(name))
        if result.described and not missing:
            continue
        try:
            found = ec2.fetch_types(region, missing if result.described else [])
        except RefreshError as error:
            result.failures[region] = error
            continue
        result.described |= found
        progress(f"{region}: {len(found)} types described")
    if not result.described:
        raise next(iter(result.failures.values()))
