"""`ask feedback`: what users of the web page and of Slack thought of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ui.call import Call, output_options
from ui.command import define_command, define_group, option
from ui.language import Text
from ui.width import fit

if TYPE_CHECKING:
    from assistant.feedback import Feedback

_MARKS = {"up": "👍", "down": "👎"}


@define_group("feedback", Text("回答への評価を見ます。", "See the votes on answers."))
def command() -> None:
    """Group the commands about votes."""


@define_command(
    "list",
    Text(
        "新しい評価を表示します。回答は ask --show 番号 で見られます。",
        "List recent votes. See an answer again with ask --show ID.",
    ),
)
@option(
    "-n",
    "--number",
    type=click.IntRange(min=1),
    default=20,
    metavar="N",
    text=Text("表示する件数(既定 20)。", "How many (default 20)."),
)
@option("--down", is_flag=True, text=Text("低い評価だけを表示します。", "Show only 👎."))
@output_options
def list_votes(call: Call, *, number: int, down: bool) -> int:
    """Print a line a vote, newest last."""
    assistant = call.assistant()
    votes = [vote for vote in assistant.votes.list() if vote.vote == "down" or not down]
    if not votes:
        call.console.note(Text("評価はまだありません。", "There are no votes yet."))
    room = call.console.out.width if call.console.out.laid_out else 200
    for vote in votes[-number:]:
        answer = assistant.history.get(vote.answer_id)
        call.console.write(f"{fit(_line(vote, answer.question if answer else ''), room)}\n")
    return 0


@define_command(
    "export",
    Text(
        "すべての評価を、質問と回答を添えて 1 行 1 件の JSON で出力します。",
        "Print all votes with question and answer as JSON, one a line.",
    ),
)
@output_options
def export(call: Call) -> int:
    """Print every vote with its answer."""
    import json

    assistant = call.assistant()
    for vote in assistant.votes.list():
        answer = assistant.history.get(vote.answer_id)
        row = vote.model_dump(mode="json")
        row |= {"question": answer.question, "answer": answer.answer} if answer else {}
        call.console.write(json.dumps(row, ensure_ascii=False) + "\n")
    return 0


def _line(vote: Feedback, question: str) -> str:
    reason = f"「{' '.join(vote.reason.split())}」 " if vote.reason else ""
    asked = " ".join(question.split())
    return f"{_MARKS[vote.vote]} {vote.at:%Y-%m-%d} {vote.answer_id}  {reason}{asked}"


command.add_command(list_votes)
command.add_command(export)
