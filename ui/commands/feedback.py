"""`ask feedback`: votes on answers, answers that abstained, and drafts made from either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ui.call import Call, output_options
from ui.command import define_command, define_group, option
from ui.language import Text, spoken
from ui.width import fit

if TYPE_CHECKING:
    from assistant.answer import Answer
    from assistant.app import Assistant
    from assistant.feedback_queue import Item

_MARKS = {"up": "👍", "down": "👎"}
_ABSTAINED = "—"
_REASONS = {
    "out_of_scope": Text("対象外", "out of scope"),
    "not_found": Text("見つからない", "not found"),
    "not_covered": Text("データなし", "not covered"),
    "unclear": Text("質問が不明", "unclear"),
    "empty": Text("空の質問", "empty"),
    "too_long": Text("長すぎる", "too long"),
    "unsupported_figure": Text("裏付けのない数字", "unsupported figure"),
}


@define_group(
    "feedback",
    Text(
        "回答への評価と、答えられなかった質問を見ます。",
        "See the votes on answers, and what could not be answered.",
    ),
)
def command() -> None:
    """Group the commands about what can be learnt from."""


@define_command(
    "list",
    Text(
        "新しい評価(👍 👎)と、答えられなかった質問(—)を表示します。\n"
        "回答は ask --show 番号 で見られます。",
        "List recent votes (👍 👎) and questions that were not answered (—).\n"
        "See an answer again with ask --show ID.",
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
@option(
    "--abstained",
    is_flag=True,
    text=Text("答えられなかった質問だけを表示します。", "Show only what was not answered."),
)
@output_options
def list_items(call: Call, *, number: int, down: bool, abstained: bool) -> int:
    """Print a line an item, newest last."""
    from assistant.feedback_queue import queue

    assistant = call.assistant()
    asked = {name for name, given in (("down", down), (_ABSTAINED, abstained)) if given}
    chosen = asked or {*_MARKS, _ABSTAINED}
    items = [item for item in queue(assistant.votes, assistant.history) if _kind(item) in chosen]
    if not items:
        call.console.note(Text("該当するものはまだありません。", "There is nothing yet."))
    room = call.console.out.width if call.console.out.laid_out else 200
    for item in items[-number:]:
        line = _line(item, assistant.history.get(item.answer_id))
        call.console.write(f"{fit(line, room)}\n")
    return 0


@define_command(
    "export",
    Text(
        "すべての評価と答えられなかった質問を、回答を添えて 1 行 1 件の JSON で出力します。",
        "Print all votes and unanswered questions with the answer as JSON, one a line.",
    ),
)
@output_options
def export(call: Call) -> int:
    """Print every item with its answer."""
    from assistant.feedback_queue import export_row, queue

    assistant = call.assistant()
    for item in queue(assistant.votes, assistant.history):
        row = export_row(item, assistant.history.get(item.answer_id))
        call.console.write(json.dumps(row, ensure_ascii=False) + "\n")
    return 0


@define_command(
    "draft",
    Text(
        "回答から、評価用の問題(case.jsonl)と用語集の項目(entry.md)の下書きを作ります。\n"
        "entry.md は、答えられなかった質問と用語の質問のときだけ作ります。",
        "Draft an eval case (case.jsonl) and a glossary entry (entry.md) from an answer.\n"
        "entry.md is made for questions that were not answered and for concepts.",
    ),
    examples=(
        (
            "ask feedback draft 3f2a9c1b7d40 -o draft/",
            Text("番号は ask feedback list に", "IDs: ask feedback list"),
        ),
    ),
)
@click.argument("answer_id", metavar="ID")
@option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    text=Text("書き出すフォルダー(既定 draft-ID)。", "Folder to write to (default draft-ID)."),
)
@option(
    "--force", is_flag=True, text=Text("同じ名前のファイルを上書きします。", "Overwrite files.")
)
@output_options
def draft(call: Call, *, answer_id: str, folder: Path | None, force: bool) -> int:
    """Write the drafts and print their paths."""
    from assistant.artifacts import save_texts
    from assistant.errors import UsageError

    assistant = call.assistant()
    answer = assistant.history.get(answer_id)
    if answer is None:
        raise UsageError(
            f"回答 {answer_id} は履歴にありません(一覧: ask feedback list、ask log)。",
            f"There is no answer {answer_id} (see ask feedback list and ask log).",
        )
    files = _drafts(assistant, answer)
    for path in save_texts(files, folder or Path(f"draft-{answer_id}"), force=force):
        call.console.write(f"{path}\n")
    call.console.note(
        Text(
            "下書きです。値を一次情報で確かめ、空欄を埋めてから使ってください。",
            "These are drafts: check the values against primary sources and fill the blanks.",
        )
    )
    return 0


def _drafts(assistant: Assistant, answer: Answer) -> dict[str, str]:
    from assistant.drafts import case_draft, entry_draft, wants_entry

    votes = [vote for vote in assistant.votes.list() if vote.answer_id == answer.answer_id]
    case = case_draft(answer, assistant.questions(answer), votes, spoken())
    files = {"case.jsonl": json.dumps(case, ensure_ascii=False) + "\n"}
    if wants_entry(answer):
        files["entry.md"] = entry_draft(answer, spoken())
    return files


def _kind(item: Item) -> str:
    return item.vote.vote if item.vote else _ABSTAINED


def _line(item: Item, answer: Answer | None) -> str:
    said = [f"「{' '.join(item.vote.reason.split())}」"] if item.vote and item.vote.reason else []
    if answer and answer.abstained:
        said.append(f"({_REASONS[answer.reason or 'unclear']})")
    asked = " ".join(answer.question.split()) if answer else ""
    mark = _MARKS[item.vote.vote] if item.vote else f"{_ABSTAINED} "
    day = f"{item.at:%Y-%m-%d}" if item.at else " " * 10
    return f"{mark} {day} {item.answer_id}  {' '.join([*said, asked])}"


command.add_command(list_items)
command.add_command(export)
command.add_command(draft)
