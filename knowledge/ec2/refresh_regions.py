"""Ask every region for its prices: in parallel, with progress, and failures noted by region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from knowledge.ec2.aws_errors import (
    RefreshDeniedError,
    RefreshLoginError,
    RefreshUnreachableError,
)
from knowledge.ec2.refresh_rows import PriceAnswers, TermRows
from knowledge.ec2.schema import Term
from knowledge.ec2.survey import Progress
from knowledge.errors import RefreshError

PARALLEL_REGIONS = 8

Ask = Callable[[str], TermRows]
"""Returns the prices of a region. Raises RefreshError."""


def ask_regions(
    regions: Sequence[str],
    ask: Ask,
    progress: Progress,
    *,
    terms: tuple[Term, ...],
    one_endpoint: bool = False,
    replace: bool = True,
    may_be_empty: bool = False,
) -> PriceAnswers:
    """Return what the regions answered. Raises the first error if none did.

    Args:
        regions: Regions in the order in which they are asked.
        ask: Asks one of them.
        progress: Receives a line per region.
        terms: Terms that an answer is complete for.
        one_endpoint: Whether one service answers for all, so that its denial counts for all.
        replace: Whether a type that is missing from an answer loses its price.
        may_be_empty: Whether a region may answer without a single price.
    """
    rows: dict[str, TermRows] = {}
    failures: dict[str, RefreshError] = {}

    def note(region: str, answer: TermRows | RefreshError) -> None:
        if isinstance(answer, RefreshError):
            failures[region] = answer
            if _hopeless(answer, rows, failures, one_endpoint=one_endpoint):
                raise answer
        else:
            rows[region] = answer
        done = f"({len(rows) + len(failures)}/{len(regions)})"
        count = "no answer" if isinstance(answer, RefreshError) else f"{_count(answer)} prices"
        progress(f"{region}: {count} {done}")

    # The first two go one at a time: without a network, two failures tell enough.
    for region in regions[:2]:
        note(region, _attempt(ask, region, may_be_empty))
    with ThreadPoolExecutor(PARALLEL_REGIONS) as pool:
        answers = pool.map(lambda region: _attempt(ask, region, may_be_empty), regions[2:])
        for region, answer in zip(regions[2:], answers, strict=True):
            note(region, answer)
    if not rows:
        raise next(iter(failures.values()))
    return PriceAnswers(terms, rows, failures, replace)


def _attempt(ask: Ask, region: str, may_be_empty: bool) -> TermRows | RefreshError:
    try:
        found = ask(region)
    except RefreshError as error:
        return error
    except (TypeError, AttributeError, LookupError, ArithmeticError, ValueError) as error:
        return RefreshError(f"{region} answered in an unexpected shape ({error!r})")
    return (
        found
        if may_be_empty or _count(found)
        else RefreshError(f"{region} answered without any price")
    )


def _count(rows: TermRows) -> int:
    return sum(len(found) for found in rows.values())


def _hopeless(
    error: RefreshError,
    rows: dict[str, TermRows],
    failures: dict[str, RefreshError],
    *,
    one_endpoint: bool,
) -> bool:
    """Whether no other region would answer better."""
    if isinstance(error, RefreshLoginError) and (error.everywhere or one_endpoint):
        return True
    if isinstance(error, RefreshDeniedError) and one_endpoint and not rows:
        return True
    return isinstance(error, RefreshUnreachableError) and not rows and len(failures) > 1
