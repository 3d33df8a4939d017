"""`ask artifacts`: the files that were made for answers, and links to those in S3."""

from __future__ import annotations

import click

from ui.call import Call, output_options
from ui.command import define_command, option
from ui.language import Text


@define_command(
    "artifacts",
    Text(
        "質問に答えて作ったファイルの一覧を表示します(新しいものが最後)。",
        "List the files that were made for questions, newest last.",
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
@option(
    "--links",
    is_flag=True,
    text=Text(
        "S3 のファイルを、1 時間だけ誰でも開ける URL で表示します。",
        "Show files in S3 as addresses that anybody can open for an hour.",
    ),
)
@option("--json", "as_json", is_flag=True, text=Text("JSON で出力します。", "Print JSON."))
@output_options
def command(call: Call, *, number: int, links: bool, as_json: bool) -> int:
    """Print a line a file."""
    from assistant.artifact_store import is_remote, link

    made = call.assistant().artifacts.list(number)
    if links:
        made = [
            item.model_copy(update={"path": link(item.path)}) if is_remote(item.path) else item
            for item in made
        ]
    if as_json:
        call.console.json([item.model_dump(mode="json") for item in made])
        return 0
    if not made:
        call.console.note(Text("作ったファイルはまだありません。", "No files were made yet."))
    for item in made:
        call.console.write(f"{item.at:%Y-%m-%d} {item.answer_id}  {item.path}\n")
    return 0
