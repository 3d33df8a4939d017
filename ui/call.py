"""What every command gets: its console, and the assistant with the settings it asks for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from ui.command import option
from ui.console import Console
from ui.language import Text, as_language, speak
from ui.terminal import ColorChoice

if TYPE_CHECKING:
    from assistant.app import Assistant
    from assistant.settings import Settings

Build = Callable[["Settings"], "Assistant"]


def build_real_assistant(settings: Settings) -> Assistant:
    """Return the assistant of this installation."""
    from assistant import build_assistant

    return build_assistant(settings)


@dataclass(slots=True)
class Session:
    """One run of the program; tests hand in an assistant of their own."""

    build: Build = build_real_assistant


@dataclass(slots=True)
class Call:
    """One invocation of a command."""

    console: Console
    session: Session
    overrides: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """Settings given as flags."""

    def settings(self, **more: str | None) -> Settings:
        """Return the settings: flags, then environment, file and defaults."""
        from assistant.settings import load_settings

        settings = load_settings({**self.overrides, **more})
        if language := as_language(settings.lang):
            speak(language)
        return settings

    def assistant(self, **more: str | None) -> Assistant:
        """Return the assistant under these settings."""
        return self.session.build(self.settings(**more))


def common_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the options that all commands share; `function` gets a Call in their place."""
    return _REGION(output_options(function))


def output_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the common options but `--region`, for commands without one or with several."""

    @functools.wraps(function)
    def run(
        *,
        lang: str | None,
        color: ColorChoice,
        quiet: bool,
        verbose: bool,
        region: str | None = None,
        **given: Any,
    ) -> int | None:
        console = Console(color=color, quiet=quiet, verbose=verbose)
        session = click.get_current_context().find_object(Session) or Session()
        return function(Call(console, session, {"lang": lang, "region": region}), **given)

    decorated: Callable[..., int | None] = run
    for decorate in reversed(_COMMON):
        decorated = decorate(decorated)
    return decorated


_REGION = option(
    "--region",
    metavar="REGION",
    text=Text(
        "料金を見るリージョン(例: us-east-1)。既定は ASK_REGION、AWS_REGION、東京の順。",
        "Region for prices, for example us-east-1. Default: ASK_REGION, AWS_REGION, Tokyo.",
    ),
)
_COMMON = (
    option(
        "--lang",
        type=click.Choice(["ja", "en"]),
        text=Text(
            "表示の言語。既定は質問の言語。",
            "Language of the output. Default: that of the question.",
        ),
    ),
    option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        text=Text(
            "色と表の整形。auto は端末のときだけ(NO_COLOR に従う)。",
            "Colour and layout. auto: on a terminal only (NO_COLOR is respected).",
        ),
    ),
    option(
        "-q",
        "--quiet",
        is_flag=True,
        text=Text("答え以外を表示しません。", "Show nothing but the answer."),
    ),
    option(
        "-v",
        "--verbose",
        is_flag=True,
        text=Text(
            "実行した手順や所要時間も stderr に表示します。", "Show steps and timings on stderr."
        ),
    ),
)
