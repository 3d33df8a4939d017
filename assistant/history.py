"""The answers given so far: for `ask log`, `ask --show` and `ask -c`.

In a database that several people share, lists hold only what was asked from the same data
directory; an answer is found by its id from anywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime

from assistant.answer import Answer
from assistant.database import Database, Store

STORE = Store(
    "answers",
    (
        """
CREATE TABLE IF NOT EXISTS answers (
    number {serial}, answer_id TEXT UNIQUE NOT NULL, thread_id TEXT, answer TEXT NOT NULL
)
""",
        """
ALTER TABLE answers ADD COLUMN origin TEXT NOT NULL DEFAULT '';
CREATE INDEX answers_origin ON answers (origin, number)
""",
        # Text inside the JSON has its quotes escaped, so only the field itself matches.
        """
ALTER TABLE answers ADD COLUMN at TEXT NOT NULL DEFAULT '';
ALTER TABLE answers ADD COLUMN abstained INTEGER NOT NULL DEFAULT 0;
UPDATE answers SET abstained = 1 WHERE answer LIKE '%"abstained":true%';
CREATE INDEX answers_abstained ON answers (number) WHERE abstained = 1
""",
    ),
)


class History:
    """Answers in the order they were given. Without a database nothing is kept."""

    def __init__(self, database: Database | None, origin: str = "") -> None:
        """Keep answers in the database, as given from `origin`."""
        self._database, self._origin = database, origin

    def add(self, answer: Answer) -> None:
        """Append an answer."""
        if self._database is None:
            return
        self._database.execute(
            "INSERT INTO answers (answer_id, thread_id, answer, origin, at, abstained)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (answer_id) DO NOTHING",
            (
                answer.answer_id,
                answer.thread_id,
                answer.model_dump_json(),
                self._origin,
                datetime.now(UTC).isoformat(),
                int(answer.abstained),
            ),
        )

    def list(self, number: int) -> list[Answer]:
        """Return the last answers, newest last."""
        query = "SELECT answer FROM answers WHERE origin = ? ORDER BY number DESC LIMIT ?"
        rows = self._rows(query, (self._origin, number))
        return [Answer.model_validate_json(row[0]) for row in reversed(rows)]

    def get(self, answer_id: str) -> Answer | None:
        """Return an answer by its id."""
        rows = self._rows("SELECT answer FROM answers WHERE answer_id = ?", (answer_id,))
        return Answer.model_validate_json(rows[0][0]) if rows else None

    def thread(self, thread_id: str) -> list[Answer]:
        """Return the answers of a thread in order."""
        query = "SELECT answer FROM answers WHERE thread_id = ? ORDER BY number"
        return [Answer.model_validate_json(row[0]) for row in self._rows(query, (thread_id,))]

    def abstentions(self) -> list[tuple[str, datetime | None]]:
        """Return id and time of the answers that abstained, from every origin, oldest first.

        What an older version kept has no time.
        """
        rows = self._rows("SELECT answer_id, at FROM answers WHERE abstained = 1 ORDER BY number")
        return [(name, datetime.fromisoformat(at) if at else None) for name, at in rows]

    def latest_thread(self) -> str | None:
        """Return the thread of the last answer."""
        query = "SELECT thread_id FROM answers WHERE origin = ? ORDER BY number DESC LIMIT 1"
        rows = self._rows(query, (self._origin,))
        return rows[0][0] if rows else None

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[str, ...]]:
        if self._database is None or not self._database.exists:
            return []
        return self._database.execute(query, values).rows
