"""`ask log`: past questions, newest last; `ask --show ID` shows an answer again."""

from __future__ import annotations

import click

from ui.call import Call, output_options
from ui.command import define_command, option
from ui.language import Text
from ui.width import fit, text_width


@define_command(
    "log",
    Text(
        "これまでの質問を表示します。回答は ask --show 番号 で見られます。",
        "List past questions. See an answer again with ask --show ID.",
    ),
)
@option(
    "-n",
    "--number",
    type=click.IntRange(min=1),
    default=10,
    metavar="N",
    text=Text("表示する件数(既定 10)。", "How many (default 10)."),
)
@option(
    "--json",
    "as_json",
    is_flag=True,
    text=Text(
        "回答全体を 1 行 1 件の JSON で出力します。", "Print whole answers as JSON, one a line."
    ),
)
@output_options
def command(call: Call, *, number: int, as_json: bool) -> int:
    """List the last questions."""
    answers = call.assistant().history.list(number)
    if as_json:
        call.console.write("".join(f"{answer.model_dump_json()}\n" for answer in answers))
        return 0
    if not answers:
        call.console.note(Text("履歴はまだありません。", "The log is empty."))
    room = call.console.out.width if call.console.out.laid_out else 200
    for answer in answers:
        question = " ".join(answer.question.split())
        left = f"{answer.answer_id}  "
        call.console.write(f"{left}{fit(question, room - text_width(left))}\n")
    return 0
