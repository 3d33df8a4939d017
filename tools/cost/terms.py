"""Purchase terms of a cost line: their kind, how long they bind, what fills a missing rate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from knowledge.ec2.schema import Term
from tools.errors import ToolInputError

TERMS: tuple[Term, ...] = get_args(Term)
CommitmentKind = Literal["reserved", "ec2-savings-plan", "compute-savings-plan"]
Payment = Literal["no", "partial", "all"]

HOURS_PER_YEAR = 8760  # 365 days
_COMMITMENT = re.compile(
    r"(?P<kind>reserved|ec2-savings-plan|compute-savings-plan)-(?P<years>[13])y-"
    r"(?P<payment>no|partial|all)-upfront"
)
_REFRESH = {
    "reserved": "prices",
    "ec2-savings-plan": "savings-plans",
    "compute-savings-plan": "savings-plans",
    "on-demand": "prices",
    "spot": "spot",
    "capacity-block": "capacity-blocks",
}


@dataclass(frozen=True, slots=True)
class Commitment:
    """A term that is paid for every hour of one or three years, used or not."""

    kind: CommitmentKind
    years: int
    payment: Payment

    @property
    def hours(self) -> int:
        """Hours of the whole commitment."""
        return self.years * HOURS_PER_YEAR


def commitment_of(term: str) -> Commitment | None:
    """Return the commitment that a term makes; None for terms that bind nobody."""
    match = _COMMITMENT.fullmatch(term)
    if match is None:
        return None
    kind, years, payment = match["kind"], int(match["years"]), match["payment"]
    return Commitment(kind, years, payment)  # type: ignore[arg-type]


def refresh_command(term: str, region: str) -> str:
    """Return the command that would fetch the missing rate from AWS."""
    commitment = commitment_of(term)
    what = _REFRESH[commitment.kind if commitment else term]
    return f"ask catalog refresh {what} --region {region}"


def read_term(text: str) -> Term:
    """Return the term that a short spelling means (`spot`, `ri-1y-all`, `compute-sp-3y-no`)."""
    word = re.sub(r"[\s_]+", "-", text.strip().lower())
    word = {"ondemand": "on-demand", "od": "on-demand", "cb": "capacity-block"}.get(word, word)
    word = re.sub(r"^ri-", "reserved-", word)
    word = re.sub(r"^(ec2|compute)-sp-", r"\1-savings-plan-", word)
    for candidate in (word, f"{word}-upfront"):
        if candidate in TERMS:
            return candidate
    known = "on-demand, spot, capacity-block, ri-1y-no|partial|all, ri-3y-…, ec2-sp-…, compute-sp-…"
    raise ToolInputError(
        f"購入方法「{text}」を読めません。使えるもの: {known}",
        f"Cannot read the term {text!r}. Known: {known}",
    )
