"""Questions that arrived from a chat service, each kept until it is answered, exactly once.

A question is added before the service is told that it arrived, so nothing is lost by a crash, and
its key makes later deliveries of the same message no-ops. A worker claims it for the time of a
lease; a worker that dies is succeeded by another when the lease ends. What was done so far is
`progress`. Questions of one conversation are claimed in the order they arrived, one at a time.

The text of a question is erased when it is finished; its key stays for a month.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.database import Database, Run, SqliteDatabase, Store
from assistant.settings import Settings
from assistant.stores import open_store

KEPT_SECONDS = 30 * 86_400.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
    number {serial}, key TEXT NOT NULL UNIQUE, event_id TEXT UNIQUE,
    thread TEXT NOT NULL, "user" TEXT NOT NULL, asked_at DOUBLE PRECISION NOT NULL,
    payload TEXT NOT NULL, progress TEXT NOT NULL DEFAULT '', due DOUBLE PRECISION NOT NULL,
    owner TEXT, lease_until DOUBLE PRECISION, attempts INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS inbox_open ON inbox (number) WHERE done = 0;
CREATE INDEX IF NOT EXISTS inbox_open_thread ON inbox (thread, number) WHERE done = 0;
CREATE INDEX IF NOT EXISTS inbox_thread ON inbox (thread);
CREATE INDEX IF NOT EXISTS inbox_user ON inbox ("user", asked_at);
CREATE TABLE IF NOT EXISTS inbox_closed (thread TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS inbox_joined (
    thread TEXT NOT NULL, "user" TEXT NOT NULL, joined_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (thread, "user")
);
"""
STORE = Store("inbox", (_SCHEMA,), durable=True)
"""Durable: nobody sends a question again once it was acknowledged."""
_NEXT = """
SELECT number, key, thread, "user", asked_at, payload, progress, attempts, owner FROM inbox AS one
WHERE done = 0 AND due <= ? AND (owner IS NULL OR lease_until < ?) AND NOT EXISTS (
    SELECT 1 FROM inbox AS earlier
    WHERE earlier.thread = one.thread AND earlier.done = 0 AND earlier.number < one.number)
ORDER BY number LIMIT 1
"""
_WAITING = """
SELECT key, thread, "user", asked_at, payload, (
    SELECT count(*) FROM inbox AS before WHERE before.done = 0 AND before.number < one.number)
FROM inbox AS one
WHERE done = 0 AND told = 0 AND owner IS NULL AND attempts = 0 AND asked_at < ?
ORDER BY number LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A question as it comes in."""

    key: str
    """What makes it the same question, however often it is delivered."""
    event_id: str | None
    """Identity of the delivery; a retry carries the same one."""
    thread: str
    """The conversation it belongs to."""
    user: str
    payload: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A question that one worker is answering."""

    key: str
    thread: str
    user: str
    asked_at: float
    payload: str
    progress: str
    attempts: int
    """How often it was claimed before."""
    orphaned: bool
    """The worker before died, so what it did last may not be in `progress`."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question that nobody has begun to answer."""

    key: str
    thread: str
    user: str
    asked_at: float
    payload: str
    ahead: int
    """Unanswered questions that arrived before it."""


class Inbox(Protocol):
    """Where questions wait; shared by all processes that answer them."""

    def add(self, arrival: Arrival) -> bool:
        """Keep a question; False if its key or its event is known already."""
        ...

    def claim(self, owner: str, lease_seconds: float) -> Claim | None:
        """Return the next question to answer, now leased to `owner`; None: there is none."""
        ...

    def renew(self, key: str, owner: str, lease_seconds: float) -> bool:
        """Lengthen a lease; False if the question is no longer the owner's."""
        ...

    def save(self, key: str, owner: str, progress: str) -> bool:
        """Keep what has been done; False if the question is no longer the owner's."""
        ...

    def finish(self, key: str, owner: str) -> bool:
        """Mark a question as answered and erase its text."""
        ...

    def release(self, key: str, owner: str, delay_seconds: float) -> bool:
        """Give a question back; it can be claimed again after the delay."""
        ...

    def waiting(self, older_than_seconds: float, limit: int) -> list[Waiting]:
        """Return questions that have waited this long and were not returned before."""
        ...

    def join(self, thread: str, user: str) -> None:
        """Count a user among those who ask in a conversation."""
        ...

    def users(self, thread: str) -> set[str]:
        """Return who has asked in a conversation."""
        ...

    def asked_since(self, user: str, since: float) -> int:
        """Return how many questions a user asked since a moment."""
        ...

    def close_thread(self, thread: str) -> None:
        """Remember that a conversation is over."""
        ...

    def open_thread(self, thread: str) -> None:
        """Forget that a conversation is over."""
        ...

    def is_closed(self, thread: str) -> bool:
        """Return whether a conversation is over."""
        ...

    def unfinished(self) -> int:
        """Return how many questions are not answered yet."""
        ...


