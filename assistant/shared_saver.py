"""Conversation threads in the shared database: LangGraph's checkpointer with retries and errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, cast

from langgraph.checkpoint.postgres import PostgresSaver

from assistant.postgres import Connection, Migrating, SharedPool, run


class SharedSaver(PostgresSaver):
    """LangGraph's checkpointer over the shared pool, with its retries and errors.

    Everything it writes is an upsert by id, so running it again is safe.
    """

    def __init__(self, shared: SharedPool) -> None:
        """Bring the tables up to date. Raises AssistantError."""
        super().__init__(cast("Any", shared.open()))
        self._shared = shared
        # The pool keeps threads apart; the lock is for savers with a single connection.
        self.lock = cast("Any", nullcontext())
        shared.run(lambda connection: _set_up(connection, len(self.MIGRATIONS)))

    def get_tuple(self, config: Any) -> Any:
        """Return a checkpoint."""
        read = super().get_tuple
        return self._shared.retry(lambda: read(config))

    def list(self, config: Any, **given: Any) -> Iterator[Any]:
        """Yield checkpoints, newest first."""
        read = super().list
        yield from self._shared.retry(lambda: tuple(read(config, **given)))

    def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Keep a checkpoint."""
        write = super().put
        return self._shared.retry(lambda: write(config, checkpoint, metadata, new_versions))

    def put_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep writes that belong to a checkpoint."""
        write = super().put_writes
        self._shared.retry(lambda: write(config, writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        delete = super().delete_thread
        self._shared.retry(lambda: delete(thread_id))


def _set_up(connection: Connection, migrations: int) -> None:
    """Let LangGraph create its tables, if it has any left to create."""
    (found,) = run(connection, "SELECT to_regclass('checkpoint_migrations')", ()).rows[0]
    if found is not None:
        (version,) = run(connection, "SELECT max(v) FROM checkpoint_migrations", ()).rows[0]
        if version is not None and version + 1 >= migrations:
            return
    with Migrating(connection):
        PostgresSaver(cast("Any", connection)).setup()
