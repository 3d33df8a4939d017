"""Conversation threads: LangGraph checkpoints in SQLite, or in memory if nothing is to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.errors import NotConfiguredError
from assistant.history import History, open_database
from assistant.settings import Settings

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver


class Threads:
    """What front ends ask about threads."""

    def __init__(self, history: History) -> None:
        """Read the order of use from the answers given."""
        self._history = history

    def latest(self) -> str | None:
        """Return the thread used last; None if there is none."""
        return self._history.latest_thread()


def build_checkpointer(settings: Settings) -> BaseCheckpointSaver[str]:
    """Return the checkpointer that the settings ask for. Raises NotConfiguredError."""
    if settings.state_url:
        raise NotConfiguredError(
            "ASK_STATE_URL にはまだ対応していません。空にすると SQLite を使います。",
            "ASK_STATE_URL is not supported yet; leave it empty to use SQLite.",
        )
    if not settings.log:
        from langgraph.checkpoint.memory import InMemorySaver

        return InMemorySaver()
    from langgraph.checkpoint.sqlite import SqliteSaver

    return SqliteSaver(open_database(settings.threads_path))
