"""What arrives from Slack is put into the inbox here, before Slack is told that it arrived."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

from assistant.inbox import Inbox
from ui.slack import events
from ui.slack.question import Question

Outcome = Literal["added", "known", "ignored", "closed"]
_DONE = re.compile(r"^\W*(解決(しました|した|です)?|resolved|solved)\W*$", re.IGNORECASE)
_THANKS = re.compile(
    r"^\W*((どうも)?ありがとう(ございま(す|した))?|感謝(です|します)?|助かりました"
    r"|了解(です|しました)?|承知(しました|です)?|(thanks|thank you|thx|ok|okay|got it))\W*$",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？]|(です|ます|でしょう|ません|だろう|の)か[。．.!！\s]*$")


class Receiver:
    """Decides which messages are questions for us and keeps them."""

    def __init__(self, inbox: Inbox, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called when there is something new to do."""
        self._inbox, self._wake = inbox, wake

    def take(self, body: dict[str, Any], bot_user: str) -> Outcome:
        """Keep the question that a payload carries, if it carries one."""
        if "event" in body:
            heard = events.hear(body, bot_user)
            return self._hear(heard) if heard else "ignored"
        if "command" in body:
            question = events.from_command(body)
            return self.add(question) if question.text else "ignored"
        if body.get("type") == "block_actions":
            return self._add_if(events.from_button(body))
        if body.get("type") == "view_submission":
            return self._add_if(events.from_dialog(body))
        return "ignored"

    def add(self, question: Question) -> Outcome:
        """Keep a question."""
        if not self._inbox.add(question.arrival()):
            return "known"
        self._wake()
        return "added"

    def _add_if(self, question: Question | None) -> Outcome:
        return self.add(question) if question else "ignored"

    def _hear(self, heard: events.Heard) -> Outcome:
        question = heard.question
        if not (heard.addressed or self._is_follow_up(heard)):
            return "ignored"
        if _DONE.match(question.text) and heard.in_thread:
            self._inbox.close_thread(question.thread)
            return "closed"
        if heard.in_thread and not question.files and _THANKS.match(question.text):
            return "ignored"
        if heard.addressed:
            self._inbox.open_thread(question.thread)
        return self.add(question)

    def _is_follow_up(self, heard: events.Heard) -> bool:
        """Return whether a message in a thread goes on with a conversation with us.

        Whoever asked us before needs no mention; others are taken to talk to each other unless
        they ask something.
        """
        question = heard.question
        if not heard.in_thread or heard.to_other or self._inbox.is_closed(question.thread):
            return False
        users = self._inbox.users(question.thread)
        return question.user in users or (bool(users) and bool(_ASKS.search(question.text)))
