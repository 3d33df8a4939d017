"""Turns with real clients against local servers: what works, and what every failure ends in."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.answer import Answer
from assistant.app import Assistant
from assistant.events import Step, TextDelta
from assistant.llm.breaker import SHARED
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue
from tests.assistant.llm.conftest import MODELS, Connect, handlers
from tests.assistant.llm.replies import Asked, Call, Reply, Server, in_turn

QUESTION = "g5.xlargeの仕様を教えて"
LOOK_UP = Reply("調べます。", calls=(Call("describe_instances", {"names": ["g5.xlarge"]}),))
TRUTH = Reply("g5.xlarge のメモリは 16 GiB です[ec2-api-moto-5.2.5]。vCPU は 4 です。")
BROKEN = Reply(calls=(Call("describe_instances", {}, '{"names": ['),))
SIMPLE = "> **簡易回答**"


def test_a_question_is_answered_with_tools_and_sources(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, TRUTH)
    answer = connect().ask(QUESTION)
    assert answer.answer.startswith("g5.xlarge のメモリは 16 GiB です[1]。vCPU は 4 です。")
    assert "[1] EC2 DescribeInstanceTypes" in answer.answer
    assert "調べます" not in answer.answer
    assert [(c.name, c.ok) for c in answer.tool_calls] == [("describe_instances", True)]
    assert answer.citations[0].id == "ec2-api-moto-5.2.5"
    assert answer.model.endswith(server.asked[0].model)
    assert len(server.asked) == 2


def test_the_request_carries_instructions_tools_and_a_stream(
    server: Server, connect: Connect
) -> None:
    server.say(LOOK_UP, TRUTH)
    connect().ask(QUESTION)
    first = server.asked[0]
    assert first.streamed
    assert "describe_instances" in first.tools
    assert "日本語で答えます" in first.system
    assert first.last_text == QUESTION


def test_an_english_answer_has_english_sources(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, Reply("The on-demand price of g5.xlarge in Tokyo is 1.459 USD per hour."))
    answer = connect().ask("How much does g5.xlarge cost?")
    assert answer.language == "en"
    assert "Sources: [1] " in answer.answer
    assert "before tax, as of 2026-02-01" in answer.answer
    assert answer.answer.isascii()


def test_steps_come_before_text_and_text_before_the_end(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, Reply(TRUTH.text * 3, pause=0.02))
    times: list[tuple[str, float]] = []
    for event in connect().stream(QUESTION):
        times.append((type(event).__name__, time.monotonic()))
    kinds = [kind for kind, _ in times]
    assert kinds.index("Step") < kinds.index("TextDelta") < kinds.index("Answer")
    first = next(moment for kind, moment in times if kind == "TextDelta")
    assert times[-1][1] - first > 0.1  # the model was still speaking


def test_the_streamed_text_is_the_answer(server: Server, connect: Connect) -> None:
    server.say(
        LOOK_UP, Reply("p5 は未確認です。g5.xlarge のメモリは 99 GiB です。以上です。"), Reply("")
    )
    events = list(connect().stream(QUESTION))
    streamed = "".join(event.text for event in events if isinstance(event, TextDelta))
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert streamed.strip() == answer.answer
    assert "99" not in streamed


def test_parallel_calls_are_all_answered(server: Server, connect: Connect) -> None:
    calls = tuple(Call("describe_instances", {"names": [n]}) for n in ("g5.xlarge", "g6.xlarge"))
    text = "g5.xlarge のメモリは 16 GiB です。g6.xlarge のメモリも 16 GiB です。"
    server.say(Reply(calls=calls), Reply(text))
    answer = connect().ask("g5.xlargeとg6.xlargeのメモリは?")
    assert answer.answer.startswith(text)
    assert len(answer.tool_calls) == 2


def test_facts_of_earlier_turns_support_later_answers(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, TRUTH, Reply("g5.xlarge の GPU メモリは 24 GB です。"))
    assistant = connect()
    assistant.ask(QUESTION, thread_id="t")
    answer = assistant.ask("GPUメモリは?", thread_id="t")
    assert answer.answer.startswith("g5.xlarge の GPU メモリは 24 GB です。")
    assert answer.tool_calls == []


def test_an_older_estimate_is_no_fact_about_a_newer_one(server: Server, connect: Connect) -> None:
    def estimate(count: int) -> Reply:
        line = {"name": "g5.xlarge", "count": count, "hours": "100"}
        return Reply(calls=(Call("estimate_cost", {"lines": [line]}),))

    server.say(estimate(1), Reply("合計は 145.9 USD です。"))
    assistant = connect()
    first = assistant.ask("g5.xlargeを1台100時間でいくら?", thread_id="t")
    assert first.answer.startswith("合計は 145.9 USD です。")
    server.say(estimate(4), Reply("合計は 145.9 USD です。"))
    second = assistant.ask("4台なら?", thread_id="t")
    assert not second.answer.startswith("合計は 145.9 USD です。")
    server.say(Reply("合計は 583.6 USD でした。"))
    assert assistant.ask("もう一度合計を", thread_id="t").answer.startswith("合計は 583.6 USD")


def test_a_thread_on_disk_goes_on_in_another_process(
    server: Server, connect: Connect, tmp_path: Path
) -> None:
    server.say(LOOK_UP, TRUTH)
    connect(log=True, data_dir=tmp_path).ask(QUESTION, thread_id="t")
    server.say(Reply("g5.xlarge の GPU メモリは 24 GB です。"))
    again = connect(log=True, data_dir=tmp_path)
    answer = again.ask("GPUメモリは?", thread_id="t")
    assert answer.answer.startswith("g5.xlarge の GPU メモリは 24 GB です。")
    assert [a.answer_id for a in again.history.list(5)][-1] == answer.answer_id


def test_a_thread_may_change_between_model_and_planner(
    server: Server, connect: Connect, tmp_path: Path, catalogue: Catalogue
) -> None:
    server.say(LOOK_UP, TRUTH)
    connect(log=True, data_dir=tmp_path).ask(QUESTION, thread_id="t")
    plain = Assistant(Settings(data_dir=tmp_path), catalogue=catalogue)
    assert "24 GB" in plain.ask("GPUメモリは?", thread_id="t").answer
    server.say(Reply("g5.xlarge の vCPU は 4 です。"))
    again = connect(log=True, data_dir=tmp_path)
    assert again.ask("vCPUは?", thread_id="t").answer.startswith("g5.xlarge の vCPU は 4 です。")


def test_a_summary_of_a_long_thread_loses_no_facts(server: Server, connect: Connect) -> None:
    """The tool result left the messages; the lock still knows it."""

    def brain(asked: Asked) -> Reply:
        if "<conversation>" in asked.last_text:
            return Reply("- g5.xlarge の仕様を見た")
        if "もう一度" in asked.last_text:
            return Reply("g5.xlarge の GPU メモリは 24 GB です。")
        if asked.has_results:
            return TRUTH
        return LOOK_UP if asked.last_text == QUESTION else Reply("分かりました。")

    server.brain = brain
    assistant = connect(model_context=3000)
    assistant.ask(QUESTION, thread_id="t")
    for _ in range(6):
        assistant.ask("ほかに" + "長い話ですが。" * 200, thread_id="t")
    answer = assistant.ask("GPUメモリをもう一度", thread_id="t")
    assert answer.answer.startswith("g5.xlarge の GPU メモリは 24 GB です。")
    assert not any(m["results"] for m in server.asked[-1].messages)
    assert any("g5.xlarge の仕様を見た" in m["text"] for m in server.asked[-1].messages)


# -- failures: (replies, seconds it may take, what the answer begins with) -------------------------

SILENCE = 2.5
"""Seconds of silence after which the tests give a model up."""

FAILURES = {
    "throttled for ever": ([Reply(error="throttled")], 4, SIMPLE),
    "throttled once": ([Reply(error="throttled"), LOOK_UP, TRUTH], 4, "g5.xlarge の"),
    "server error for ever": ([Reply(error="server")], 3, SIMPLE),
    "server error once": ([Reply(error="server"), LOOK_UP, TRUTH], 3, "g5.xlarge の"),
    "access denied": ([Reply(error="denied")], 2, SIMPLE),
    "unknown model": ([Reply(error="invalid")], 2, SIMPLE),
    "cannot call tools": ([Reply(error="no_tools")], 2, SIMPLE),
    "context overflow": ([Reply(error="overflow")], 2, SIMPLE),
    "context overflow, then fits": ([Reply(error="overflow"), LOOK_UP, TRUTH], 2, "g5.xlarge の"),
    "empty for ever": ([Reply("")], 2, SIMPLE),
    "empty once": ([Reply(""), LOOK_UP, TRUTH], 2, "g5.xlarge の"),
    "refusal": ([Reply("お答え", stop="refusal")], 2, SIMPLE),
    "bad JSON for ever": ([BROKEN], 2, SIMPLE),
    "bad JSON once": ([BROKEN, LOOK_UP, TRUTH], 2, "g5.xlarge の"),
    "unknown tool": ([Reply(calls=(Call("drop_tables", {}),)), LOOK_UP, TRUTH], 2, "g5.xlarge の"),
    "wrong arguments": (
        [Reply(calls=(Call("describe_instances", {"names": "g5", "x": 1}),)), LOOK_UP, TRUTH],
        2,
        "g5.xlarge の",
    ),
    "endless tool calls": ([LOOK_UP], 3, SIMPLE),
    "dies before text": ([LOOK_UP, Reply(TRUTH.text, dies_after=1)], 4, SIMPLE),
    "dies in mid-stream": ([LOOK_UP, Reply(TRUTH.text * 4, dies_after=12)], 4, "g5.xlarge の"),
    "broken frame": ([LOOK_UP, Reply(TRUTH.text, breaks_frame=True)], 4, "g5.xlarge の"),
    "error in the stream": ([LOOK_UP, Reply(error_in_stream="throttled")], 4, SIMPLE),
    "stalls before text": ([Reply("g5", stalls_after=1)], 3, SIMPLE),
    "stalls in mid-stream": ([LOOK_UP, Reply(TRUTH.text * 4, stalls_after=12)], 3, "g5.xlarge の"),
    "answers in Chinese": (
        [LOOK_UP, Reply("该实例适合用于机器学习推理工作负载。内存为十六。")], 3, SIMPLE),
    "output limit": ([LOOK_UP, Reply(TRUTH.text, stop="length")], 2, "g5.xlarge の"),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_ends_in_a_right_answer(
    failure: str, server: Server, connect: Connect
) -> None:
    replies, seconds, beginning = FAILURES[failure]
    server.say(*replies)
    # A second of silence is common where tests share two cores with other processes.
    assistant = connect(model_timeout=SILENCE)
    _ = assistant.runner  # the clock measures the model, not imports
    started = time.monotonic()
    answer = assistant.ask(QUESTION)
    assert time.monotonic() - started < SILENCE * seconds + 4
    assert answer.answer.startswith(beginning)
    assert not answer.abstained
    if beginning == SIMPLE:
        assert answer.model == "planner"
        assert "24 GB" in answer.answer


@pytest.mark.parametrize("failure", ["dies in mid-stream", "stalls in mid-stream"])
def test_what_was_shown_stays_and_the_planner_goes_on(
    failure: str, server: Server, connect: Connect
) -> None:
    server.say(*FAILURES[failure][0])
    answer = connect(model_timeout=SILENCE).ask(QUESTION)
    said, _, rest = answer.answer.partition("> **ここから簡易回答**")
    assert "16 GiB です[1]。" in said
    assert "24 GB" in rest


def test_a_thread_goes_on_after_a_failure(server: Server, connect: Connect) -> None:
    """The planner's calls and texts in the thread are valid history for the model."""
    server.say(Reply(error="denied"))
    assistant = connect()
    assistant.ask(QUESTION, thread_id="t")
    SHARED.reset()
    server.say(Reply("g5.xlarge のメモリは 16 GiB です。"))
    answer = assistant.ask("メモリは?", thread_id="t")
    assert answer.answer.startswith("g5.xlarge のメモリは 16 GiB です。")
    assert answer.model != "planner"


