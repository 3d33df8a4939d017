"""A bot that is killed in the middle of everything loses no question and answers none twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from slack_server import BOT, SlackServer

ME = f"<@{BOT}>"
PROGRAM = Path(__file__).with_name("slack_bot.py")
Launch = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def launch(slack: SlackServer, tmp_path: Path) -> Iterator[Launch]:
    """Return a function that starts a bot as a process; all of them share their data."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        before = slack.connections
        arguments = [slack.base_url, str(tmp_path / "shared"), "1.0", "0.05"]
        bot = subprocess.Popen([sys.executable, str(PROGRAM), *arguments])
        started.append(bot)
        assert slack.wait_for(lambda: slack.connections > before, 30)
        return bot

    yield start
    for bot in started:
        bot.kill()
        bot.wait(10)


def sent(slack: SlackServer, root: str) -> list[str]:
    return [
        m["metadata"]["event_payload"]["part"] for m in slack.thread("C1", root) if "metadata" in m
    ]


def answered(slack: SlackServer, roots: list[str]) -> int:
    return sum(bool(sent(slack, root)) for root in roots)


def test_a_killed_bot_goes_on_after_its_restart(slack: SlackServer, launch: Launch) -> None:
    """Killed twice in a burst of questions with retries; then started again."""
    slack.pace = replace(slack.pace, ack_seconds=1.0, retry_delays=(0.1, 1.0, 3.0, 5.0))
    slack.keep_log = False
    bot = launch()
    roots: list[str] = []
    for round_number in range(2):
        for number in range(20):
            roots.append(slack.say("C1", "U1", f"{ME} slow {round_number}-{number}"))
            time.sleep(0.01)
        assert slack.wait_for(lambda: answered(slack, roots) >= len(roots) - 15)
        bot.send_signal(signal.SIGKILL)
        bot.wait(10)
        assert slack.wait_for(lambda: slack.connections == 0)
        bot = launch()
    assert slack.wait_for(lambda: all(sent(slack, root) for root in roots), 30)
    slack.wait_for(lambda: False, 1.0)
    assert [sent(slack, root) for root in roots] == [["m0"]] * len(roots)
    assert slack.lost == []


def test_two_processes_share_an_inbox_and_one_may_die(slack: SlackServer, launch: Launch) -> None:
    slack.pace = replace(slack.pace, ack_seconds=1.0, retry_delays=(0.1, 1.0, 3.0, 5.0))
    first, _ = launch(), launch()
    roots = [slack.say("C1", "U1", f"{ME} slow {n}") for n in range(40)]
    assert slack.wait_for(lambda: sum(bool(sent(slack, root)) for root in roots) >= 10)
    first.send_signal(signal.SIGKILL)
    assert slack.wait_for(lambda: all(sent(slack, root) for root in roots), 30)
    slack.wait_for(lambda: False, 1.0)
    assert [sent(slack, root) for root in roots] == [["m0"]] * len(roots)


def test_sigterm_ends_a_bot_in_order(slack: SlackServer, launch: Launch) -> None:
    bot = launch()
    roots = [slack.say("C1", "U1", f"{ME} slow {n}") for n in range(5)]
    assert slack.wait_for(lambda: any(sent(slack, root) for root in roots))
    bot.send_signal(signal.SIGTERM)
    assert bot.wait(10) == 0
    assert all(len(sent(slack, root)) <= 1 for root in roots)
