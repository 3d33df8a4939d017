"""A local Slack and bots that run against it, in this process or in one of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("slack_bolt", reason="needs the extra slack")
HERE = Path(__file__).parent
for folder in (HERE, HERE.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from running_bot import RunningBot, StartBot  # noqa: E402
from slack_server import APP_TOKEN, BOT_TOKEN, SECRET, SlackServer  # noqa: E402

from assistant.app import Assistant  # noqa: E402
from assistant.settings import Settings  # noqa: E402
from knowledge.ec2.catalogue import Catalogue  # noqa: E402
from ui.slack import worker  # noqa: E402
from ui.slack.serve import Options  # noqa: E402


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for released questions more often than a bot in service."""
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """A workspace; a payload that Slack would refuse fails the test."""
    with SlackServer() as server:
        yield server
        assert server.violations == []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with credentials and a data directory of their own."""
    return Settings(
        data_dir=tmp_path / "slack",
        slack_bot_token=BOT_TOKEN,
        slack_app_token=APP_TOKEN,
        slack_signing_secret=SECRET,
    )


@pytest.fixture
def start_bot(slack: SlackServer, settings: Settings, catalogue: Catalogue) -> Iterator[StartBot]:
    """Return a function that starts a bot and waits until it listens."""
    running: list[RunningBot] = []

    def start(assistant: object = None, *, wait: bool = True, **more: object) -> RunningBot:
        options = replace(Options(base_url=slack.base_url, lease_seconds=2.0), **more)  # type: ignore[arg-type]
        chosen = assistant or Assistant(settings, catalogue=catalogue)
        before = slack.connections
        bot = RunningBot(chosen, options)  # type: ignore[arg-type]
        running.append(bot)
        if wait and not options.http:
            assert slack.wait_for(lambda: slack.connections > before or bot.error)
            assert bot.error is None, bot.error
        return bot

    yield start
    for bot in running:
        bot.stop()
