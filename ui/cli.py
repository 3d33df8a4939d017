"""The command line `ask`: whatever is not the name of a command is a question.

Commands are modules of `ui.commands`, imported when they are named; other packages add commands
through the entry point group `ask.commands`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

import click

from ui.command import HELP_NAMES, AskGroup, Lazy
from ui.failures import INTERRUPTED, Deadline, failure_of, show
from ui.language import Text, chosen_language, speak
from ui.terminal import force_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ui.call import Session

COMPLETION_VARIABLE = "_ASK_COMPLETE"
COMMANDS = {
    "chat": Lazy(
        "ui.commands.chat", Text("続けて質問できる対話を始めます。", "Start a conversation.")
    ),
    "batch": Lazy(
        "ui.commands.batch",
        Text("JSONL の質問にまとめて回答します。", "Answer the questions of a JSONL file."),
    ),
    "spec": Lazy(
        "ui.commands.spec",
        Text(
            "インスタンスの仕様と料金: show, compare, find",
            "Instance specs and prices: show, compare, find",
        ),
    ),
    "cost": Lazy(
        "ui.commands.cost",
        Text("料金の見積もり: estimate, report", "Cost estimates: estimate, report"),
    ),
    "web": Lazy(
        "ui.commands.web",
        Text("ブラウザーの画面を開きます。", "Serve the page for browsers."),
    ),
    "size": Lazy(
        "ui.commands.size",
        Text(
            "モデルの見積もり: train, infer, diagnose",
            "Sizing of models: train, infer, diagnose",
        ),
    ),
    "generate": Lazy(
        "ui.commands.generate",
        Text("学習や推論のコード一式を作る", "Generate code for training and serving"),
    ),
    "catalog": Lazy(
        "ui.commands.catalog",
        Text("仕様と料金のデータ: show, refresh", "The data behind it: show, refresh"),
    ),
    "knowledge": Lazy(
        "ui.commands.knowledge",
        Text(
            "手元の文書を回答に使う: ingest, search, list, remove, rebuild",
            "Answer from your documents: ingest, search, list, remove, rebuild",
        ),
    ),
    "slack": Lazy(
        "ui.commands.slack", Text("Slack のボットとして答えます。", "Answer as a Slack bot.")
    ),
    "models": Lazy(
        "ui.commands.models",
        Text("使うモデルを確かめます。", "Check the models that answer."),
    ),
    "mcp": Lazy(
        "ui.commands.mcp",
        Text("MCP サーバーとして動きます。", "Serve other programs as an MCP server."),
    ),
    "config": Lazy("ui.commands.config", Text("設定を表示します。", "Show the settings.")),
    "log": Lazy("ui.commands.log", Text("これまでの質問を表示します。", "List past questions.")),
    "feedback": Lazy(
        "ui.commands.feedback",
        Text(
            "評価と答えられなかった質問: list, export, draft",
            "Votes and unanswered questions: list, export, draft",
        ),
    ),
    "artifacts": Lazy(
        "ui.commands.artifacts",
        Text("生成したファイルの一覧を表示します。", "List generated files."),
    ),
    "completion": Lazy(
        "ui.commands.completion",
        Text("シェル補完のスクリプトを出力します。", "Print a shell completion script."),
    ),
}
# Importing the framework makes 10^5 objects that stay; looking through them every 700 costs 0.1 s.
_OBJECTS_PER_COLLECTION = 100_000
_EXAMPLES = (
    ('ask "G5とG4dnの違いは?"', Text("質問する", "ask a question")),
    ('ask -c "料金は?"', Text("前の会話を続ける", "continue the last conversation")),
    ('cat error.log | ask "原因は?"', Text("ファイルやログについて聞く", "ask about a log")),
    ("ask spec compare g5 g6", Text("仕様を並べて見る", "compare specs")),
)


@click.command(
    cls=AskGroup,
    name="ask",
    lazy=COMMANDS,
    default=Lazy("ui.commands.answer", Text("質問に答えます。", "Answer a question.")),
    text=Text(
        "AWS の機械学習向けインスタンス(EC2 の C・P・G 系)について、出典つきで答えます。",
        "Answers questions about AWS machine-learning instances (EC2 C, P and G), with sources.",
    ),
    examples=_EXAMPLES,
    invoke_without_command=True,
    context_settings=HELP_NAMES,
)
@click.pass_context
def ask(context: click.Context) -> int | None:
    """Answer, when `ask` is called without anything."""
    if context.invoked_subcommand is None and isinstance(context.command, AskGroup):
        return context.invoke(context.command.default_command())
    return None


def run(argv: Sequence[str], session: Session | None = None) -> int:
    """Run one command line and return its exit code."""
    speak(chosen_language(argv) or "ja")
    as_json = wants_json(argv)
    try:
        code = _invoke(argv, session)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _reader_left()
    except (Exception, KeyboardInterrupt, Deadline) as error:
        return _report(error, as_json=as_json)


def _invoke(argv: Sequence[str], session: Session | None) -> int:
    # Not Group.main: it turns a reader that left into exit code 1.
    try:
        with ask.make_context("ask", list(argv), obj=session) as context:
            return ask.invoke(context) or 0
    except click.exceptions.Exit as finished:
        return finished.exit_code


def wants_json(argv: Sequence[str]) -> bool:
    """Return whether the caller reads JSON, even if the rest cannot be parsed."""
    before_end = argv[: argv.index("--")] if "--" in argv else argv
    return "--json" in before_end or "--jsonl" in before_end


def main(session: Session | None = None) -> None:
    """Run the program `ask`."""
    gc.set_threshold(_OBJECTS_PER_COLLECTION, 20, 20)
    force_utf8()
    if COMPLETION_VARIABLE in os.environ:
        ask.main(prog_name="ask", complete_var=COMPLETION_VARIABLE, obj=session)
    code = run(sys.argv[1:], session)
    if code in (7, INTERRUPTED):
        # A worker thread may still wait for a reply; leaving must not.
        _flush_all()
        os._exit(code)
    gc.freeze()  # the interpreter would search everything once more before it ends: 0.3 s
    sys.exit(code)


def _report(error: BaseException, *, as_json: bool) -> int:
    failure = failure_of(error)
    try:
        show(failure, as_json=as_json)
    except BrokenPipeError:
        return _reader_left()
    return failure.exit_code


def _reader_left() -> int:
    """End quietly: the reader of the pipe has what it wanted (`ask … | head -1`)."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    return 0


def _flush_all() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
