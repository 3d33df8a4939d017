"""Settings: flag > environment > file > default, typed errors, masked secrets."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assistant.errors import NotConfiguredError, UsageError
from assistant.settings import (
    DEFAULT_REGION,
    JpyRate,
    Settings,
    config_path,
    load_settings,
    parse_jpy_rate,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A settings file that names everything."""
    path = tmp_path / "config.toml"
    path.write_text(
        'region = "eu-west-1"\nlang = "en"\nmodel = "filemodel"\nlog = "off"\n'
        'data_dir = "/file/data"\njpy_per_usd = "140@2026-01-02"\n',
        "utf-8",
    )
    return path


def load(environ: dict[str, str], **flags: str | None) -> Settings:
    return load_settings(flags, environ)


def test_defaults_need_no_environment(tmp_path: Path) -> None:
    settings = load({"ASK_CONFIG": ""})
    assert settings.model == "planner"
    assert settings.region == DEFAULT_REGION == "ap-northeast-1"
    assert settings.jpy_per_usd is None
    assert settings.log
    assert settings.lang == ""
    assert settings.data_dir.name == "ask"


def test_the_file_beats_the_default(config: Path) -> None:
    settings = load({"ASK_CONFIG": str(config)})
    assert (settings.region, settings.lang, settings.model) == ("eu-west-1", "en", "filemodel")
    assert not settings.log
    assert settings.data_dir == Path("/file/data")
    assert settings.jpy_per_usd == JpyRate(Decimal(140), date(2026, 1, 2))


def test_the_environment_beats_the_file(config: Path) -> None:
    environ = {"ASK_CONFIG": str(config), "ASK_REGION": "us-west-2", "ASK_LANG": "ja"}
    settings = load(environ)
    assert (settings.region, settings.lang, settings.model) == ("us-west-2", "ja", "filemodel")


def test_a_flag_beats_the_environment(config: Path) -> None:
    environ = {"ASK_CONFIG": str(config), "ASK_REGION": "us-west-2", "ASK_MODEL": "envmodel"}
    settings = load(environ, region="ap-south-1", model=None)
    assert (settings.region, settings.model) == ("ap-south-1", "envmodel")


def test_documents_are_kept_here_with_the_packaged_embedder_unless_told_otherwise() -> None:
    settings = load({"ASK_CONFIG": "", "ASK_DATA_DIR": "/data"})
    assert (settings.embedder, settings.chroma_url) == ("", "")
    assert settings.knowledge_dir == Path("/data/knowledge")
    settings = load({"ASK_CONFIG": "", "ASK_EMBEDDER": "bedrock:x", "ASK_CHROMA_URL": "http://c:1"})
    assert (settings.embedder, settings.chroma_url) == ("bedrock:x", "http://c:1")


def test_an_empty_variable_counts_as_unset(config: Path) -> None:
    settings = load({"ASK_CONFIG": str(config), "ASK_REGION": "", "ASK_LANG": ""})
    assert (settings.region, settings.lang) == ("eu-west-1", "en")


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "us-east-1"}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
        ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-2"}, "us-east-1"),
        ({"ASK_REGION": "eu-west-3", "AWS_REGION": "us-east-1"}, "eu-west-3"),
        ({"ASK_REGION": " AP-Northeast-3 "}, "ap-northeast-3"),
        ({}, DEFAULT_REGION),
    ],
)
def test_the_region_comes_from_ask_then_aws_then_tokyo(
    environ: dict[str, str], region: str
) -> None:
    assert load(environ | {"ASK_CONFIG": ""}).region == region


def test_a_missing_named_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.toml"
    with pytest.raises(NotConfiguredError) as caught:
        load({"ASK_CONFIG": str(path)})
    assert str(path) in caught.value.message_ja
    assert str(path) in caught.value.message_en
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("content", [b"region = ", b"\xff\xfe\x00broken", b"= 3"])
def test_a_file_that_is_no_toml_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(NotConfiguredError) as caught:
        load({"ASK_CONFIG": str(path)})
    assert str(path) in caught.value.message_ja


