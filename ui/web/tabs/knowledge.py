"""ナレッジ: documents of one browser tab: take in, list, remove; search with the glossary."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ui.web.chat import session_of
from ui.web.html import esc, link, render_html, scroller
from ui.web.tabs.bench import PRIVATE, SKIP, Bench
from ui.web.turns import report

if TYPE_CHECKING:
    from assistant.results import Document, Report

TYPES = [".md", ".txt", ".rst", ".log", ".html", ".pdf", ".docx", ".ipynb", ".csv", ".tsv"]
_MEGABYTE = 1024 * 1024
FOUND = 8
_PROGRESS = gr.Progress()  # Gradio puts one for each event in its place


def build(bench: Bench) -> None:
    """Add the tab."""
    say, limit = bench.say, bench.site.max_upload_mb
    with gr.Column(elem_classes="bench"):
        gr.HTML(
            f'<p class="stamp">{esc(say("knowledge_note"))}</p>',
            apply_default_css=False,
            js_on_load=None,
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=300):
                files = gr.File(
                    label=say("upload", limit=limit),
                    file_count="multiple",
                    file_types=TYPES,
                    height=150,
                    elem_id="knowledge-files",
                )
                take = gr.Button(say("ingest"), variant="primary")
                outcome = gr.HTML("", apply_default_css=False, js_on_load=None)
                listed = gr.HTML(
                    _listed(bench, []), apply_default_css=False, js_on_load=None, padding=False
                )
                names = gr.Dropdown([], label=say("remove_label"), multiselect=True, visible=False)
                remove = gr.Button(say("remove"), size="sm", visible=False)
            with gr.Column(scale=2, min_width=320):
                query = gr.Textbox(label=say("search_label"), lines=1, max_lines=1)
                with gr.Row(elem_classes="acts"):
                    search = gr.Button(say("search"), variant="primary", scale=0, min_width=120)
                    ask = gr.Button(say("ask_in_chat"), scale=0, min_width=160)
                found = gr.HTML("", apply_default_css=False, js_on_load=None)

    def show(request: gr.Request) -> list[Any]:
        return _state(bench, session_of(request))

    def ingest(
        chosen: list[str] | None, request: gr.Request, progress: gr.Progress = _PROGRESS
    ) -> list[Any]:
        session = session_of(request)
        html = bench.guard(lambda: _ingest(bench, session, chosen or [], progress))
        return [html, None, *_state(bench, session)]

    def drop(chosen: list[str] | None, request: gr.Request) -> list[Any]:
        session = session_of(request)

        def work() -> str:
            if chosen:
                bench.site.sessions.with_documents(session).knowledge_remove(chosen)
            return ""

        return [bench.guard(work), *_state(bench, session)]

    def look(text: str, request: gr.Request) -> str:
        return bench.guard(lambda: _search(bench, session_of(request), text))

    state = [listed, names, remove]
    take.click(ingest, files, [outcome, files, *state], **PRIVATE)
    remove.click(drop, names, [outcome, *state], **PRIVATE)
    event = search.click(look, query, found, **PRIVATE)
    bench.address(event, "knowledge", {"q": query})
    bench.address(query.submit(look, query, found, **PRIVATE), "knowledge", {"q": query})

    def question(text: str) -> str:
        return text or ""

    bench.hand_over(ask, question, [query])
    bench.page.load(show, None, state, show_progress="hidden", **PRIVATE)

    def prefill(values: Mapping[str, str]) -> list[Any]:
        text = values.get("q", "")
        return [text, bench.guard(lambda: _search(bench, "", text)) if text else SKIP]

    bench.from_address("knowledge", [query, found], prefill)


def _state(bench: Bench, session: str) -> list[Any]:
    """Return what the tab shows of the documents: the list, and what can be removed."""
    try:
        documents = bench.site.sessions.assistant(session).knowledge_list()
        shared = {item.id for item in bench.assistant.knowledge_list()}
    except Exception as error:
        text = bench.say("failed", incident=report(error))
        return [f'<p class="problem">{esc(text)}</p>', SKIP, SKIP]
    own = [(item.title, item.id) for item in documents if item.id not in shared]
    html = _listed(bench, documents, shared)
    return [
        html,
        gr.Dropdown(choices=own, value=[], visible=bool(own)),
        gr.Button(visible=bool(own)),
    ]


def _listed(bench: Bench, documents: list[Document], shared: set[str] | None = None) -> str:
    say = bench.say
    title = f'<h3 class="side">{esc(say("documents"))}</h3>'
    if not documents:
        return f'{title}<p class="note">{esc(say("documents_empty"))}</p>'
    rows = "".join(
        f'<tr><th scope="row">{esc(item.title)}</th>'
        f"<td>{esc(say('shared_document' if item.id in (shared or ()) else 'own_document'))}</td>"
        f"<td>{item.chunks} {esc(say('passages'))}</td></tr>"
        for item in documents
    )
    return title + scroller(f"<table><tbody>{rows}</tbody></table>", say("documents"))


def _ingest(bench: Bench, session: str, paths: list[str], progress: gr.Progress) -> str:
    from assistant.errors import UsageError

    say, limit = bench.say, bench.site.max_upload_mb
    if not paths:
        raise UsageError(say("choose_file"), say("choose_file"))
    for path in paths:
        if Path(path).stat().st_size > limit * _MEGABYTE:
            text = say("too_large", name=Path(path).name, limit=limit)
            raise UsageError(text, text)
    assistant = bench.site.sessions.with_documents(session)
    folder = bench.site.sessions.directory(session) / "uploads"
    folder.mkdir(exist_ok=True)
    kept: list[str] = []
    for path in paths:
        # Under its own name, so that the same document taken in again replaces itself.
        target = folder / Path(path).name
        shutil.move(path, target)
        kept.append(str(target))

    def step(done: int, total: int, uri: str) -> None:
        progress((done, total), desc=Path(uri).name)

    return _outcome(bench, assistant.ingest(kept, progress=step))


def _outcome(bench: Bench, made: Report) -> str:
    ja = bench.say.language == "ja"
    rows = ""
    for line in made.lines:
        name = esc(Path(line.uri).name)
        if line.outcome == "skipped":
            reason = esc(line.message(bench.say.language))
            rows += f'<li class="problem">{name}: {reason}</li>'
        else:
            word = _OUTCOMES[line.outcome][0 if ja else 1]
            rows += f"<li>{name}: {word} ({line.chunks} {esc(bench.say('passages'))})</li>"
    return f'<ul class="outcome" role="status">{rows}</ul>'


_OUTCOMES = {
    "added": ("取り込みました", "taken in"),
    "updated": ("更新しました", "updated"),
    "unchanged": ("変更なし", "unchanged"),
    "removed": ("外しました", "removed"),
}


def _search(bench: Bench, session: str, text: str) -> str:
    if not text.strip():
        return ""
    result = bench.site.sessions.assistant(session).knowledge_search(text.strip(), FOUND)
    if not result.passages:
        return f'<p class="empty">{esc(bench.say("search_empty"))}</p>'
    cards: list[str] = []
    for passage in result.passages:
        section = f" — {esc(passage.section)}" if passage.section else ""
        origin = link(passage.url, passage.source) if passage.url else esc(passage.source)
        day = f" · {passage.as_of}" if passage.as_of else ""
        cards.append(
            f'<article class="passage"><h3>{esc(passage.title)}{section}</h3>'
            f'<div class="md">{render_html(passage.quote)}</div>'
            f'<p class="stamp">{origin}{day}</p></article>'
        )
    return "".join(cards)
