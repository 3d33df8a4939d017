"""An assistant that knows one answer."""

from __future__ import annotations

from typing import Any


class FakeAnswer:
    """An answer with a fixed text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """The fields that the scorers read."""
        return {
            "answer": self.text,
            "language": "ja",
            "abstained": False,
            "reason": None,
            "citations": [{"id": "a"}],
            "warnings": [],
            "tool_calls": [],
            "artifacts": [],
        }


class FakeAssistant:
    """Repeats one text and remembers what it was asked."""

    def __init__(self, text: str = "はい、A10G を 8 枚積みます。") -> None:
        self.text = text
        self.asked: list[tuple[str, str | None]] = []

    def ask(self, question: str, thread_id: str | None = None) -> FakeAnswer:
        """Answer, or crash where the question says so."""
        self.asked.append((question, thread_id))
        if question == "crash":
            raise RuntimeError("no such luck")
        return FakeAnswer(self.text)
