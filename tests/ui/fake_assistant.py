"""A scripted assistant with the interface that the front ends use."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from assistant.answer import Answer, ToolCall
from assistant.errors import AssistantError, UsageError
from assistant.events import Step, TextDelta
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant import Assistant

TABLE = """**G5 は A10G(24 GB)、G4dn は T4(16 GB)を積みます。** 学習には G5 が向きます。

| | g5.xlarge | g4dn.xlarge |
|---|---|---|
| GPU | A10G × 1(Ampere) | T4 × 1(Turing) |
| GPU メモリ | 24 GB、600 GB/s | 16 GB、320 GB/s |
| 東京 オンデマンド | 1.459 USD/時 | 0.71 USD/時 |

出典: [1] EC2 仕様(2026-10-27) [2] [料金表](https://aws.amazon.com/ec2/pricing/)"""


class Listing(BaseModel):
    """A tool result as `spec` commands get it."""

    kind: str = "description"
    items: list[dict[str, Any]]


class FakeThreads:
    """Threads in the order of their use."""

    def __init__(self) -> None:
        """Begin without a conversation."""
        self.used: list[str] = []

    def latest(self) -> str | None:
        """Return the thread used last."""
        return self.used[-1] if self.used else None


class FakeHistory:
    """Answers in the order they were given."""

    def __init__(self) -> None:
        """Begin empty."""
        self.answers: list[Answer] = []

    def list(self, number: int) -> list[Answer]:
        """Return the last answers, newest last."""
        return self.answers[-number:]

    def get(self, answer_id: str) -> Answer | None:
        """Return an answer by its id."""
        return next((item for item in self.answers if item.answer_id == answer_id), None)


class FakeAssistant:
    """Answers every question with the same table, unless the question says otherwise.

    `boom` raises an unexpected error, `weather` abstains, `slow` takes a second, an exception given
    as `error` is raised for every question.
    """

    def __init__(self, settings: Settings | None = None, error: Exception | None = None) -> None:
        """Keep what the command line handed over."""
        self.settings = settings or Settings()
        self.error = error
        self.threads = FakeThreads()
        self.history = FakeHistory()
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._ids = itertools.count(1)

    def under(self, settings: Settings) -> FakeAssistant:
        """Return this assistant, now under other settings."""
        self.settings = settings
        return self

    def ask(
        self, question: str, thread_id: str | None = None, language: str | None = None
    ) -> Answer:
        """Return the scripted answer."""
        self.asked.append((question, thread_id, language))
        if self.error:
            raise self.error
        if not question.strip():
            raise UsageError("質問が空です。", "The question is empty.")
        if "boom" in question:
            raise RuntimeError("secret detail")
        if "slow" in question:
            time.sleep(3)
        return self._answer(question, thread_id)

    def stream(
        self, question: str, thread_id: str | None = None, language: str | None = None
    ) -> Iterator[Step | TextDelta | Answer]:
        """Yield a step, the text in small pieces, the answer."""
        yield Step("仕様を比較", "compare_instances", "started")
        answer = self.ask(question, thread_id, language)
        yield Step("仕様を比較", "compare_instances", "done")
        for start in range(0, len(answer.answer), 7):
            yield TextDelta(answer.answer[start : start + 7])
        yield answer

    def run_tool(self, name: str, request: Mapping[str, object]) -> BaseModel:
        """Return one instance type under the first name asked for."""
        self.requests.append((name, dict(request)))
        names = request.get("names") or ["g5.xlarge"]
        if "p5.24xlarge" in list(names):  # type: ignore[call-overload]
            raise UsageError(
                "p5.24xlarge はありません。もしかして: p5.48xlarge",
                "There is no p5.24xlarge. Did you mean p5.48xlarge?",
            )
        item: dict[str, Any] = {
            "kind": "instance",
            "type": {"name": names[0], "vcpus": 4, "regions": ["a", "b"]},  # type: ignore[index]
            "quotes": [
                {"term": "on-demand", "region": "us-east-1", "purchase": {"usd_per_hour": "1.006"}}
            ],
        }
        return Listing(items=[item])

    def describe_result(self, result: BaseModel, language: str) -> str:
        """Return Markdown about a result."""
        name = result.model_dump()["items"][0]["type"]["name"]
        return f"**{name}** は vCPU 4 です。" if language == "ja" else f"**{name}** has 4 vCPUs."

    def complete_names(self, prefix: str) -> list[str]:
        """Return the names that begin with `prefix`."""
        return [
            name
            for name in ("g5.xlarge", "g5.2xlarge", "p5.48xlarge", "A100")
            if name.lower().startswith(prefix.lower())
        ]

    def catalogue_dates(self) -> dict[str, Any]:
        """Return the dates of the data."""
        return {
            "specs_as_of": date(2026, 10, 27),
            "prices_as_of": (date(2024, 1, 1), date(2026, 2, 1)),
        }

    def refresh_catalogue(self, **options: Any) -> str:
        """Return a report of nothing."""
        self.requests.append(("refresh", options))
        return "新しい種類 0、変更 0"

    def _answer(self, question: str, thread_id: str | None) -> Answer:
        number = next(self._ids)
        abstained = "weather" in question
        answer = Answer(
            question=question,
            answer="その質問には答えられません。" if abstained else TABLE,
            language="ja",
            abstained=abstained,
            reason="out_of_scope" if abstained else None,
            tool_calls=[ToolCall(name="compare_instances", args={}, ok=True)],
            warnings=["料金は 300 日以上前のものです。"] if "old" in question else [],
            thread_id=thread_id or f"t{number}",
            answer_id=f"a{number}",
            elapsed_ms=3,
        )
        self.threads.used.append(str(answer.thread_id))
        self.history.answers.append(answer)
        return answer


def stand_in(fake: FakeAssistant) -> Assistant:
    """Return the fake as what it stands for."""
    return cast("Assistant", fake)


def failing(kind: type[AssistantError]) -> FakeAssistant:
    """Return an assistant that fails every question with this error."""
    return FakeAssistant(error=kind("日本語の説明。", "English explanation."))
