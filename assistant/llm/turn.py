"""What one turn carries through the graph: time limit, cancellation, and what has been shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from assistant.answer import Citation, Figure, Language
from assistant.events import Step, TextDelta
from assistant.llm.failures import Cancelled, Failure


@dataclass(slots=True)
class Turn:
    """One question on its way to an answer."""

    question: str
    language: Language
    emit: Callable[[Step | TextDelta], None]
    deadline: float
    """`time.monotonic` at which the planner takes over."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    model: str = ""
    """Label of the model that spoke last."""
    skip: int = 0
    """Models at the head of the list that failed in this turn."""
    by_planner: bool = False
    """Whether the planner took over."""
    failures: list[tuple[str, Failure]] = field(default_factory=list[tuple[str, Failure]])
    shown: list[str] = field(default_factory=list[str])
    """The text that was released; it is never taken back."""
    figures: list[Figure] = field(default_factory=list[Figure])
    citations: dict[str, Citation] = field(default_factory=dict[str, Citation])
    """Sources in the order in which the text first cites them."""
    notes: list[str] = field(default_factory=list[str])
    """Keys of phrases about what was changed."""
    tokens: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def text(self) -> str:
        """What has been shown so far."""
        return "".join(self.shown)

    def release(self, text: str) -> None:
        """Show text for good."""
        if text:
            self.shown.append(text)
            self.emit(TextDelta(text))

    def note(self, key: str) -> None:
        """Remember to tell the user something, once."""
        if key not in self.notes:
            self.notes.append(key)

    @property
    def seconds_left(self) -> float:
        """Seconds until the time limit of the turn."""
        return self.deadline - time.monotonic()

    def check(self) -> None:
        """Raise Cancelled if nobody waits any more."""
        if self.cancelled.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Wait, unless the turn is cancelled meanwhile."""
        if self.cancelled.wait(max(0.0, min(seconds, self.seconds_left))):
            raise Cancelled
