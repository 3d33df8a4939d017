"""An assistant whose answers a test decides, with the interface that the bot uses."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

from assistant.answer import Answer, Citation
from assistant.events import Step, TextDelta
from assistant.settings import Settings


class Scripted:
    """Echoes the question; words in it ask for more: `slow`, `boom`, `steps`, `long`."""

    def __init__(self, settings: Settings, **answer: Any) -> None:
        """`answer` are fields of every answer."""
        self.settings, self.fields = settings, answer
        self.asked: list[tuple[str, str | None]] = []
        self.votes: list[tuple[str, str, str, str]] = []
        self.error: Exception | None = None
        self.pause_seconds = 2.0
        self.gate = threading.Event()
        self.gate.set()
        self._ids = itertools.count(1)

    def warm_up(self) -> None:
        """Nothing to build."""

    def stream(
        self, question: str, thread_id: str | None = None, language: str | None = None
    ) -> Iterator[Step | TextDelta | Answer]:
        """Yield what the question asks for."""
        self.asked.append((question, thread_id))
        self.gate.wait(30)
        if self.error:
            raise self.error
        if "boom" in question:
            raise RuntimeError("secret detail")
        text = self.fields.get("answer") or f"**回答**: {question}"
        if "slow" in question:
            time.sleep(self.pause_seconds)
        if "steps" in question:
            yield from self._steps(text)
        yield self._answer(question, text, thread_id)

    def _steps(self, text: str) -> Iterator[Step | TextDelta]:
        yield Step("仕様を比較", "compare_instances", "started")
        time.sleep(self.pause_seconds)
        yield Step("", "compare_instances", "done")
        for paragraph in text.split("\n\n"):
            yield TextDelta(f"{paragraph}\n\n")
            time.sleep(self.pause_seconds / 2)

    def _answer(self, question: str, text: str, thread_id: str | None) -> Answer:
        fields: dict[str, Any] = {
            "citations": [
                Citation(id="a", title="料金表", source="prices", url="https://example.com/p"),
            ],
            **self.fields,
            "answer": text,
        }
        return Answer(
            question=question,
            language="ja",
            thread_id=thread_id,
            answer_id=f"a{next(self._ids)}",
            elapsed_ms=1,
            **fields,
        )

    def feedback(
        self, answer_id: str, vote: str, reason: str = "", *, user: str = "", front: str = ""
    ) -> None:
        """Keep a vote."""
        self.votes.append((answer_id, vote, reason, user))

    def catalogue_dates(self) -> dict[str, Any]:
        """Return the dates of the data."""
        day = date(2026, 2, 1)
        return {"specs_as_of": day, "prices_as_of": (day, day)}
