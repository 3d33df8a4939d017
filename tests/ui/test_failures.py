"""Errors: exit codes, languages, JSON, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_assistant import failing

from assistant import errors

Cli = Any
CLASSES = [
    (errors.AssistantError, 1, "internal"),
    (errors.UsageError, 2, "usage"),
    (errors.NotConfiguredError, 3, "not_configured"),
    (errors.AuthenticationError, 4, "authentication"),
    (errors.UnreachableError, 5, "unreachable"),
    (errors.ThrottledError, 6, "throttled"),
    (errors.ModelTimeoutError, 7, "timeout"),
    (errors.UpstreamError, 8, "upstream"),
]


@pytest.mark.parametrize(("kind", "code", "name"), CLASSES)
def test_every_error_class_has_its_exit_code(cli: Cli, kind: Any, code: int, name: str) -> None:
    """The message is on stderr, stdout stays empty."""
    result = cli("G5は?", assistant=failing(kind))
    assert (result.code, result.out, result.err) == (code, "", "エラー: 日本語の説明。\n")
    as_json = cli("--json", "G5は?", assistant=failing(kind))
    assert json.loads(as_json.out) == {
        "schema_version": 1,
        "error": {"code": name, "exit_code": code, "message": "日本語の説明。"},
    }
    assert as_json.code == code


def test_every_error_class_is_tested() -> None:
    """A new class needs a row above."""
    known = {errors.AssistantError, *errors.AssistantError.__subclasses__()}
    assert {kind for kind, _, _ in CLASSES} == known


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("G5は?",), "日本語の説明。"),
        (("what is the difference",), "English explanation."),
        (("g5.xlarge",), "日本語の説明。"),
        (("--lang", "en", "G5は?"), "English explanation."),
        (("--lang=ja", "what is the difference"), "日本語の説明。"),
    ],
)
def test_errors_speak_the_language_of_the_user(cli: Cli, argv: Any, message: str) -> None:
    """`--lang`, else the language of the question, else Japanese."""
    assert message in cli(*argv, assistant=failing(errors.UpstreamError)).err


def test_language_setting_holds_for_errors(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """ASK_LANG comes before the language of the question."""
    monkeypatch.setenv("ASK_LANG", "en")
    result = cli("G5は?", assistant=failing(errors.UpstreamError))
    assert result.err == "Error: English explanation.\n"


def test_unexpected_errors_show_an_incident_and_no_traceback(cli: Cli, tmp_path: Path) -> None:
    """The details are kept in a file that the message names."""
    result = cli("boom")
    assert result.code == 1
    assert "Traceback" not in result.err
    assert "secret" not in result.err
    (kept,) = (tmp_path / "data" / "incidents").iterdir()
    assert str(kept) in result.err
    assert "secret detail" in kept.read_text("utf-8")


def test_debug_shows_the_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """ASK_DEBUG=1 is for developers."""
    monkeypatch.setenv("ASK_DEBUG", "1")
    assert "secret detail" in cli("boom").err


@pytest.mark.parametrize(
    "argv",
    [
        ("--bogus", "x"),
        ("--timeout", "soon", "x"),
        ("--timeout", "-1", "x"),
        ("--lang", "fr", "x"),
        ("--color", "mauve", "x"),
        ("--model",),
        ("-f", "/does/not/exist", "x"),
        ("-f", "/", "x"),
        ("batch",),
        ("batch", "/does/not/exist"),
        ("spec",),
        ("spec", "bogus"),
        ("spec", "show"),
        ("spec", "show", "p5.24xlarge"),
        ("spec", "find", "--gpu-count", "many"),
        ("spec", "find", "--limit", "0"),
        ("spec", "find", "--series", "X"),
        ("completion", "tcsh"),
        ("completion",),
        ("log", "-n", "0"),
        ("config", "extra"),
        ("catalog", "refresh", "everything"),
    ],
)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_misuse_is_code_2_with_a_message(cli: Cli, argv: Any, language: str) -> None:
    """Stdout stays empty; with `--json` it is an object."""
    result = cli("--lang", language, *argv) if argv[0] != "--lang" else cli(*argv)
    assert (result.code, result.out) == (2, "")
    assert result.err.strip()
    assert "Traceback" not in result.err
    as_json = cli(*argv, "--json") if argv[-1] != "--model" else cli("--json", *argv)
    assert json.loads(as_json.out)["error"]["code"] == "usage"


def test_misuse_names_the_value_and_the_choices(cli: Cli) -> None:
    """The message says what to write instead."""
    assert "'fr'" in cli("--lang", "fr", "x").err
    assert "ja, en" in cli("--lang", "fr", "x").err
    assert "--timeout" in cli("--timeuot", "3", "x").err


def test_broken_settings_file_is_not_configured(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A settings file that cannot be read is named."""
    path = tmp_path / "config.toml"
    path.write_text("region = ", "utf-8")
    monkeypatch.setenv("ASK_CONFIG", str(path))
    result = cli("G5は?")
    assert result.code == 3
    assert str(path) in result.err


def test_timeout_is_code_7(cli: Cli) -> None:
    """`--timeout` ends a slow answer."""
    result = cli("--timeout", "0.2", "slow")
    assert result.code == 7
    assert "--timeout" in result.err
