"""`ask mcp`: the tools for other programs, over stdio or HTTP."""

from __future__ import annotations

import click

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.language import Text


@define_command(
    "mcp",
    Text(
        "MCP サーバーとして、ツールと用語集をほかのプログラムに提供します。\n"
        "既定は標準入出力(Claude Desktop などが起動します)。--http で HTTP。",
        "Offer tools and glossary to other programs as an MCP server: over stdin and stdout\n"
        "(started by Claude Desktop and others), or over HTTP with --http.",
    ),
    examples=(
        ("ask mcp", Text("標準入出力", "stdin and stdout")),
        (
            "ask mcp --http --port 8765",
            Text("この PC の中だけに HTTP で", "HTTP, this machine only"),
        ),
        (
            "ASK_MCP_TOKEN=… ask mcp --http --host 0.0.0.0",
            Text("トークンつきで公開", "for others, with a token"),
        ),
    ),
)
@option(
    "--http",
    is_flag=True,
    text=Text("HTTP(Streamable HTTP)で待ち受けます。", "Serve streamable HTTP."),
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
    default=8765,
    metavar="PORT",
    text=Text("ポート(既定 8765)。", "Port (8765)."),
)
@option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    text=Text(
        "リバースプロキシでの公開名(何度でも)。", "Name behind a reverse proxy (repeatable)."
    ),
)
@option(
    "--concurrency",
    type=click.IntRange(min=1, max=256),
    default=8,
    metavar="N",
    text=Text("同時に実行する呼び出しの数(既定 8)。", "Calls run at the same time (8)."),
)
@option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    default=60.0,
    metavar="SECONDS",
    text=Text("1 回の呼び出しの制限時間(既定 60 秒)。", "Time limit of a call (60 seconds)."),
)
@common_options
def command(
    call: Call,
    *,
    http: bool,
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    concurrency: int,
    timeout: float,
) -> int:
    """Serve until the client leaves, or until interrupted."""
    from ui.mcp import require_mcp

    require_mcp()
    from ui.mcp.serve import MCP_PATH, Options, run_http, run_stdio
    from ui.mcp.tools import Limits

    assistant = call.assistant()
    limits = Limits(concurrency=concurrency, timeout_seconds=timeout)
    if not http:
        run_stdio(assistant, limits)
        return 0
    options = Options(host=host, port=port, allowed_hosts=allowed_hosts, limits=limits)
    address = f"http://{host}:{port}{MCP_PATH}"
    call.console.note(Text(f"{address} で待ち受けます(Ctrl+C で終了)。", f"Serving at {address}"))
    run_http(assistant, options)
    return 0
