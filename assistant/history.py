"""The answers given so far, in a SQLite file: for `ask log`, `ask --show` and `ask -c`."""

from __future__ import annotations

import sqlite3
from functools import cached_property
from pathlib import Path

from assistant.answer import Answer
from assistant.errors import NotConfiguredError

BUSY_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    number INTEGER PRIMARY KEY, answer_id TEXT UNIQUE NOT NULL, thread_id TEXT, answer TEXT NOT NULL
)
"""


def open_database(path: Path) -> sqlite3.Connection:
    """Return a connection that several processes may share. Raises NotConfiguredError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        # A crash of the machine may lose the last answer; a crash of the program loses nothing.
        connection.execute("PRAGMA synchronous=NORMAL")
    except (OSError, sqlite3.Error) as error:
        raise NotConfiguredError(
            f"データの保存先 {path} に書けません({error})。ASK_DATA_DIR で変えられます。",
            f"Cannot write to {path} ({error}); set ASK_DATA_DIR to another directory.",
        ) from error
    return connection


class History:
    """Answers in the order they were given. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        """Keep answers in the file at `path`."""
        self._path = path

    def add(self, answer: Answer) -> None:
        """Append an answer."""
        if self._path is None:
            return
        row = (answer.answer_id, answer.thread_id, answer.model_dump_json())
        with self._connection:
            self._connection.execute(
                "INSERT INTO answers (answer_id, thread_id, answer) VALUES (?, ?, ?)", row
            )

    def list(self, number: int) -> list[Answer]:
        """Return the last answers, newest last."""
        if not self._exists:
            return []
        query = "SELECT answer FROM answers ORDER BY number DESC LIMIT ?"
        rows = self._connection.execute(query, (number,)).fetchall()
        return [Answer.model_validate_json(row[0]) for row in reversed(rows)]

    def get(self, answer_id: str) -> Answer | None:
        """Return an answer by its id."""
        if not self._exists:
            return None
        query = "SELECT answer FROM answers WHERE answer_id = ?"
        row = self._connection.execute(query, (answer_id,)).fetchone()
        return Answer.model_validate_json(row[0]) if row else None

    def latest_thread(self) -> str | None:
        """Return the thread of the last answer."""
        answers = self.list(1)
        return answers[0].thread_id if answers else None

    @property
    def _exists(self) -> bool:
        return self._path is not None and self._path.exists()

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        assert self._path is not None
        connection = open_database(self._path)
        connection.execute(_SCHEMA)
        return connection
