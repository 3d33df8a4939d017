"""Exactly one answer whatever goes wrong: late acknowledgements, lost replies, limits, outages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from running_bot import StartBot
from scripted import Scripted
from slack_server import BOT, BOT_TOKEN, Fault, SlackServer

from assistant.errors import ThrottledError, UsageError
from assistant.settings import Settings
from ui.slack import worker

ME = f"<@{BOT}>"
POST = "chat.postMessage"


@pytest.fixture
def scripted(settings: Settings) -> Scripted:
    return Scripted(settings)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait shorter between attempts than a bot in service."""
    monkeypatch.setattr(worker, "MAX_BACKOFF_SECONDS", 0.3)
    monkeypatch.setattr(worker, "TOKEN_PAUSE_SECONDS", 0.3)


def parts(slack: SlackServer, channel: str, root: str) -> list[str]:
    """Names of the parts that stand in a thread."""
    messages = [m for m in slack.thread(channel, root) if m.get("metadata")]
    return [m["metadata"]["event_payload"]["part"] for m in messages]


def once(slack: SlackServer, channel: str, root: str, seconds: float = 10) -> list[str]:
    """Parts in a thread once there are any, and no more come."""
    assert slack.wait_for(lambda: parts(slack, channel, root), seconds)
    slack.wait_for(lambda: False, 0.25)
    return parts(slack, channel, root)


def fail_first(method: str, faults: list[Fault]) -> Callable[[str, Any], Fault | None]:
    """Return what goes wrong with the first calls of a method."""
    left = list(faults)
    lock = threading.Lock()

    def fault(called: str, _: Any) -> Fault | None:
        with lock:
            return left.pop(0) if called == method and left else None

    return fault


def test_three_retries_after_a_slow_answer_are_acknowledged_and_answered_once(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    slack.pace = replace(slack.pace, retry_delays=(0.1, 0.2, 0.3))
    scripted.pause_seconds = 0.5
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} slow", forced_retries=3)
    assert slack.wait_for(lambda: all(d.acked_after is not None for d in slack.deliveries))
    assert [d.attempts for d in slack.deliveries] == [4, 4]
    assert once(slack, "C1", ts) == ["m0"]
    assert len(scripted.asked) == 1
    assert max(d.acked_after or 9 for d in slack.deliveries) < 1


def test_a_reply_lost_after_the_message_was_posted_posts_it_no_second_time(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    slack.fault = fail_first(POST, [Fault(lose_reply=True)])
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} x")
    assert once(slack, "C1", ts) == ["m0"]
    assert slack.wait_for(lambda: slack.calls["conversations.replies"] == 1)
    assert len(scripted.asked) == 1


def test_the_reply_to_the_echo_of_a_command_may_get_lost_as_well(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    from test_surfaces import command  # the other end of the same conversation

    slack.fault = fail_first(POST, [Fault(lose_reply=True)])
    start_bot(scripted)
    command(slack, "G5は?")
    assert slack.wait_for(lambda: slack.messages["C1"])
    root = slack.messages["C1"][0]["ts"]
    assert once(slack, "C1", root) == ["m0"]
    assert len([m for m in slack.messages["C1"] if "thread_ts" not in m]) == 1


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(status=429, retry_after=1)],
        [Fault(status=503)] * 3,
        [Fault(error="internal_error"), Fault(error="fatal_error")],
        [Fault(error="token_revoked")],
        [Fault(error="missing_scope", needed="chat:write")] * 2,
    ],
    ids=["429", "503", "internal", "revoked", "scope"],
)
def test_a_question_outlives_failures_of_slack(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted, faults: list[Fault]
) -> None:
    slack.fault = fail_first(POST, faults)
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} x")
    assert once(slack, "C1", ts, 15) == ["m0"]
    assert len(scripted.asked) == 1


def test_a_missing_scope_is_named_in_the_log_and_texts_and_tokens_are_not(
    slack: SlackServer,
    start_bot: StartBot,
    scripted: Scripted,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.fault = fail_first(POST, [Fault(error="missing_scope", needed="chat:write")])
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} 極秘の計画")
    boom = slack.say("C1", "U1", f"{ME} boom 極秘の計画")
    assert once(slack, "C1", ts) == ["m0"] and once(slack, "C1", boom) == ["m0"]
    assert "scope chat:write is missing" in caplog.text
    assert "極秘" not in caplog.text and BOT_TOKEN not in caplog.text


