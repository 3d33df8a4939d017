"""`ask slack`: what is missing is said clearly; the bot waits for Slack and masks tokens."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import yaml
from running_bot import StartBot
from scripted import Scripted
from slack_server import Fault, SlackServer

from assistant.errors import AuthenticationError, NotConfiguredError
from assistant.settings import Settings
from ui.cli import run
from ui.slack import serve
from ui.slack.serve import check_settings

ROOT = Path(__file__).parents[3]


def test_without_tokens_the_command_says_what_to_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name, raising=False)
    assert run(["slack"]) == 3
    err = capsys.readouterr().err
    assert "ASK_SLACK_BOT_TOKEN, ASK_SLACK_APP_TOKEN" in err and "docs/slack.ja.md" in err
    assert run(["slack", "--http", "--lang", "en"]) == 3
    assert "ASK_SLACK_SIGNING_SECRET" in capsys.readouterr().err


def test_without_the_extra_the_command_says_how_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr("ui.commands.slack.find_spec", nothing)
    assert run(["slack"]) == 3
    assert "pip install" in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [
        Settings(slack_bot_token="xapp-1", slack_app_token="xapp-1"),
        Settings(slack_bot_token="xoxb-1", slack_app_token="xoxb-1"),
        Settings(slack_bot_token="xoxp-1", slack_app_token="xapp-1"),
    ],
)
def test_tokens_of_the_wrong_kind_are_named_but_not_shown(settings: Settings) -> None:
    with pytest.raises(NotConfiguredError) as error:
        check_settings(settings, http=False)
    assert not re.search(r"xox[bp]-1|xapp-1", error.value.message_ja)


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
def test_a_token_that_slack_refuses_ends_the_bot_with_advice(
    slack: SlackServer, start_bot: StartBot, settings: Settings, method: str
) -> None:
    slack.fault = lambda called, _: Fault(error="invalid_auth") if called == method else None
    bot = start_bot(Scripted(settings), wait=False)
    assert slack.wait_for(lambda: bot.error)
    assert isinstance(bot.error, AuthenticationError)
    assert "トークン" in bot.error.message_ja


def test_a_bot_started_while_slack_is_away_waits_for_it(
    slack: SlackServer, start_bot: StartBot, settings: Settings
) -> None:
    slack.fault = lambda _method, _: Fault(status=503)
    bot = start_bot(Scripted(settings), wait=False)
    assert slack.wait_for(lambda: slack.calls["auth.test"])
    slack.fault = lambda _method, _: None
    assert slack.wait_for(lambda: slack.connections, 15) and bot.error is None


def test_what_looks_like_a_token_is_masked_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("ask.slack")
    before = list(log.handlers)
    serve.log_to_stderr(verbose=True, quiet=False)
    try:
        log.info("a %s b %s", "xoxb-12-secret", "xapp-1-secret")
    finally:
        log.handlers[:] = before
        log.propagate = True
    assert capsys.readouterr().err.rstrip().endswith("a xoxb-*** b xapp-***")


def test_the_manifest_asks_for_what_the_bot_uses_and_no_more() -> None:
    manifest = yaml.safe_load((ROOT / "ui" / "slack_manifest.yaml").read_text("utf-8"))
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    assert scopes == {
        "app_mentions:read", "assistant:write", "channels:history", "chat:write", "commands",
        "files:read", "files:write", "groups:history", "im:history", "im:write", "mpim:history",
        "reactions:write",
    }  # fmt: skip
    assert len(manifest["display_information"]["description"]) <= 140
    assert len(manifest["display_information"]["name"]) <= 35
    assert len(manifest["display_information"]["long_description"]) in range(174, 4001)
    # Since 2026 new apps can only have agent_view, which opens conversations with app_home_opened.
    assert "assistant_view" not in manifest["features"] and manifest["features"]["agent_view"]
    assert "app_home_opened" in manifest["settings"]["event_subscriptions"]["bot_events"]
    (shortcut,) = manifest["features"]["shortcuts"]
    assert shortcut["callback_id"] == "ask_about_message" and len(shortcut["name"]) <= 24
    assert manifest["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize("page", ["docs/slack.ja.md", "docs/slack.md"])
def test_the_setup_page_names_every_setting(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for name in ("BOT_TOKEN", "APP_TOKEN", "SIGNING_SECRET", "DAILY_LIMIT"):
        assert f"ASK_SLACK_{name}" in text
    assert "ui/slack_manifest.yaml" in text and "ask slack" in text
