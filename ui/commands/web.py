"""`ask web`: the chat page and the workbench."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.failures import Misuse
from ui.language import Text


@define_command(
    "web",
    Text(
        "ブラウザーで使う画面を開きます。チャット、比較、料金、サイジング、コード生成、ナレッジ。",
        "Serve the page for browsers: chat, compare, cost, sizing, code, documents.",
    ),
    examples=(
        ("ask web", Text("http://127.0.0.1:7860 で開く", "at http://127.0.0.1:7860")),
        (
            "ask web --host 0.0.0.0 --auth-file users.txt",
            Text("パスワードつきで公開", "for others, with passwords"),
        ),
        (
            "ask web --auth-header X-Forwarded-User --trusted-proxy 10.0.0.0/8 --root-path /ask",
            Text("OIDC プロキシの背後で", "behind an OIDC proxy"),
        ),
    ),
)
@option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    text=Text("待ち受けるアドレス(既定 127.0.0.1)。", "Address to listen on (127.0.0.1)."),
)
@option(
    "--port",
    type=click.IntRange(min=1, max=65535),
    default=7860,
    metavar="PORT",
    text=Text("ポート(既定 7860)。", "Port (7860)."),
)
@option(
    "--root-path",
    default="",
    metavar="PATH",
    text=Text(
        "リバースプロキシで見せるパス(例: /ask)。", "Path under a reverse proxy, such as /ask."
    ),
)
@option(
    "--auth-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    text=Text("利用者とパスワードのファイル。", "File of users and passwords."),
)
@option(
    "--auth-header",
    default="",
    metavar="NAME",
    text=Text("プロキシが利用者名を入れるヘッダー。", "Header in which a proxy names the user."),
)
@option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    default=("127.0.0.1", "::1"),
    metavar="ADDRESS",
    text=Text(
        "ヘッダーを信用するプロキシ(何度でも)。", "Proxy whose header is believed (repeatable)."
    ),
)
@option(
    "--concurrency",
    type=click.IntRange(min=1, max=256),
    default=16,
    metavar="N",
    text=Text("同時に答える質問の数(既定 16)。", "Questions answered at the same time (16)."),
)
@option(
    "--max-upload-mb",
    type=click.IntRange(min=1, max=1000),
    default=20,
    metavar="MB",
    text=Text("アップロードできる大きさ(既定 20)。", "Largest upload (20)."),
)
@option(
    "--hash-password",
    is_flag=True,
    text=Text(
        "パスワードを読み、--auth-file の行を作って終了します。",
        "Read a password and print a line for --auth-file.",
    ),
)
@common_options
def command(call: Call, *, hash_password: bool, **given: Any) -> int:
    """Serve until interrupted."""
    if hash_password:
        return _hash(call)
    from ui.web import require_gradio

    require_gradio()
    from ui.web.server import Options, serve

    root = given.pop("root_path").rstrip("/")
    options = Options(**given, root_path=f"/{root.lstrip('/')}" if root else "")
    assistant = call.assistant()
    address = f"http://{options.host}:{options.port}{options.root_path}/"
    call.console.note(Text(f"{address} で待ち受けます(Ctrl+C で終了)。", f"Serving at {address}"))
    serve(assistant, options)
    return 0


def _hash(call: Call) -> int:
    from ui.web.auth import hash_password

    if sys.stdin.isatty():
        name = click.prompt(str(Text("利用者名", "User")), err=True)
        password = click.prompt(str(Text("パスワード", "Password")), hide_input=True, err=True)
    else:
        name, _, password = sys.stdin.readline().rstrip("\n").partition(":")
    if not name or not password:
        raise Misuse(
            Text(
                "標準入力には「名前:パスワード」を 1 行で渡してください。",
                "Pass one line name:password on standard input.",
            )
        )
    call.console.write(f"{name}:{hash_password(password)}\n")
    return 0