def test_while_slack_says_429_nothing_is_sent(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    slack.fault = fail_first(POST, [Fault(status=429, retry_after=2)])
    start_bot(scripted, threads=1)
    roots = [slack.say(f"C{n}", "U1", f"{ME} x") for n in range(8)]
    assert slack.wait_for(lambda: slack.calls[POST] == 1)
    slack.wait_for(lambda: slack.calls[POST] > 1, 1.5)
    assert slack.calls[POST] == 1
    for number, root in enumerate(roots):
        assert slack.wait_for(lambda n=number, r=root: parts(slack, f"C{n}", r) == ["m0"])


def test_where_we_cannot_write_the_answer_goes_to_the_user(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    slack.closed_channels["C1"] = "not_in_channel"
    start_bot(scripted)
    slack.say("C1", "U1", f"{ME} x")
    assert slack.wait_for(lambda: len(slack.messages["DU1"]) == 2)
    shown, answer = slack.messages["DU1"]
    assert answer["thread_ts"] == shown["ts"] and "x" in str(shown["blocks"])


def test_blocks_that_slack_refuses_are_replaced_by_text(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    slack.fault = fail_first(POST, [Fault(error="invalid_blocks")])
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} x")
    assert once(slack, "C1", ts) == ["m0"]
    assert [b["type"] for b in slack.thread("C1", ts)[0]["blocks"]] == ["section"]


def test_connections_are_replaced_when_slack_asks_and_when_they_break(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    roots = [slack.say("C1", "U1", f"{ME} 1")]
    slack.disconnect("refresh_requested")
    roots.append(slack.say("C1", "U1", f"{ME} 2"))
    assert slack.wait_for(lambda: slack.connections >= 1)
    slack.disconnect("warning", close=False)
    roots.append(slack.say("C1", "U1", f"{ME} 3"))
    assert slack.wait_for(lambda: slack.connections >= 1)
    slack.cut()
    roots.append(slack.say("C1", "U1", f"{ME} 4"))
    for root in roots:
        assert once(slack, "C1", root, 25) == ["m0"]
    assert slack.lost == [] and len(scripted.asked) == 4


def test_two_bots_share_the_work_without_double_answers(
    slack: SlackServer, start_bot: StartBot, settings: Settings
) -> None:
    one, two = Scripted(settings), Scripted(settings)
    one.pause_seconds = two.pause_seconds = 0.02
    start_bot(one)
    start_bot(two)
    roots = [slack.say("C1", "U1", f"{ME} slow {n}") for n in range(60)]
    assert slack.wait_for(lambda: all(parts(slack, "C1", root) for root in roots), 30)
    slack.wait_for(lambda: False, 0.5)
    assert all(parts(slack, "C1", root) == ["m0"] for root in roots)
    assert len(one.asked) + len(two.asked) == 60
    assert one.asked and two.asked


def test_an_answer_that_takes_longer_is_streamed_with_its_steps(
    slack: SlackServer, start_bot: StartBot, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.slack.live.STATUS_AFTER_SECONDS", 0.05)
    monkeypatch.setattr("ui.slack.live.STREAM_AFTER_SECONDS", 0.1)
    monkeypatch.setattr("ui.slack.live.APPEND_EVERY_SECONDS", 0.1)
    text = "**一段落目**です。\n\n二段落目 <です>。\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n最後。"
    scripted = Scripted(settings, answer=text)
    scripted.pause_seconds = 0.3
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} steps")
    assert once(slack, "C1", ts) == ["m0"]
    (message,) = slack.thread("C1", ts)
    assert slack.calls["assistant.threads.setStatus"] == 1
    assert not message["streaming"]
    streamed = "".join(c["text"] for c in message["chunks"] if c["type"] == "markdown_text")
    assert "**一段落目** です。" in streamed and "二段落目 &lt;です&gt;。" in streamed
    assert "一段落目" not in str(message["blocks"]) and "最後。" in str(message["blocks"])
    assert any(block["type"] == "table" for block in message["blocks"])
    last = [c for c in message["chunks"] if c["type"] == "task_update"][-1]
    assert last["status"] == "complete" and last["sources"][0]["url"] == "https://example.com/p"


@pytest.mark.parametrize("fault", [Fault(error="not_allowed_token_type"), Fault(lose_reply=True)])
def test_where_streaming_does_not_work_the_answer_is_posted(
    slack: SlackServer,
    start_bot: StartBot,
    scripted: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
) -> None:
    monkeypatch.setattr("ui.slack.live.STREAM_AFTER_SECONDS", 0.1)
    slack.fault = fail_first("chat.startStream", [fault])
    scripted.pause_seconds = 0.3
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} steps")
    assert once(slack, "C1", ts) == ["m0"]
    assert len(slack.thread("C1", ts)) == 1  # no half message stays


def test_without_a_status_the_eyes_show_that_we_are_at_it(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.slack.live.STATUS_AFTER_SECONDS", 0.05)
    method = "assistant.threads.setStatus"
    slack.fault = lambda called, _: Fault(error="access_denied") if called == method else None
    scripted.pause_seconds = 0.5
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} slow")
    assert slack.wait_for(lambda: slack.messages["C1"][0].get("reactions") == ["eyes"])
    assert once(slack, "C1", ts) == ["m0"]
    assert slack.messages["C1"][0]["reactions"] == []


def test_whoever_waits_is_told_how_many_are_before(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "WAITED_SECONDS", 0.3)
    monkeypatch.setattr("ui.slack.live.STATUS_AFTER_SECONDS", 60)
    scripted.gate.clear()
    start_bot(scripted, threads=1)
    slack.say("C1", "U1", f"{ME} 1")
    assert slack.wait_for(lambda: scripted.asked)
    slack.say("C2", "U1", f"{ME} 2")
    method = "assistant.threads.setStatus"
    assert slack.wait_for(lambda: slack.calls[method])
    (status,) = [a["status"] for m, a in slack.log if m == method]
    assert "前に 1 件" in status
    scripted.gate.set()


def test_a_model_that_is_throttled_is_asked_again_and_then_says_so(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MODEL_PAUSE_SECONDS", 0.1)
    scripted.error = ThrottledError("混み合っています。", "Busy.")
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} x")
    assert once(slack, "C1", ts) == ["m0"]
    assert "混み合っています" in slack.thread("C1", ts)[0]["text"]
    assert len(scripted.asked) == worker.MAX_MODEL_TRIES + 1


def test_an_error_of_the_assistant_is_told_in_the_language_of_the_question(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    scripted.error = UsageError("長すぎます。", "Too long.")
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} what about this one")
    assert once(slack, "C1", ts) == ["m0"]
    assert slack.thread("C1", ts)[0]["text"] == "Too long."


def test_stopping_finishes_the_answer_at_hand(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    scripted.pause_seconds = 1.0
    bot = start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} slow")
    assert slack.wait_for(lambda: scripted.asked)
    began = time.monotonic()
    bot.stop()
    assert parts(slack, "C1", ts) == ["m0"] and time.monotonic() - began < 5
