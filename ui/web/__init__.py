"""`ask web`: the chat page and the workbench, in a browser.

    server    FastAPI application: page in Japanese at /, in English at /en, health at /healthz
    page      one Gradio Blocks per language: header, chat, tabs
    chat      the conversation: what a browser asks for and what it gets back
    turns     one question, streamed and stoppable
    session   what belongs to one browser tab: documents, files; removed when it closes
    view, html, charts   answers as HTML; every piece of text is escaped where it is written
    tabs/     compare, cost, sizing, code, knowledge: forms over `Assistant.run_tool`

Gradio is imported when the server starts, never by `import ui.web`.
"""

from __future__ import annotations


def require_gradio() -> None:
    """Raise NotConfiguredError with the command that installs what is missing."""
    from importlib.util import find_spec

    from assistant.errors import NotConfiguredError

    missing = [name for name in ("gradio", "altair", "vl_convert") if find_spec(name) is None]
    if missing:
        raise NotConfiguredError(
            f"ask web には追加パッケージが必要です({', '.join(missing)})。"
            "pip install 'ask-ec2-ml[web]' で入ります。",
            f"ask web needs an extra ({', '.join(missing)}): pip install 'ask-ec2-ml[web]'",
        )
