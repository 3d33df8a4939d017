"""What users thought of answers: one vote a user and answer, with an optional reason.

Kept beside the answers. Where nothing is to be kept on disk (ASK_LOG=off) a vote
is refused, so that no front end thanks for what it throws away.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from assistant.database import Database, Store
from assistant.errors import NotConfiguredError

Vote = Literal["up", "down"]
MAX_REASON = 2_000
STORE = Store(
    "feedback",
    (
        """
CREATE TABLE IF NOT EXISTS feedback (
    answer_id TEXT NOT NULL, "user" TEXT NOT NULL, vote TEXT NOT NULL, reason TEXT NOT NULL,
    front TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (answer_id, "user")
)
""",
    ),
)
# A later vote of the same user replaces the earlier one; a reason is not lost to a mere vote.
_KEEP = """
INSERT INTO feedback (answer_id, "user", vote, reason, front, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (answer_id, "user") DO UPDATE SET
    reason = CASE WHEN excluded.reason = '' AND feedback.vote = excluded.vote
             THEN feedback.reason ELSE excluded.reason END,
    vote = excluded.vote, front = excluded.front, at = excluded.at
"""
_COLUMNS = ("answer_id", "user", "vote", "reason", "front", "at")
_NEWEST = 'SELECT answer_id, "user", vote, reason, front, at FROM feedback ORDER BY at DESC'


class Feedback(BaseModel):
    """A vote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: str
    vote: Vote
    reason: str = ""
    user: str = ""
    """Who voted, as the front end knows them; empty where it does not."""
    front: str = ""
    """`web`, `slack` or `cli`."""
    at: datetime


class FeedbackStore:
    """Votes in a database. Without one nothing can be kept."""

    def __init__(self, database: Database | None) -> None:
        """Keep votes in the database."""
        self._database = database

    def add(self, vote: Feedback) -> None:
        """Keep a vote, in place of the user's earlier one. Raises NotConfiguredError."""
        if self._database is None:
            raise NotConfiguredError(
                "記録しない設定(ASK_LOG=off)のため、フィードバックを保存できません。",
                "Feedback cannot be kept: nothing is logged (ASK_LOG=off).",
            )
        row = (vote.answer_id, vote.user, vote.vote, vote.reason[:MAX_REASON], vote.front)
        self._database.execute(_KEEP, (*row, vote.at.isoformat()))

    def list(self, number: int | None = None) -> list[Feedback]:
        """Return the votes, newest last; the last `number` of them."""
        if self._database is None or not self._database.exists:
            return []
        rows = self._database.execute(
            _NEWEST if number is None else f"{_NEWEST} LIMIT ?", () if number is None else (number,)
        ).rows
        return list(_votes(reversed(rows)))


def new_vote(answer_id: str, vote: Vote, reason: str, user: str, front: str) -> Feedback:
    """Return a vote given now."""
    return Feedback(
        answer_id=answer_id,
        vote=vote,
        reason=reason.strip(),
        user=user,
        front=front,
        at=datetime.now(UTC),
    )


def _votes(rows: Iterator[tuple[str, ...]]) -> Iterator[Feedback]:
    for row in rows:
        yield Feedback.model_validate(dict(zip(_COLUMNS, row, strict=True)))
