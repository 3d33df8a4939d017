"""Where answers, votes and waiting questions are kept: one SQL for SQLite and PostgreSQL.

A store is a name and its migrations; each migration is applied once to each database, in order.
Statements use `?` for values and only what both databases understand. A transaction is a function,
so that it can be run again after the connection was lost: it must be safe to repeat.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from assistant.errors import NotConfiguredError

BUSY_SECONDS = 10.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Store:
    """Tables that belong together, in a SQLite file of their own."""

    name: str
    migrations: tuple[str, ...]
    """SQL without semicolons in texts; `{serial}` is the type of a growing number."""
    durable: bool = False
    """What was kept must survive a power cut, too."""


class Done(NamedTuple):
    """What a statement gave."""

    rows: list[tuple[Any, ...]]
    changed: int
    """Rows changed."""


class Run(Protocol):
    """Runs one statement inside a transaction."""

    def __call__(self, statement: str, values: Sequence[object] = ()) -> Done:
        """Return what the statement gave."""
        ...


class Database(Protocol):
    """One store in a database."""

    skip_locked: str
    """What a query ends with that takes rows for itself, where the database needs to be told."""

    @property
    def exists(self) -> bool:
        """Whether anything may have been kept; asking creates nothing."""
        ...

    def execute(self, statement: str, values: Sequence[object] = ()) -> Done:
        """Run one statement."""
        ...

    def transact(self, work: Callable[[Run], T]) -> T:
        """Run `work` in a transaction and return what it returns."""
        ...


class SqliteDatabase:
    """A store in a SQLite file that several processes may share; without a path, in memory."""

    skip_locked = ""  # a transaction that writes has the whole file

    def __init__(self, path: Path | None, store: Store) -> None:
        """Open nothing yet."""
        self._path, self._store, self._lock = path, store, threading.Lock()

    @property
    def exists(self) -> bool:
        """Whether the file is there."""
        return self._path is None or self._path.exists()

    def execute(self, statement: str, values: Sequence[object] = ()) -> Done:
        """Run one statement."""
        connection = self._connection
        with self._lock:
            return _run(connection, statement, values)

    def transact(self, work: Callable[[Run], T]) -> T:
        """Run `work` while no other writer runs."""
        connection = self._connection
        with self._lock:
            return _transact(connection, work)

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        if self._path is None:
            connection = sqlite3.connect(":memory:", check_same_thread=False)
        else:
            connection = open_database(self._path)
        connection.isolation_level = None
        if self._store.durable:
            connection.execute("PRAGMA synchronous=FULL")
        _transact(connection, self._migrate)
        return connection

    def _migrate(self, run: Run) -> None:
        (version,) = run("PRAGMA user_version").rows[0]
        for migration in self._store.migrations[version:]:
            for statement in statements(migration, "INTEGER PRIMARY KEY"):
                run(statement)
        run(f"PRAGMA user_version = {max(version, len(self._store.migrations))}")


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


def statements(migration: str, serial: str) -> list[str]:
    """Return the statements of a migration, for a database that writes `serial` so."""
    parts = migration.replace("{serial}", serial).split(";")
    return [part.strip() for part in parts if part.strip()]


def _run(connection: sqlite3.Connection, statement: str, values: Sequence[object]) -> Done:
    cursor = connection.execute(statement, tuple(values))
    return Done(cursor.fetchall(), cursor.rowcount)


def _transact(connection: sqlite3.Connection, work: Callable[[Run], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = work(lambda statement, values=(): _run(connection, statement, values))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return found
