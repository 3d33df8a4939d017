"""Conversations over Socket Mode with the real planner: who is answered, where, how often."""

from __future__ import annotations

from conftest import StartBot
from slack_server import BOT, SlackServer

ASK = f"<@{BOT}> G5とG4dnの違いは?"


def parts(slack: SlackServer, channel: str, root: str) -> list[str]:
    """Names of the parts of answers in a thread."""
    return [m["metadata"]["event_payload"]["part"] for m in slack.thread(channel, root)]


def test_a_mention_is_answered_once_in_its_thread(slack: SlackServer, start_bot: StartBot) -> None:
    start_bot()
    ts = slack.say("C1", "U1", ASK)
    assert slack.wait_for(lambda: slack.thread("C1", ts))
    slack.wait_for(lambda: False, 0.5)
    (answer,) = slack.thread("C1", ts)
    assert "A10G" in answer["text"]
    assert any(block["type"] == "table" for block in answer["blocks"])
