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
PLAIN: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}
_MEGABYTE = 1024 * 1024
FOUND = 8
_PROGRESS = gr.Progress()  # Gradio puts one for each event in its place


def build(bench: Bench) -> None:
    """Add the tab."""
    KnowledgeTab(bench)


class KnowledgeTab:
    """Documents at the left, search at the right."""

    def __init__(self, bench: Bench) -> None:
        """Add everything to the page that is being built."""
        self.bench, self.say = bench, bench.say
        with gr.Column(elem_classes="bench"):
            note = f'<p class="stamp">{esc(self.say("knowledge_note"))}</p>'
            gr.HTML(note, **PLAIN)
            with gr.Row(equal_height=False):
                with gr.Column(scale=1, min_width=300):
                    self._documents()
                with gr.Column(scale=2, min_width=320):
                    self._searching()
        self._connect()

    def _documents(self) -> None:
        self.files = gr.File(
            label=self.say("upload", limit=self.bench.site.max_upload_mb),
            file_count="multiple",
            file_types=TYPES,
            height=150,
            elem_id="knowledge-files",
        )
        self.take = gr.Button(self.say("ingest"), variant="primary")
        self.outcome = gr.HTML("", **PLAIN)
        self.listed = gr.HTML(_listed(self.bench, []), **PLAIN)
        self.names = gr.Dropdown(
            [], label=self.say("remove_label"), multiselect=True, visible=False
        )
        self.remove = gr.Button(self.say("remove"), size="sm", visible=False)

    def _searching(self) -> None:
        self.query = gr.Textbox(label=self.say("search_label"), lines=1, max_lines=1)
        with gr.Row(elem_classes="acts"):
            self.search = gr.Button(self.say("search"), variant="primary", scale=0, min_width=120)
            self.ask = gr.Button(self.say("ask_in_chat"), scale=0, min_width=160)
        self.found = gr.HTML("", **PLAIN)

    def _connect(self) -> None:
        state = [self.listed, self.names, self.remove]
        self.take.click(self.ingest, self.files, [self.outcome, self.files, *state], **PRIVATE)
        self.remove.click(self.drop, self.names, [self.outcome, *state], **PRIVATE)
        for listen in (self.search.click, self.query.submit):
            event = listen(self.look, self.query, self.found, **PRIVATE)
            self.bench.address(event, "knowledge", {"q": self.query})
        self.bench.hand_over(self.ask, self.question, [self.query])
        self.bench.page.load(self.show, None, state, show_progress="hidden", **PRIVATE)
        self.bench.from_address("knowledge", [self.query, self.found], self.prefill)

    def show(self, request: gr.Request) -> list[Any]:
        """Return the documents of a tab that is opened."""
        return _state(self.bench, session_of(request))

    def ingest(
        self,
        chosen: list[str] | None,
        request: gr.Request,
        progress: gr.Progress = _PROGRESS,
    ) -> list[Any]:
        """Take in the chosen files."""
        session = session_of(request)
        html = self.bench.guard(lambda: _ingest(self.bench, session, chosen or [], progress))
        return [html, None, *_state(self.bench, session)]

    def drop(self, chosen: list[str] | None, request: gr.Request) -> list[Any]:
        """Remove the chosen documents."""
        session = session_of(request)

        def work() -> str:
            if chosen:
                self.bench.site.sessions.with_documents(session).knowledge_remove(chosen)
            return ""

        return [self.bench.guard(work), *_state(self.bench, session)]

    def look(self, text: str, request: gr.Request) -> str:
        """Return the passages for a search."""
        return self.bench.guard(lambda: _search(self.bench, session_of(request), text))

    def question(self, text: str) -> str:
        """Return the search as a question."""
        return text or ""

    def prefill(self, values: Mapping[str, str]) -> list[Any]:
        """Return the search that the address holds."""
        text = values.get("q", "")
        return [text, self.bench.guard(lambda: _search(self.bench, "", text)) if text else SKIP]


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
    title = f'<h2 class="side">{esc(say("documents"))}</h2>'
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
            f'<article class="passage"><h2>{esc(passage.title)}{section}</h2>'
            f'<div class="md">{render_html(passage.quote)}</div>'
            f'<p class="stamp">{origin}{day}</p></article>'
        )
    return "".join(cards)
