"""Conversation threads: LangGraph checkpoints in SQLite or PostgreSQL, or in memory."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from assistant.answer import Answer
from assistant.database import open_database
from assistant.errors import NotConfiguredError
from assistant.history import History
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


def questions_until(saver: BaseCheckpointSaver[str], history: History, answer: Answer) -> list[str]:
    """Return what the user said in an answer's thread, up to the answer's own question.

    The checkpoint also holds the turns before a branch; where a model's summary took the place of
    turns, the log has more.
    """
    from langchain_core.messages import HumanMessage

    told = history.thread(answer.thread_id) if answer.thread_id else []
    place = next((i for i, item in enumerate(told) if item.answer_id == answer.answer_id), None)
    if not answer.thread_id or place is None:
        return [answer.question]
    found = saver.get_tuple({"configurable": {"thread_id": answer.thread_id}})
    values: dict[str, Any] = found.checkpoint["channel_values"] if found else {}
    messages: list[Any] = values.get("messages", [])
    said = [str(m.content) for m in messages if isinstance(m, HumanMessage)]
    later = len(told) - place - 1
    until = said[: len(said) - later]
    if len(until) > place and until[-1].startswith(answer.question):
        return until
    return [item.question for item in told[: place + 1]]


def build_checkpointer(settings: Settings) -> BaseCheckpointSaver[str]:
    """Return the checkpointer that the settings ask for. Raises AssistantError."""
    if not settings.log:
        from langgraph.checkpoint.memory import InMemorySaver

        return InMemorySaver()
    if settings.state_url:
        from assistant.postgres import shared_pool
        from assistant.shared_saver import SharedSaver

        return SharedSaver(shared_pool(settings.state_url))
    from langgraph.checkpoint.sqlite import SqliteSaver

    return SqliteSaver(open_database(settings.threads_path))


def find_origin(settings: Settings) -> str:
    """Return what tells this data directory from others in a shared database; alone: nothing."""
    if not settings.state_url or not settings.log:
        return ""
    path = settings.data_dir / "origin"
    try:
        if path.exists():
            return path.read_text("ascii").strip()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        mark = uuid.uuid4().hex
        draft = path.with_name(f"origin.{mark}")
        draft.write_text(mark, "ascii")
        try:
            os.link(draft, path)  # fails if another process was first
        except FileExistsError:
            pass
        draft.unlink()
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfiguredError(
            f"データの保存先 {path} に書けません({error})。ASK_DATA_DIR で変えられます。",
            f"Cannot write to {path} ({error}); set ASK_DATA_DIR to another directory.",
        ) from error
