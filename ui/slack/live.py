"""Signs of life while an answer is made: a status at once, steps and text when it takes longer."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Protocol

from assistant.answer import Answer
from assistant.events import Step
from ui.language import Text
from ui.slack.client import SlackClient
from ui.slack.home import LOADING, chosen
from ui.slack.markdown import Prose, segments, split_text
from ui.slack.problems import UNREACHABLE, problem_of
from ui.slack.question import Question

STATUS_AFTER_SECONDS = 0.4  # the planner is faster than that
STREAM_AFTER_SECONDS = 1.5
APPEND_EVERY_SECONDS = 1.0
_MAX_SOURCES = 5
_STATUS = Text("調べています…", "is looking it up…")
_log = logging.getLogger("ask.slack")


class StreamKeeper(Protocol):
    """Remembers the message that is being streamed, so that a crash leaves no half message."""

    def __call__(self, ts: str) -> None:
        """Keep a timestamp; `starting` before it is known, empty when there is none."""
        ...


class Live:
    """Shows progress in the thread of one question."""

    def __init__(
        self, client: SlackClient, question: Question, language: str, keep: StreamKeeper
    ) -> None:
        """`question.root` must be known."""
        self._client, self._question, self._language = client, question, language
        self._keep = keep
        self._started = time.monotonic()
        self._timer = threading.Timer(STATUS_AFTER_SECONDS, self._say_busy)
        self._timer.daemon = True
        self._reacted = False
        self._allowed = True
        self._appended = 0.0
        self._tasks: list[Step] = []
        self._held = ""
        self.ts = ""
        """The streamed message; empty: none."""
        self.shown = ""
        """What of the answer's text stands in it, as the assistant wrote it."""

    def __enter__(self) -> Live:
        """Begin to count the time."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the signs; Slack clears a status by itself when we post."""
        self._timer.cancel()
        if self._reacted:
            self._quietly("reactions_remove")

    def step(self, step: Step) -> None:
        """Show a tool that starts or is done."""
        if step.status == "started":
            self._tasks.append(step)
        if self._late():
            self._send(self._task_chunks(done=step.status == "done"))

    def text(self, text: str) -> None:
        """Show verified text: whole paragraphs, up to the first table or code."""
        self._held += text
        ready, _, rest = self._held.rpartition("\n\n")
        if not ready or not self._late() or time.monotonic() - self._appended < self._pause():
            return
        found = list(segments(ready))
        if not all(isinstance(item, Prose) for item in found):
            self._allowed = False  # the rest comes with the blocks
            return
        prose = "\n\n".join(item.text for item in found if isinstance(item, Prose))
        chunks = [{"type": "markdown_text", "text": f"{p}\n\n"} for p in split_text(prose, 11_000)]
        if self._send(chunks):
            self.shown += ready + "\n\n"
            self._held = rest

    def closing_chunks(self, answer: Answer) -> list[dict[str, Any]]:
        """Return the last update of the tasks, with the sources of the answer."""
        chunks = self._task_chunks(done=True)
        urls = {c.url: c.title for c in answer.citations if (c.url or "").startswith("https://")}
        sources = [
            {"type": "url", "url": url, "text": title[:150]}
            for url, title in list(urls.items())[:_MAX_SOURCES]
        ]
        if chunks and sources:
            chunks[-1]["sources"] = sources
        return chunks

    def _late(self) -> bool:
        """Return whether it takes so long that the answer is shown as it comes."""
        return bool(self.ts) or (
            self._allowed and time.monotonic() - self._started > STREAM_AFTER_SECONDS
        )

    def _pause(self) -> float:
        return APPEND_EVERY_SECONDS if self.ts else 0.0

    def _task_chunks(self, *, done: bool) -> list[dict[str, Any]]:
        return [
            {
                "type": "task_update",
                "id": f"task-{number}",
                "title": (step.label or step.tool)[:150],
                "status": "complete" if done or number < len(self._tasks) else "in_progress",
            }
            for number, step in enumerate(self._tasks, 1)
        ]

    def _send(self, chunks: list[dict[str, Any]]) -> bool:
        """Add to the stream, which begins with the first call. A failure ends the streaming."""
        if not self._allowed or not chunks:
            return False
        try:
            if self.ts:
                self._client.chat_appendStream(
                    channel=self._question.channel, ts=self.ts, chunks=chunks
                )
            else:
                self._start(chunks)
        except UNREACHABLE as error:
            _log.warning("stream: %s", problem_of(error).code)
            self._allowed = False
            return False
        self._appended = time.monotonic()
        return True

    def _start(self, chunks: list[dict[str, Any]]) -> None:
        self._keep("starting")
        response = self._client.chat_startStream(
            channel=self._question.channel,
            thread_ts=self._question.root,
            recipient_team_id=self._question.team,
            recipient_user_id=self._question.user,
            task_display_mode="plan",
            chunks=chunks,
        )
        self.ts = str(response["ts"])
        self._keep(self.ts)

    def _say_busy(self) -> None:
        try:
            self._client.assistant_threads_setStatus(
                channel_id=self._question.channel,
                thread_ts=self._question.root,
                status=chosen(_STATUS, self._language),
                loading_messages=list(LOADING["en" if self._language == "en" else "ja"]),
            )
        except UNREACHABLE:
            self._reacted = self._question.kind == "message" and self._quietly("reactions_add")

    def _quietly(self, method: str) -> bool:
        """Add or remove the eyes; whether that works matters to nobody."""
        try:
            getattr(self._client, method)(
                channel=self._question.channel, timestamp=self._question.ts, name="eyes"
            )
        except UNREACHABLE:
            return False
        return True