# -- next models, circuit --------------------------------------------------------------------------


def test_the_next_model_answers_when_the_first_fails(
    server: Server, protocol: str, catalogue: Catalogue
) -> None:
    server.say(Reply(error="server"))
    with Server(in_turn([LOOK_UP, TRUTH]), handlers("openai")) as second:
        url = server.url + ("/v1" if protocol == "openai" else "")
        models = f"{MODELS[protocol]}@{url}, openai:second@{second.url}/v1"
        answer = Assistant(Settings(model=models, log=False), catalogue=catalogue).ask(QUESTION)
    assert answer.model == "openai:second"
    assert answer.answer.startswith("g5.xlarge のメモリ")
    assert second.rejected == []


def test_a_dead_model_costs_no_more_than_a_second_once(catalogue: Catalogue) -> None:
    """Nobody listens: the first question finds out, the others ask the planner at once."""
    settings = Settings(model="openai:dead", model_base_url="http://127.0.0.1:9/v1", log=False)
    assistant = Assistant(settings, catalogue=catalogue)
    plain = Assistant(Settings(log=False), catalogue=catalogue)
    plain.ask(QUESTION)
    importlib.import_module("langchain_openai")  # its import is not what a dead model costs

    took: list[float] = []
    for number in range(100):
        started = time.monotonic()
        answer = assistant.ask(
            f"g5.{2 ** (number % 3)}xlargeの仕様を教えて".replace("g5.1x", "g5.x")
        )
        took.append(time.monotonic() - started)
        assert answer.model == "planner"
        assert not answer.abstained
    assert took[0] < 1.5
    assert sorted(took[1:])[50] < 0.1


