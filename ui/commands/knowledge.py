"""`ask knowledge`: the user's own documents, which answers quote beside the glossary."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ui.call import Call, output_options
from ui.command import define_command, define_group, option
from ui.language import Text, spoken
from ui.width import fit

if TYPE_CHECKING:
    from knowledge.ingest.report import Report
    from tools.glossary import Passage

NOTHING_TAKEN = 2
_EXCERPT = 160
"""Columns of a passage in the list of what was found."""
_JSON = option("--json", "as_json", is_flag=True, text=Text("JSON で出力します。", "Print JSON."))


@define_group("knowledge", Text("手元の文書を回答に使います。", "Use your documents in answers."))
def command() -> None:
    """Group the commands about documents."""


@define_command(
    "ingest",
    Text(
        "文書を取り込みます。フォルダーと S3 は中の文書すべてが対象です。\n"
        "もう一度実行すると、変わった文書だけを取り込み、消えた文書を外します。",
        "Take in documents: files, folders, S3 prefixes.\n"
        "Run again, it takes in what changed and drops what has gone.",
    ),
    examples=(
        ("ask knowledge ingest docs/", Text("フォルダーの文書すべて", "a folder")),
        ("ask knowledge ingest s3://bucket/manuals/", Text("S3 の文書", "documents in S3")),
        ("ask knowledge ingest a.pdf --title 運用手順", Text("題名を付ける", "with a title")),
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@option(
    "--title",
    metavar="TITLE",
    text=Text(
        "題名(1 つの文書だけ)。既定は最初の見出しかファイル名。",
        "Title of a single document. Default: its first heading or its file name.",
    ),
)
@output_options
def ingest(call: Call, *, paths: tuple[str, ...], title: str | None) -> int:
    """Take in documents and say what became of each."""

    def progress(done: int, total: int, uri: str) -> None:
        if done < total:
            call.console.step(Text(f"取り込み中 {done + 1}/{total}: {uri}", f"Reading {uri}"))
        else:
            call.console.step(Text("索引を保存しました", "Index written"))

    report = call.assistant().ingest(paths, title, progress)
    for line in report.of("skipped"):
        call.console.note(f"{line.uri}: {line.message(spoken())}")
    call.console.write(f"{_summary(report)}\n")
    return 0 if len(report.of("skipped")) < len(report.lines) else NOTHING_TAKEN


def _summary(report: Report) -> Text:
    if not report.lines:
        return Text("文書が見つかりません。", "There are no documents.")
    added, updated = report.count("added"), report.count("updated")
    same, gone, skipped = (report.count(it) for it in ("unchanged", "removed", "skipped"))
    return Text(
        f"追加 {added} 件、更新 {updated} 件、変更なし {same} 件、削除 {gone} 件、"
        f"取り込めず {skipped} 件(新しい段落 {report.chunks} 個)。",
        f"{added} added, {updated} updated, {same} unchanged, {gone} removed, "
        f"{skipped} skipped ({report.chunks} new passages).",
    )


@define_command(
    "search",
    Text(
        "用語集と取り込んだ文書から、回答の根拠になる段落を探します。",
        "Find the passages that an answer would be written from.",
    ),
    examples=(("ask knowledge search チェックポイント", Text("段落を探す", "find passages")),),
)
@click.argument("query")
@option(
    "--limit",
    type=click.IntRange(min=1, max=10),
    default=5,
    metavar="N",
    text=Text("表示する件数(1〜10、既定 5)。", "How many (1 to 10, default 5)."),
)
@_JSON
@output_options
def search(call: Call, *, query: str, limit: int, as_json: bool) -> int:
    """Print passages, best first."""
    result = call.assistant().knowledge_search(query, limit)
    if as_json:
        call.console.write(result.model_dump_json(indent=2) + "\n")
        return 0
    if not result.passages:
        call.console.note(Text("見つかりませんでした。", "Nothing was found."))
    elif result.is_weak:
        call.console.note(
            Text(
                "回答の根拠にできるほど確かな段落はありません。近いもの:",
                "No passage is good enough to answer from. The nearest:",
            )
        )
    call.console.write("".join(_entry(n, p) for n, p in enumerate(result.passages, 1)))
    return 0


def _entry(number: int, passage: Passage) -> str:
    kind = Text("用語集", "glossary") if passage.is_glossary else Text("文書", "document")
    inside = passage.section.startswith(passage.title)  # the title is a document's first heading
    place = (
        passage.section if inside else " > ".join(filter(None, (passage.title, passage.section)))
    )
    head = f"{number}. {place} [{kind}]\n"
    address = f"   {passage.url}\n" if passage.url else ""
    return f"{head}   {fit(' '.join(passage.quote.split()), _EXCERPT)}\n{address}"


@define_command("list", Text("取り込んだ文書を表示します。", "List the documents taken in."))
@_JSON
@output_options
def list_documents(call: Call, *, as_json: bool) -> int:
    """Print the documents."""
    documents = call.assistant().knowledge_list()
    if as_json:
        call.console.json([asdict(document) for document in documents])
        return 0
    if not documents:
        call.console.note(
            Text(
                "取り込んだ文書はまだありません。ask knowledge ingest で追加できます。",
                "No documents yet. Add some with ask knowledge ingest.",
            )
        )
    for item in documents:
        size = Text(f"{item.chunks} 段落", f"{item.chunks} passages")
        call.console.write(f"{item.title}  ({size}, {item.ingested[:10]})\n   {item.uri}\n")
    return 0


@define_command(
    "remove",
    Text(
        "文書を取り除きます。題名、パス、ID のどれでも指定できます(元のファイルは残ります)。",
        "Remove documents, by title, path or id. The files themselves stay.",
    ),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@output_options
def remove(call: Call, *, names: tuple[str, ...]) -> int:
    """Remove documents."""
    for document in call.assistant().knowledge_remove(names):
        title = document.title
        call.console.write(f"{Text(f'取り除きました: {title}', f'Removed: {title}')}\n")
    return 0


@define_command(
    "rebuild",
    Text(
        "索引を作り直します。ASK_EMBEDDER を変えた後に実行してください。",
        "Index everything anew: run it after a change of ASK_EMBEDDER.",
    ),
)
@output_options
def rebuild(call: Call) -> int:
    """Index all documents anew."""
    call.console.step(Text("索引を作り直しています", "Indexing"))
    count = call.assistant().knowledge_rebuild()
    done = Text(f"{count} 段落の索引を作り直しました。", f"Indexed {count} passages anew.")
    call.console.write(f"{done}\n")
    return 0


for _member in (ingest, search, list_documents, remove, rebuild):
    command.add_command(_member)
