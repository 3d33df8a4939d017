"""`ask mcp`: tools, glossary and catalogue for other programs (Model Context Protocol).

    server     the MCP server: which handler serves which request
    tools      listing and calling tools: limits, typed errors, short text beside typed content
    compact    tool results without what a caller can ask for separately, and their schemas
    resources  glossary entries and instance types by address
    prompts    prepared questions for common tasks
    serve      stdio, and streamable HTTP with token, limits and health check

The SDK is imported when the server starts, never by `import ui.mcp`.
"""

from __future__ import annotations


def require_mcp() -> None:
    """Raise NotConfiguredError with the command that installs what is missing."""
    from importlib.util import find_spec

    from assistant.errors import NotConfiguredError

    if find_spec("mcp") is None:
        raise NotConfiguredError(
            "ask mcp には追加パッケージが必要です。pip install 'ask-ec2-ml[mcp]' で入ります。",
            "ask mcp needs an extra: pip install 'ask-ec2-ml[mcp]'",
        )
