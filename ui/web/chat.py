"""The chat: its shell in HTML, and what happens when the page asks for something.

Gradio carries the events of chat.js (`trigger`) to these functions and their payloads back; one
running event per tab can be cancelled by `stop`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gradio as gr

from ui.web.conversation import Conversation, message, payload, restore
from ui.web.export import export, made_file
from ui.web.html import esc
from ui.web.session import IDLE_SECONDS, Sessions
from ui.web.texts import Texts
from ui.web.turns import report, stream_turn
from ui.web.view import Turn

_HERE = Path(__file__).parent
MAX_REASON = 2_000
_WAITING = 4
Update = tuple[Any, Any]
SKIP: Any = cast("Any", gr.skip())  # pyright: ignore[reportUnknownMemberType]


@dataclass(frozen=True, slots=True)
class Chat:
    """The functions behind the chat of one language."""

    sessions: Sessions
    say: Texts
    pool: ThreadPoolExecutor
    concurrency: int

    def build(self) -> gr.HTML:
        """Add the chat to the page that is being built and return its component."""
        state = gr.State(None, time_to_live=IDLE_SECONDS)
        view: Any = gr.HTML(
            value=message(),
            html_template=self._shell(),
            js_on_load=script(self.say),
            apply_default_css=False,
            elem_id="ask-chat",
        )
        common: dict[str, Any] = {
            "inputs": [state],
            "outputs": [view, state],
            "show_progress": "hidden",
            "api_visibility": "private",
            # A question may be sent while the picture of the answer before is still being drawn.
            "trigger_mode": "multiple",
        }
        # The pool limits what is answered at the same time; an event also waits for its picture.
        asking = {"concurrency_limit": self.concurrency * _WAITING, "concurrency_id": "ask"}
        running = [
            view.ask(self.ask, **common, **asking),
            view.again(self.again, **common, **asking),
        ]
        view.stop(self.stop, **common, cancels=running, queue=False)
        for listen, function in (
            (view.open, self.open),
            (view.show, self.show),
            (view.fresh, self.fresh),
            (view.vote, self.vote),
            (view.export, self.export),
            (view.file, self.file),
        ):
            listen(function, **common, concurrency_limit=self.concurrency)
        return view

    async def ask(
        self, kept: Conversation | None, event: gr.EventData, request: gr.Request
    ) -> AsyncGenerator[Update]:
        """Answer a question of the page."""
        sent = said(event)
        conversation = await self._going_on(kept, sent)
        async for update in self._run(conversation, str(sent.get("text", "")).strip(), request):
            yield update

    async def again(
        self, kept: Conversation | None, event: gr.EventData, request: gr.Request
    ) -> AsyncGenerator[Update]:
        """Ask a turn's question again, as it was or edited, in place of what followed."""
        sent = said(event)
        conversation = await self._going_on(kept, sent)
        assistant = self.sessions.assistant(session_of(request))
        await asyncio.to_thread(conversation.rewind, assistant, str(sent.get("key", "")))
        async for update in self._run(conversation, str(sent.get("text", "")).strip(), request):
            yield update

    async def _run(
        self, conversation: Conversation, question: str, request: gr.Request
    ) -> AsyncGenerator[Update]:
        if not question:
            return
        assistant = self.sessions.assistant(session_of(request))
        known = [turn for turn in conversation.turns if not turn.sent]
        turn = await asyncio.to_thread(conversation.begin, assistant, question)
        turn.drawn = False
        if known:
            # The server has restarted since the page showed them: they have other keys now.
            yield payload(conversation, self.say, [*known, turn]), conversation
        try:
            async for _ in stream_turn(
                assistant, turn, thread=conversation.thread, say=self.say, pool=self.pool
            ):
                yield payload(conversation, self.say, [turn]), conversation
        finally:
            conversation.dirty = conversation.dirty or turn.answer is None
        turn.drawn = True
        if turn.answer and turn.answer.charts:
            # Pictures take longer to draw than the answer took to make: they follow it.
            drawn = await asyncio.to_thread(payload, conversation, self.say, [turn])
            yield drawn, conversation

    def stop(self, kept: Conversation | None) -> Update:
        """Say that the running turn was stopped; Gradio cancels the event itself."""
        turn = kept.turns[-1] if kept and kept.turns else None
        if kept is None or turn is None or turn.finished:
            return SKIP, SKIP
        turn.problem = self.say("stopped")
        kept.dirty = True
        return payload(kept, self.say, [turn]), kept

    async def open(self, kept: Conversation | None, event: gr.EventData) -> Update:
        """Show a conversation that the browser remembers."""
        found = await self._restored(said(event))
        if found is None:
            text = message(toast=self.say("removed_thread"), missing=said(event).get("cid"))
            return text, kept
        return await asyncio.to_thread(payload, found, self.say, found.turns), found

    async def show(self, kept: Conversation | None, event: gr.EventData) -> Update:
        """Show an answer by its link. Going on from there begins a thread of its own."""
        answer_id = str(said(event).get("id", ""))[:64]
        answer = await asyncio.to_thread(self.sessions.shared.history.get, answer_id)
        if answer is None:
            return message(toast=self.say("not_found", id=answer_id)), kept
        turn = Turn(f"s{answer.answer_id}", answer.question, answer=answer)
        shown = Conversation(turns=[turn])
        text = await asyncio.to_thread(
            payload, shown, self.say, [turn], toast=self.say("shared"), shared=True
        )
        return text, Conversation()

    def fresh(self, kept: Conversation | None) -> Update:
        """Begin a new conversation."""
        del kept
        new = Conversation()
        return payload(new, self.say, []), new

    def vote(self, kept: Conversation | None, event: gr.EventData, request: gr.Request) -> Update:
        """Keep a vote, and say why if that is not possible."""
        from assistant.errors import AssistantError

        sent = said(event)
        vote = "down" if sent.get("vote") == "down" else "up"
        user = getattr(request, "username", None) or f"browser:{str(sent.get('browser', ''))[:40]}"
        try:
            self.sessions.shared.feedback(
                str(sent.get("id", "")),
                vote,
                str(sent.get("reason", ""))[:MAX_REASON],
                user=user,
                front="web",
            )
        except AssistantError as error:
            return message(toast=error.message(self.say.language)), kept
        except Exception as error:
            return message(toast=self.say("failed", incident=report(error))), kept
        return message(toast=self.say("thanks")), kept

    def export(self, kept: Conversation | None, event: gr.EventData) -> Update:
        """Give the conversation to the browser as a file."""
        style = "json" if said(event).get("format") == "json" else "md"
        answers = kept.answers if kept else []
        return message(download=export(answers, style, self.say)), kept

    def file(self, kept: Conversation | None, event: gr.EventData) -> Update:
        """Give a file that an answer made to the browser."""
        from assistant.errors import AssistantError

        answer_id, name = str(said(event).get("id", "")), str(said(event).get("name", ""))
        answer = self.sessions.shared.history.get(answer_id)
        try:
            found = made_file(answer, name) if answer else None
        except AssistantError as error:
            return message(toast=error.message(self.say.language)), kept
        if found is None:
            return message(toast=self.say("file_gone", name=name)), kept
        return message(download=found), kept

    async def _going_on(self, kept: Conversation | None, sent: dict[str, Any]) -> Conversation:
        """Return the tab's conversation, also when the server has restarted in between."""
        if kept and kept.turns:
            return kept
        found = await self._restored(sent) if sent.get("answers") else None
        return found or kept or Conversation()

    async def _restored(self, sent: dict[str, Any]) -> Conversation | None:
        answers = [str(item) for item in sent.get("answers", [])]
        thread = str(sent.get("thread", ""))
        return await asyncio.to_thread(restore, self.sessions.shared, thread, answers)

    def _shell(self) -> str:
        say = self.say
        tasks = "".join(
            f"<section><h3>{esc(task.name)}</h3>{''.join(map(_example, task.questions))}</section>"
            for task in say.tasks
        )
        return (
            (_HERE / "chat.html")
            .read_text("utf-8")
            .format(tasks=tasks, **{key: esc(value) for key, value in say.for_script().items()})
        )


def script(say: Texts) -> str:
    """Return chat.js with the words of a language."""
    words = json.dumps(say.for_script(), ensure_ascii=False)
    return f"const WORDS = {words};\n{(_HERE / 'chat.js').read_text('utf-8')}"


def said(event: gr.EventData) -> dict[str, Any]:
    """Return what chat.js sent with an event."""
    data: Any = event._data  # pyright: ignore[reportPrivateUsage]
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def session_of(request: gr.Request) -> str:
    """Return the key of the browser tab that asks."""
    return str(request.session_hash or "")


def _example(question: str) -> str:
    return (
        f'<button class="example" data-act="ask" data-text="{esc(question)}">'
        f"{esc(question)}</button>"
    )
