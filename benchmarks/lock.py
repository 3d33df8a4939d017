"""What the number lock costs, and how soon a verified sentence shows: python -m benchmarks.lock.

Bars: lock overhead <= 5 ms an answer; first verified text <= 50 ms after the model's first full
sentence. Medians over the planner's answers as free text, and over turns with a model that streams.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from assistant.app import Assistant
from assistant.events import TextDelta
from assistant.grounding import FactIndex, NumberLock
from assistant.llm.units import UnitSplitter
from assistant.settings import Settings
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import load_catalogue

QUESTIONS = (
    "G5とG4dnの違いは?",
    "g5.xlargeについて教えて",
    "p5.48xlargeとp5en.48xlargeの違いは?",
    "GPUメモリ80GB以上で一番安いのは?",
    "Gシリーズについて",
    "p5.48xlargeを4台で72時間使うといくら?",
    "g5のサイズ一覧",
    "compare G5 and G4dn",
)
ROUNDS = 20
NAMES = '{"names": ["g5.xlarge"]}'
SENTENCE = "g5.xlarge のメモリは 16 GiB です。"
LOCK_BAR_MS, FIRST_BAR_MS = 5.0, 50.0


class StreamingModel(FakeMessagesListChatModel):
    """Calls a tool, then speaks character by character and notes when its first sentence ended."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Return the model itself."""
        return self

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if messages[-1].type != "tool":
            call: Any = {"name": "describe_instances", "args": NAMES, "id": "c", "index": 0}
            message = AIMessageChunk(content="", tool_call_chunks=[ToolCallChunk(**call)])
            yield ChatGenerationChunk(message=message)
            return
        for number, char in enumerate(SENTENCE * 3):
            if number == len(SENTENCE) - 1:
                finished.append(time.perf_counter())
            yield ChatGenerationChunk(message=AIMessageChunk(content=char))
        end = {"finish_reason": "stop"}
        yield ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata=end))


finished: list[float] = []


def lock_ms() -> list[float]:
    """Return the CPU time of reading and judging whole answers, sentence by sentence."""
    catalogue = load_catalogue()
    runner, lock = ToolRunner(catalogue, "ap-northeast-1"), NumberLock(catalogue)
    assistant = Assistant(Settings(log=False), catalogue=catalogue)
    took: list[float] = []
    for question in QUESTIONS:
        answer = assistant.ask(question)
        results = [runner.attempt(call.name, call.args) for call in answer.tool_calls]
        days = [c.as_of for c in answer.citations if c.as_of]
        for _ in range(ROUNDS):
            facts = FactIndex(results)
            facts.warm()  # done while the model has not said a word yet
            started = time.thread_time()
            reader = lock.reader(facts, question=question, days=days)
            splitter = UnitSplitter()
            for unit in (*splitter.feed(answer.answer), *splitter.finish()):
                reader.judge(unit)
            took.append((time.thread_time() - started) * 1000)
    return took


def first_text_ms() -> list[float]:
    """Return the time from the model's first full sentence to the first verified text."""
    model = StreamingModel(responses=[AIMessage("unused")])
    assistant = Assistant(Settings(log=False), model=model)
    took: list[float] = []
    for _ in range(ROUNDS):
        finished.clear()
        for event in assistant.stream("g5.xlargeのメモリは?"):
            if isinstance(event, TextDelta):
                took.append((time.perf_counter() - finished[0]) * 1000)
                break
    return took


def main() -> None:
    """Print the medians beside the bars."""
    for label, took, bar in (
        ("lock, whole answer", lock_ms(), LOCK_BAR_MS),
        ("first verified text after first sentence", first_text_ms(), FIRST_BAR_MS),
    ):
        middle, high = statistics.median(took), sorted(took)[int(len(took) * 0.95)]
        verdict = "ok" if middle <= bar else "MISSED"
        print(f"{label}: median {middle:.2f} ms, p95 {high:.2f} ms (bar {bar:g} ms) {verdict}")


if __name__ == "__main__":
    main()
