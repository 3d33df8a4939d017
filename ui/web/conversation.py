"""A conversation as the server knows it while a tab is open, and what it sends to the page.

The page keeps the list of a browser's conversations itself (chat.js); it names the thread and the
answers when it goes on with one, so a conversation survives a reload and a restart of the server.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ui.web.texts import Texts
from ui.web.view import Turn, render_turn

if TYPE_CHECKING:
    from assistant.answer import Answer
    from assistant.app import Assistant

MAX_TURNS = 100
_sequence = itertools.count(1)


@dataclass(slots=True)
class Conversation:
    """Turns on one thread."""

    thread: str = field(default_factory=lambda: uuid.uuid4().hex)
    turns: list[Turn] = field(default_factory=list[Turn])
    dirty: bool = False
    """The thread holds a turn that is not shown: it was stopped or failed."""

    @property
    def answers(self) -> list[Answer]:
        """The answers, as the thread holds them."""
        return [turn.answer for turn in self.turns if turn.answer]

    def begin(self, assistant: Assistant, question: str) -> Turn:
        """Add a turn for a question."""
        if self.dirty:
            self.thread = assistant.branch(self.thread, len(self.answers))
            self.dirty = False
        turn = Turn(f"t{uuid.uuid4().hex[:10]}", question)
        self.turns.append(turn)
        return turn

    def rewind(self, assistant: Assistant, key: str) -> None:
        """Take back a turn and everything after it."""
        place = next((i for i, turn in enumerate(self.turns) if turn.key == key), None)
        if place is None:
            return
        del self.turns[place:]
        self.thread = assistant.branch(self.thread, len(self.answers))
        self.dirty = False


def restore(assistant: Assistant, thread: str, answers: Sequence[str]) -> Conversation | None:
    """Return the conversation that a browser remembers; None if it is not kept here.

    Whoever knows an answer's id may read that answer, but only who knows the thread goes on in it.
    """
    found = [assistant.history.get(answer_id) for answer_id in answers[-MAX_TURNS:]]
    kept = [answer for answer in found if answer is not None]
    if not kept or kept[-1].thread_id != thread:
        return None
    turns = [Turn(f"r{answer.answer_id}", answer.question, answer=answer) for answer in kept]
    return Conversation(thread, turns)


def payload(conversation: Conversation, say: Texts, changed: Sequence[Turn], **more: Any) -> str:
    """Return what the page has to change, as JSON: which turns stay, and the new ones."""
    return json.dumps(
        {
            "seq": next(_sequence),
            "thread": conversation.thread,
            "keys": [turn.key for turn in conversation.turns],
            "turns": [_send(turn, say) for turn in changed],
            **more,
        },
        ensure_ascii=False,
    )


def message(**more: Any) -> str:
    """Return something for the page that changes no turn."""
    return json.dumps({"seq": next(_sequence), **more}, ensure_ascii=False)


def _send(turn: Turn, say: Texts) -> dict[str, Any]:
    turn.sent = True
    return {
        "key": turn.key,
        "question": turn.question,
        "html": render_turn(turn, say),
        "done": turn.finished,
        "answer": turn.answer.answer_id if turn.answer else None,
    }