def test_a_model_that_recovers_is_asked_again(server: Server, connect: Connect) -> None:
    server.say(Reply(error="denied"))
    assistant = connect()
    assert assistant.ask(QUESTION).model == "planner"
    server.say(LOOK_UP, TRUTH)
    assert assistant.ask(QUESTION).model == "planner"  # paused
    SHARED.reset()
    assert assistant.ask(QUESTION).model != "planner"


# -- cancelling ------------------------------------------------------------------------------------


def _wait_for(condition: object, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if callable(condition) and condition():
            return True
        time.sleep(0.02)
    return False


def test_closing_the_stream_stops_the_model(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, Reply(TRUTH.text * 200, pause=0.01))
    events: Iterator[Step | TextDelta | Answer] = connect().stream(QUESTION, thread_id="t")
    next(event for event in events if isinstance(event, TextDelta))
    started = time.monotonic()
    events.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert time.monotonic() - started < 0.2
    assert _wait_for(lambda: server.broken_pipes, 3)


def test_closing_while_a_model_is_silent_does_not_wait(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, Reply(TRUTH.text, stalls_after=12))
    events = connect(model_timeout=30.0).stream(QUESTION)
    next(event for event in events if isinstance(event, TextDelta))
    started = time.monotonic()
    events.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert time.monotonic() - started < 0.2


def test_a_cancelled_turn_leaves_nothing_in_the_thread(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, Reply(TRUTH.text * 200, pause=0.01))
    assistant = connect()
    events = assistant.stream(QUESTION, thread_id="t")
    next(event for event in events if isinstance(event, TextDelta))
    events.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert _wait_for(lambda: not any(t.name == "ask-model" for t in threading.enumerate()), 3)
    time.sleep(0.1)
    server.say(Reply("はい、聞いています。"))
    assert assistant.ask("こんにちは", thread_id="t").answer == "はい、聞いています。"
    assert [m["role"] for m in server.asked[-1].messages] == ["user"]
