"""`ask slack`: answer in Slack, over Socket Mode or HTTP, until stopped."""

from __future__ import annotations

from importlib.util import find_spec

import click

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.language import Text

_TEXT = Text(
    "Slack のボットとして答えます。Ctrl-C か SIGTERM で終わります。\n"
    "必要な設定: ASK_SLACK_BOT_TOKEN と ASK_SLACK_APP_TOKEN\n"
    "(--http では後者の代わりに ASK_SLACK_SIGNING_SECRET)。\n"
    "Slack アプリの作り方: docs/slack.ja.md",
    "Answers as a Slack bot until Ctrl-C or SIGTERM.\n"
    "Settings: ASK_SLACK_BOT_TOKEN and ASK_SLACK_APP_TOKEN (--http: ASK_SLACK_SIGNING_SECRET).\n"
    "How to create the Slack app: docs/slack.md",
)


@define_command("slack", _TEXT)
@option(
    "--http",
    is_flag=True,
    text=Text(
        "Socket Mode の代わりに HTTP で待ち受けます(署名を検証)。",
        "Listen on HTTP instead of Socket Mode (signatures are verified).",
    ),
)
@option(
    "--host",
    default="127.0.0.1",
    metavar="HOST",
    text=Text("--http の待ち受けアドレス。", "Address to listen on with --http."),
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3000,
    metavar="PORT",
    text=Text("--http のポート(既定 3000)。", "Port for --http (default 3000)."),
)
@option(
    "--threads",
    type=click.IntRange(1, 64),
    default=4,
    metavar="N",
    text=Text("同時に答える質問の数(既定 4)。", "Questions answered at once (default 4)."),
)
@option("--model", metavar="MODEL", text=Text("使うモデル。", "Model to use."))
@common_options
def command(
    call: Call, *, http: bool, host: str, port: int, threads: int, model: str | None
) -> int:
    """Run the bot."""
    from assistant.errors import NotConfiguredError

    call.overrides["model"] = model
    if find_spec("slack_bolt") is None or find_spec("slack_sdk") is None:
        raise NotConfiguredError(
            "Slack には追加パッケージが必要です: pip install 'ask-ec2-ml[slack]'",
            "Slack needs an extra: pip install 'ask-ec2-ml[slack]'",
        )
    from ui.slack.serve import Options, check_settings, log_to_stderr, run_bot

    check_settings(call.settings(), http=http)
    log_to_stderr(verbose=call.console.verbose, quiet=call.console.quiet)
    return run_bot(call.assistant(), Options(http=http, host=host, port=port, threads=threads))
