"""What the assistant can learn from: votes on answers, and answers that abstained.

The queue is the team's: in a shared database it holds what anybody asked, because who fills the
gaps is seldom who found them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assistant.answer import Answer
from assistant.feedback import Feedback, FeedbackStore
from assistant.history import History

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """A vote, or an answer that abstained and that nobody voted on."""

    answer_id: str
    at: datetime | None
    vote: Feedback | None = None


def queue(votes: FeedbackStore, history: History) -> list[Item]:
    """Return what waits to be learnt from, newest last."""
    voted = [Item(vote.answer_id, vote.at, vote) for vote in votes.list()]
    known = {item.answer_id for item in voted}
    gaps = [Item(name, at) for name, at in history.abstentions() if name not in known]
    return sorted([*gaps, *voted], key=lambda item: item.at or _LONG_AGO)


def export_row(item: Item, answer: Answer | None) -> Mapping[str, Any]:
    """Return an item as JSON: who said what, and the answer that it is about.

    `vote` is null where nobody voted; `abstained` is why the assistant did not answer.
    """
    row: dict[str, Any]
    if item.vote:
        row = item.vote.model_dump(mode="json")
    else:
        at = item.at.isoformat() if item.at else None
        row = {"answer_id": item.answer_id, "vote": None, "reason": "", "at": at}
    if answer is None:
        return row
    why = (answer.reason or "unclear") if answer.abstained else None
    return row | {"abstained": why, "question": answer.question, "answer": answer.answer}
