"""What users thought of answers: one vote a user and answer, with an optional reason.

Kept in a SQLite file beside the answers. Where nothing is to be kept on disk (ASK_LOG=off) a vote
is refused, so that no front end thanks for what it throws away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from assistant.errors import NotConfiguredError
from assistant.history import open_database

Vote = Literal["up", "down"]
MAX_REASON = 2_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    answer_id TEXT NOT NULL, user TEXT NOT NULL, vote TEXT NOT NULL, reason TEXT NOT NULL,
    front TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (answer_id, user)
)
"""
# A later vote of the same user replaces the earlier one; a reason is not lost to a mere vote.
_KEEP = """
INSERT INTO feedback (answer_id, user, vote, reason, front, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (answer_id, user) DO UPDATE SET
    reason = CASE WHEN excluded.reason = '' AND vote = excluded.vote
             THEN reason ELSE excluded.reason END,
    vote = excluded.vote, front = excluded.front, at = excluded.at
"""
_COLUMNS = "answer_id, user, vote, reason, front, at"


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
    """Votes in a file. Without a path nothing can be kept."""

    def __init__(self, path: Path | None) -> None:
        """Keep votes in the file at `path`."""
        self._path = path

    def add(self, vote: Feedback) -> None:
        """Keep a vote, in place of the user's earlier one. Raises NotConfiguredError."""
        if self._path is None:
            raise NotConfiguredError(
                "記録しない設定(ASK_LOG=off)のため、フィードバックを保存できません。",
                "Feedback cannot be kept: nothing is logged (ASK_LOG=off).",
            )
        row = (vote.answer_id, vote.user, vote.vote, vote.reason[:MAX_REASON], vote.front)
        with self._connection:
            self._connection.execute(_KEEP, (*row, vote.at.isoformat()))

    def list(self, number: int | None = None) -> list[Feedback]:
        """Return the votes, newest last; the last `number` of them."""
        if self._path is None or not self._path.exists():
            return []
        query = f"SELECT {_COLUMNS} FROM feedback ORDER BY at DESC LIMIT ?"
        rows = self._connection.execute(query, (-1 if number is None else number,)).fetchall()
        return list(_votes(reversed(rows)))

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        assert self._path is not None
        connection = open_database(self._path)
        connection.execute(_SCHEMA)
        return connection


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
        yield Feedback.model_validate(dict(zip(_COLUMNS.split(", "), row, strict=True)))
