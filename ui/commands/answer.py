"""`ask "…"`: one question, one answer."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.deliver import Request, Style, deliver, show_answer
from ui.diff import past_answer, show_difference
from ui.failures import ABSTAINED, Deadline, Misuse
from ui.language import Text, as_language, language_of, speak
from ui.question import read_question
from ui.terminal import is_tty

if TYPE_CHECKING:
    from assistant.app import Assistant

_TEXT = Text(
    "質問に答えます。標準入力があれば質問の前に読みます。",
    "Answer a question. Standard input, if any, is read before the question.",
)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a question."""

    words: tuple[str, ...]
    continued: bool
    thread: str | None
    as_json: bool
    as_events: bool
    model: str | None
    timeout: float | None
    files: tuple[str, ...]
    no_stream: bool
    no_log: bool
    fail_on_abstain: bool
    answer_id: str | None
    compared_id: str | None
    version: bool


@define_command("ask", _TEXT)
@click.argument("words", nargs=-1, metavar='"質問"')
@option(
    "-c",
    "--continue",
    "continued",
    is_flag=True,
    text=Text("いちばん最近の会話を続けます。", "Continue the most recent conversation."),
)
@option(
    "--thread",
    metavar="ID",
    text=Text(
        "指定した会話を続けます(なければ始めます)。", "Continue (or start) this conversation."
    ),
)
@option(
    "--json",
    "as_json",
    is_flag=True,
    text=Text("回答を JSON で出力します。", "Print the answer as one JSON object."),
)
@option(
    "--jsonl",
    "as_events",
    is_flag=True,
    text=Text(
        "手順と回答を 1 行 1 イベントの JSON で出力します。", "Print events as JSON, one a line."
    ),
)
@option(
    "--model",
    metavar="MODEL",
    text=Text(
        "使うモデル(例: bedrock_converse:MODEL_ID)。既定は内蔵の planner。",
        "Model, for example bedrock_converse:MODEL_ID. Default: the built-in planner.",
    ),
)
@option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    text=Text(
        "質問の前に読むテキストファイル(何度でも)。", "Text file to read before the question."
    ),
)
@option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    text=Text("回答を待つ秒数。過ぎると終了コード 7。", "Seconds to wait; then exit code 7."),
)
@option(
    "--no-stream",
    is_flag=True,
    text=Text(
        "途中経過を出さず、できあがった回答を表示します。", "Show the answer only when complete."
    ),
)
@option(
    "-n",
    "--no-log",
    is_flag=True,
    text=Text("この質問を履歴に残しません。", "Do not keep this question in the log."),
)
@option(
    "--fail-on-abstain",
    is_flag=True,
    text=Text("答えられないとき終了コード 10 にします。", "Exit with 10 if there is no answer."),
)
@option(
    "--show",
    "answer_id",
    metavar="ANSWER_ID",
    text=Text("過去の回答をもう一度表示します。", "Show a past answer again."),
)
@option(
    "--diff",
    "compared_id",
    metavar="ANSWER_ID",
    text=Text(
        "過去の回答のツールをいま実行し直し、変わった値を表示します。",
        "Run the tools of a past answer again and show what changed.",
    ),
)
@option(
    "--version",
    is_flag=True,
    text=Text(
        "バージョンとデータの日付を表示します。", "Show the version and the dates of the data."
    ),
)
@common_options
def command(call: Call, **given: Any) -> int:
    """Answer one question."""
    options = Options(**given)
    if options.version:
        from ui.version import version_line

        call.console.write(version_line(call.assistant()) + "\n")
        return 0
    if options.answer_id:
        return _show_past(call, options.answer_id, as_json=options.as_json)
    if options.compared_id:
        return show_difference(call, options.compared_id, as_json=options.as_json)
    question = read_question(options.words, options.files, call.console)
    if not question:
        return _without_question(call, options)
    return _answer(call, options, question)


def _answer(call: Call, options: Options, question: str) -> int:
    chosen = as_language(call.overrides["lang"] or "")
    call.console.step(Text("準備しています…", "Getting ready…"))
    speak(chosen or language_of(question))
    assistant = call.assistant(
        model=options.model,
        timeout=str(options.timeout) if options.timeout else None,
        log="off" if options.no_log else None,
    )
    request = Request(question, _thread(assistant, options), chosen)
    with deadline(options.timeout):
        answer = deliver(call.console, assistant, request, style=_style(call, options))
    return ABSTAINED if answer.abstained and options.fail_on_abstain else 0


def _style(call: Call, options: Options) -> Style:
    if options.as_events:
        return "events"
    if options.as_json:
        return "json"
    return "text" if options.no_stream or not call.console.out.cursor else "stream"


def _thread(assistant: Assistant, options: Options) -> str | None:
    if options.thread or not options.continued:
        return options.thread
    latest = assistant.threads.latest()
    if latest is None:
        raise Misuse(
            Text("続ける会話がまだありません。", "There is no conversation to continue yet.")
        )
    return latest


def _without_question(call: Call, options: Options) -> int:
    if is_tty(sys.stdin) and call.console.out.laid_out and not options.as_json:
        from ui.commands.chat import converse

        return converse(call, options.thread)
    raise Misuse(
        Text(
            '質問がありません。例: ask "G5とG4dnの違いは?"(説明: ask --help)',
            'No question given. Example: ask "What is the difference between G5 and G4dn?" '
            "(help: ask --help)",
        )
    )


def _show_past(call: Call, answer_id: str, *, as_json: bool) -> int:
    answer = past_answer(call.assistant(), answer_id)
    show_answer(call.console, answer, as_json=as_json)
    return 0


@contextmanager
def deadline(seconds: float | None) -> Generator[None]:
    """Raise Deadline when the time is up. Systems without interval timers have no limit here."""
    if not seconds or not hasattr(signal, "setitimer"):
        yield
        return

    def expire(*_: object) -> None:
        raise Deadline

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
