"""Which files were made for which answer: in a shared database, of the whole team."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from assistant.answer import Answer
from assistant.database import Database, Run, Store

STORE = Store(
    "artifacts",
    (
        """
CREATE TABLE IF NOT EXISTS artifacts (
    number {serial}, answer_id TEXT NOT NULL, path TEXT NOT NULL, media_type TEXT NOT NULL,
    description TEXT NOT NULL, at TEXT NOT NULL, UNIQUE (answer_id, path)
)
""",
    ),
)
_COLUMNS = ("answer_id", "path", "media_type", "description", "at")
_KEEP = (
    f"INSERT INTO artifacts ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (answer_id, path) DO NOTHING"
)
_NEWEST = f"SELECT {', '.join(_COLUMNS)} FROM artifacts ORDER BY number DESC LIMIT ?"


class Made(BaseModel):
    """A file that was made for an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: str
    path: str
    """On disk, or `s3://bucket/key`."""
    media_type: str
    description: str
    at: datetime


class ArtifactIndex:
    """The files in the order they were made. Without a database nothing is kept."""

    def __init__(self, database: Database | None) -> None:
        """Keep the index in the database."""
        self._database = database

    def add(self, answer: Answer) -> None:
        """Note the files of an answer."""
        if self._database is None or not answer.artifacts:
            return
        at = datetime.now(UTC).isoformat()
        rows = [
            (answer.answer_id, item.path, item.media_type, item.description, at)
            for item in answer.artifacts
        ]

        def work(run: Run) -> None:
            for row in rows:
                run(_KEEP, row)

        self._database.transact(work)

    def list(self, number: int) -> list[Made]:
        """Return the files made last, newest last."""
        if self._database is None or not self._database.exists:
            return []
        rows = self._database.execute(_NEWEST, (number,)).rows
        return list(_made(reversed(rows)))


def _made(rows: Iterable[tuple[str, ...]]) -> Iterable[Made]:
    for row in rows:
        yield Made.model_validate(dict(zip(_COLUMNS, row, strict=True)))
