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
    notes = _Notes(len(regions), progress, one_endpoint=one_endpoint)
    # The first two go one at a time: without a network, two failures tell enough.
    for region in regions[:2]:
        notes.take(region, _attempt(ask, region, may_be_empty))
    with ThreadPoolExecutor(PARALLEL_REGIONS) as pool:
        count = len(regions[2:])
        answers = pool.map(_attempt, [ask] * count, regions[2:], [may_be_empty] * count)
        for region, answer in zip(regions[2:], answers, strict=True):
            notes.take(region, answer)
    if not notes.rows:
        raise next(iter(notes.failures.values()))
    return PriceAnswers(terms, notes.rows, notes.failures, replace)


class _Notes:
    """What the regions answered so far."""

    def __init__(self, expected: int, progress: Progress, *, one_endpoint: bool) -> None:
        self.rows: dict[str, TermRows] = {}
        self.failures: dict[str, RefreshError] = {}
        self._expected, self._progress, self._one_endpoint = expected, progress, one_endpoint

    def take(self, region: str, answer: TermRows | RefreshError) -> None:
        """Note an answer. Raises it if no other region would answer better."""
        if isinstance(answer, RefreshError):
            self.failures[region] = answer
            if self._hopeless(answer):
                raise answer
        else:
            self.rows[region] = answer
        done = f"({len(self.rows) + len(self.failures)}/{self._expected})"
        failed = isinstance(answer, RefreshError)
        self._progress(f"{region}: {'no answer' if failed else f'{_count(answer)} prices'} {done}")

    def _hopeless(self, error: RefreshError) -> bool:
        if isinstance(error, RefreshLoginError) and (error.everywhere or self._one_endpoint):
            return True
        if self.rows:
            return False
        if isinstance(error, RefreshDeniedError) and self._one_endpoint:
            return True
        return isinstance(error, RefreshUnreachableError) and len(self.failures) > 1


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
