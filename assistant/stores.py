"""Which database a store is kept in: the shared one (ASK_STATE_URL), or a file of its own."""

from __future__ import annotations

from pathlib import Path

from assistant.database import Database, SqliteDatabase, Store
from assistant.settings import Settings


def open_store(settings: Settings, store: Store, path: Path | None) -> Database:
    """Return where a store is kept: in the shared database if there is one, else at `path`."""
    if settings.state_url:
        from assistant.postgres import PostgresDatabase, shared_pool

        return PostgresDatabase(shared_pool(settings.state_url), store)
    return SqliteDatabase(path, store)
