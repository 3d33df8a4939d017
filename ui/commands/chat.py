"""`ask chat`: a conversation. Ctrl-C cancels the answer, Ctrl-D or /exit leaves."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.deliver import Request, deliver
from ui.failures import INTERRUPTED, Misuse, failure_of, show
from ui.language import Text, as_language, language_of, speak
from ui.terminal import clean_text, is_tty

if TYPE_CHECKING:
    from assistant.app import Assistant

_PROMPT = "ask> "
_HELP = Text(
    "/new  新しい会話を始める\n/exit 終わる(Ctrl-D でも)\n/help この説明\n"
    "回答中の Ctrl-C は回答を取り消します。",
    "/new  start a new conversation\n/exit leave (or Ctrl-D)\n/help this help\n"
    "Ctrl-C during an answer cancels it.",
)
_HISTORY_LINES = 1000


@define_command("chat", Text("続けて質問できる対話を始めます。", "Start a conversation."))
@option(
    "-c",
    "--continue",
    "continued",
    is_flag=True,
    text=Text("いちばん最近の会話から始めます。", "Begin with the most recent conversation."),
)
@option(
    "--thread", metavar="ID", text=Text("指定した会話を続けます。", "Continue this conversation.")
)
@option("--model", metavar="MODEL", text=Text("使うモデル。", "Model to use."))
@common_options
def command(call: Call, *, continued: bool, thread: str | None, model: str | None) -> int:
    """Converse until the end of input."""
    call.overrides["model"] = model
    if continued and not thread:
        thread = call.assistant().threads.latest()
        if thread is None:
            raise Misuse(
                Text("続ける会話がまだありません。", "There is no conversation to continue yet.")
            )
    return converse(call, thread)


def converse(call: Call, thread: str | None) -> int:
    """Answer lines of input until it ends, each in the same conversation."""
    assistant = call.assistant()
    interactive = is_tty(sys.stdin)
    chosen = as_language(call.overrides["lang"] or "")
    history = _load_history(call.settings().data_dir / "chat_history") if interactive else None
    if interactive:
        call.console.note(Text("質問をどうぞ(/help で使い方)。", "Ask away (/help for help)."))
    while (line := _next_line(call, interactive=interactive)) is not None:
        if line.startswith("/"):
            if line in ("/exit", "/quit"):
                break
            thread = _obey(call, line, thread)
        elif line:
            speak(chosen or language_of(line))
            thread = _answer(call, assistant, Request(line, thread, chosen))
    if history:
        _save_history(history)
    return 0


def _next_line(call: Call, *, interactive: bool) -> str | None:
    """Return the next line, empty if it was cancelled; None at the end of input."""
    try:
        if interactive:
            return clean_text(input(_PROMPT)).strip()
        line = sys.stdin.readline()
        return clean_text(line).strip() if line else None
    except EOFError:
        call.console.write("\n")
        return None
    except KeyboardInterrupt:
        call.console.write("\n")
        return "" if interactive else None


def _obey(call: Call, line: str, thread: str | None) -> str | None:
    """Do what a slash command says and return the thread to go on with."""
    if line == "/new":
        call.console.note(Text("新しい会話を始めます。", "A new conversation."))
        return None
    if line != "/help":
        call.console.note(Text(f"{line} という命令はありません。", f"There is no command {line}."))
    call.console.note(_HELP)
    return thread


def _answer(call: Call, assistant: Assistant, request: Request) -> str | None:
    """Answer one line; a failure is shown and the conversation goes on."""
    try:
        style = "stream" if call.console.out.cursor else "text"
        return deliver(call.console, assistant, request, style=style).thread_id
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        failure = failure_of(error)
        call.console.clear_step()
        if failure.exit_code == INTERRUPTED:
            call.console.write("\n")
        show(failure, as_json=False)
        return request.thread_id


def _load_history(path: Path) -> Path | None:
    """Give the prompt its history of earlier sessions; None where there is no readline."""
    try:
        import readline
    except ImportError:
        return None
    with suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(_HISTORY_LINES)
    return path


def _save_history(path: Path) -> None:
    import readline

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(path)
        path.chmod(0o600)