class StoredInbox:
    """An inbox in a database that several processes share."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Forget what was finished a month ago."""
        self._database, self._clock = database, clock
        old = self._clock() - KEPT_SECONDS
        database.execute("DELETE FROM inbox WHERE done = 1 AND asked_at < ?", (old,))
        database.execute("DELETE FROM inbox_joined WHERE joined_at < ?", (old,))

    def _change(self, statement: str, values: tuple[object, ...]) -> bool:
        return self._database.execute(statement, values).changed > 0

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).rows

    def add(self, arrival: Arrival) -> bool:
        """Keep a question; False if its key or its event is known already."""
        now = self._clock()
        return self._change(
            'INSERT INTO inbox (key, event_id, thread, "user", asked_at, payload, due)'
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                arrival.key,
                arrival.event_id,
                arrival.thread,
                arrival.user,
                now,
                arrival.payload,
                now,
            ),
        )

    def claim(self, owner: str, lease_seconds: float) -> Claim | None:
        """Return the next question to answer, now leased to `owner`; None: there is none."""
        now = self._clock()
        if not self._rows(_NEXT, (now, now)):  # idle workers take no lock
            return None

        def take(run: Run) -> Claim | None:
            rows = run(_NEXT + self._database.skip_locked, (now, now)).rows
            if not rows:
                return None
            number, *fields, attempts, before = rows[0]
            run(
                "UPDATE inbox SET owner = ?, lease_until = ?, attempts = attempts + 1"
                " WHERE number = ?",
                (owner, now + lease_seconds, number),
            )
            return Claim(*fields, attempts=attempts, orphaned=before is not None)

        return self._database.transact(take)

    def renew(self, key: str, owner: str, lease_seconds: float) -> bool:
        """Lengthen a lease; False if the question is no longer the owner's."""
        return self._change(
            "UPDATE inbox SET lease_until = ? WHERE key = ? AND owner = ? AND done = 0",
            (self._clock() + lease_seconds, key, owner),
        )

    def save(self, key: str, owner: str, progress: str) -> bool:
        """Keep what has been done; False if the question is no longer the owner's."""
        return self._change(
            "UPDATE inbox SET progress = ? WHERE key = ? AND owner = ? AND done = 0",
            (progress, key, owner),
        )

    def finish(self, key: str, owner: str) -> bool:
        """Mark a question as answered and erase its text."""
        return self._change(
            "UPDATE inbox SET done = 1, payload = '', progress = '', owner = NULL"
            " WHERE key = ? AND owner = ? AND done = 0",
            (key, owner),
        )

    def release(self, key: str, owner: str, delay_seconds: float) -> bool:
        """Give a question back; it can be claimed again after the delay."""
        return self._change(
            "UPDATE inbox SET owner = NULL, due = ? WHERE key = ? AND owner = ? AND done = 0",
            (self._clock() + delay_seconds, key, owner),
        )

    def waiting(self, older_than_seconds: float, limit: int) -> list[Waiting]:
        """Return questions that have waited this long and were not returned before."""
        values = (self._clock() - older_than_seconds, limit)
        if not self._rows(_WAITING, values):
            return []

        def tell(run: Run) -> list[Waiting]:
            rows = run(_WAITING + self._database.skip_locked, values).rows
            for row in rows:
                run("UPDATE inbox SET told = 1 WHERE key = ?", (row[0],))
            return [Waiting(*row) for row in rows]

        return self._database.transact(tell)

    def join(self, thread: str, user: str) -> None:
        """Count a user among those who ask in a conversation."""
        self._change(
            "INSERT INTO inbox_joined VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (thread, user, self._clock()),
        )

    def users(self, thread: str) -> set[str]:
        """Return who has asked in a conversation."""
        query = (
            'SELECT "user" FROM inbox WHERE thread = ?'
            ' UNION SELECT "user" FROM inbox_joined WHERE thread = ?'
        )
        return {str(row[0]) for row in self._rows(query, (thread, thread))}

    def asked_since(self, user: str, since: float) -> int:
        """Return how many questions a user asked since a moment."""
        query = 'SELECT count(*) FROM inbox WHERE "user" = ? AND asked_at >= ?'
        return int(str(self._rows(query, (user, since))[0][0]))

    def close_thread(self, thread: str) -> None:
        """Remember that a conversation is over."""
        self._change("INSERT INTO inbox_closed VALUES (?) ON CONFLICT DO NOTHING", (thread,))

    def open_thread(self, thread: str) -> None:
        """Forget that a conversation is over."""
        if self.is_closed(thread):
            self._change("DELETE FROM inbox_closed WHERE thread = ?", (thread,))

    def is_closed(self, thread: str) -> bool:
        """Return whether a conversation is over."""
        return bool(self._rows("SELECT 1 FROM inbox_closed WHERE thread = ?", (thread,)))

    def unfinished(self) -> int:
        """Return how many questions are not answered yet."""
        return int(str(self._rows("SELECT count(*) FROM inbox WHERE done = 0", ())[0][0]))


def build_inbox(settings: Settings) -> Inbox:
    """Return the inbox that the settings ask for. Raises AssistantError."""
    if not settings.log:  # nothing may be kept, so a restart loses what was not answered
        return StoredInbox(SqliteDatabase(None, STORE))
    return StoredInbox(open_store(settings, STORE, settings.inbox_path))