def test_the_default_file_may_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))
    assert config_path({}).name == "config.toml"
    assert load({}).region == DEFAULT_REGION


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("150", JpyRate(Decimal(150), None)),
        ("150.5@2026-11-20", JpyRate(Decimal("150.5"), date(2026, 11, 20))),
        (" 150 @ 2026-11-20 ", JpyRate(Decimal(150), date(2026, 11, 20))),
    ],
)
def test_exchange_rates(text: str, rate: JpyRate) -> None:
    assert parse_jpy_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "abc", "0", "-1", "NaN", "Infinity", "150@yesterday", "150@2026-13-01", "1e999999x"],
)
def test_a_wrong_exchange_rate_is_an_error_that_quotes_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_jpy_rate(text)
    assert repr(text) in caught.value.message_ja
    assert "150@2026-11-20" in caught.value.message_en


def test_a_wrong_language_is_an_error(config: Path) -> None:
    with pytest.raises(UsageError):
        load({"ASK_CONFIG": "", "ASK_LANG": "fr"})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ask:s3cret@db:5432/ask", "postgresql://ask:***@db:5432/ask"),
        ("https://user:p:a:s:s@host/x", "https://user:***@host/x"),
        ("postgresql://ask@db/ask", "postgresql://ask@db/ask"),
        ("", ""),
    ],
)
def test_passwords_are_masked_where_settings_are_shown(url: str, shown: str) -> None:
    assert Settings(state_url=url).shown()["state_url"] == shown


def test_a_password_with_an_at_sign_is_masked_whole() -> None:
    assert "cret" not in Settings(state_url="postgresql://ask:s3@cret@db/ask").shown()["state_url"]


def test_slack_tokens_are_read_under_both_names_and_never_shown() -> None:
    settings = load_settings(
        environ={"SLACK_BOT_TOKEN": "xoxb-usual", "ASK_SLACK_APP_TOKEN": "xapp-own"}
    )
    assert settings.slack_bot_token == "xoxb-usual"
    assert settings.slack_app_token == "xapp-own"
    for text in (str(settings.shown()), repr(settings)):
        assert "xoxb" not in text and "xapp" not in text
    assert settings.shown()["slack_bot_token"] == "***"
    assert settings.shown()["slack_signing_secret"] == ""


def test_our_own_slack_variable_wins_over_the_usual_one() -> None:
    both = {"SLACK_BOT_TOKEN": "xoxb-usual", "ASK_SLACK_BOT_TOKEN": "xoxb-own"}
    assert load_settings(environ=both).slack_bot_token == "xoxb-own"


@pytest.mark.parametrize("text", ["-1", "many", "1.5"])
def test_a_daily_limit_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        load_settings(environ={"ASK_SLACK_DAILY_LIMIT": text})


@pytest.mark.parametrize("text", ["box/files", "s3://", "https://box", "s3://box/a b"])
def test_an_artifact_address_that_is_no_bucket_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="s3://bucket"):
        load_settings(environ={"ASK_ARTIFACT_URL": text})


def test_every_setting_is_shown() -> None:
    shown = Settings(jpy_per_usd=JpyRate(Decimal(150), None)).shown()
    assert set(shown) == {
        "model", "region", "data_dir", "state_url", "jpy_per_usd", "lang", "log", "embedder",
        "chroma_url", "slack_bot_token", "slack_app_token", "slack_signing_secret",
        "slack_daily_limit", "mcp_token",
        "model_base_url", "model_region", "model_profile", "model_role", "model_base",
        "model_guardrail", "model_cache", "model_timeout", "model_turn_timeout", "model_max_tokens",
        "model_context", "trace", "artifact_url",
    }  # fmt: skip
    assert shown["jpy_per_usd"] == "150@?"


def test_only_settings_reads_the_environment() -> None:
    """Any other module that does hides a setting from `ask config --show`."""
    root = Path(__file__).parents[2]
    readers = {
        path.relative_to(root).as_posix()
        for package in ("assistant", "tools", "knowledge")
        for path in (root / package).rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text("utf-8"))
    }
    assert readers - {"assistant/settings.py", "knowledge/ec2/rebuild.py"} == set()
