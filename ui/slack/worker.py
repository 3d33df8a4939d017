"""Workers: claim a question, have it answered, deliver the answer; on failure give it back."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from assistant.answer import Answer
from assistant.errors import AssistantError, ThrottledError, UnreachableError
from assistant.events import Step, TextDelta
from assistant.inbox import Claim, Inbox
from ui.failures import keep_incident
from ui.language import Text, language_of
from ui.slack.blocks import Message, notice
from ui.slack.client import SlackClient
from ui.slack.deliver import Delivery
from ui.slack.files import ReadFile, quoted, read_files
from ui.slack.home import chosen, help_message
from ui.slack.live import Live
from ui.slack.problems import UNREACHABLE, LostClaim, Problem, problem_of
from ui.slack.question import Question

if TYPE_CHECKING:
    from assistant.app import Assistant

_log = logging.getLogger("ask.slack")
POLL_SECONDS = 0.5
LEASE_SECONDS = 20.0
MAX_BACKOFF_SECONDS = 60.0
TOKEN_PAUSE_SECONDS = 60.0
MODEL_PAUSE_SECONDS = 5.0
GIVE_UP_SECONDS = 86_400.0  # nobody waits longer, and the thread has to go on
MAX_MODEL_TRIES, MAX_ERRORS = 3, 4
WAITED_SECONDS, WAITING_AT_ONCE = 3.0, 10
QUESTION_ROOM = 18_000  # characters of files within the assistant's limit for a question


class Workers:
    """Threads of one process that answer what is in the inbox."""

    def __init__(
        self,
        assistant: Assistant,
        inbox: Inbox,
        client: SlackClient,
        bot_user: str,
        *,
        threads: int = 4,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """Start nothing yet."""
        self._assistant, self._inbox, self._client = assistant, inbox, client
        self._bot_user, self._lease = bot_user, lease_seconds
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._work, self._stopping = threading.Event(), threading.Event()
        self._resume_at = 0.0
        self._claimed: dict[str, str] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(n,), name=f"answer-{n}", daemon=True)
            for n in range(threads)
        ]
        self._helpers = [
            threading.Thread(target=self._keep_leases, name="leases", daemon=True),
            threading.Thread(target=self._tell_waiting, name="waiting", daemon=True),
        ]

    def start(self) -> None:
        """Begin to answer."""
        for thread in (*self._threads, *self._helpers):
            thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._work.set()

    def stop(self, seconds: float = 20.0) -> None:
        """Finish what is being answered, at most for this long; the rest stays in the inbox."""
        self._stopping.set()
        self._work.set()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    # -- threads -------------------------------------------------------------------------------

    def _run(self, number: int) -> None:
        owner = f"{self._owner}:{number}"
        while not self._stopping.is_set():
            try:
                claim = None if self._paused() else self._inbox.claim(owner, self._lease)
            except Exception as error:  # a busy disk must not end the thread
                _log.error("inbox: %s", type(error).__name__)
                claim = None
            if claim is None:
                self._work.wait(POLL_SECONDS)
                if not self._stopping.is_set():
                    self._work.clear()
                continue
            self._work.set()  # there may be more for the other threads
            self._claimed[claim.key] = owner
            try:
                self._handle(claim, owner)
            except Exception as error:
                _log.error("worker: %s", type(error).__name__)
            finally:
                self._claimed.pop(claim.key, None)

    def _keep_leases(self) -> None:
        while not self._stopping.wait(self._lease / 4):
            for key, owner in list(self._claimed.items()):
                try:
                    self._inbox.renew(key, owner, self._lease)
                except Exception as error:
                    _log.error("inbox: %s", type(error).__name__)

    def _tell_waiting(self) -> None:
        """Show those who wait how many questions are before theirs."""
        while not self._stopping.wait(1.0):
            if self._paused():
                continue
            try:
                for waiting in self._inbox.waiting(WAITED_SECONDS, WAITING_AT_ONCE):
                    self._show_place(Question.model_validate_json(waiting.payload), waiting.ahead)
            except UNREACHABLE as error:
                self._pause(problem_of(error))
            except Exception as error:
                _log.error("waiting: %s", type(error).__name__)

    def _show_place(self, question: Question, ahead: int) -> None:
        if not question.root:
            return
        text = Text(
            f"順番を待っています(前に {ahead} 件)…", f"is waiting ({ahead} questions before)…"
        )
        self._client.assistant_threads_setStatus(
            channel_id=question.channel,
            thread_ts=question.root,
            status=chosen(text, language_of(question.text)),
        )

    # -- one question --------------------------------------------------------------------------

    def _handle(self, claim: Claim, owner: str) -> None:
        delivery = Delivery(self._client, self._inbox, claim, owner, self._bot_user)
        try:
            delivery.prepare()
            self._answer(delivery)
        except LostClaim:
            return
        except (ThrottledError, UnreachableError) as error:
            self._give_back(
                delivery, owner, Problem("model", type(error).__name__, MODEL_PAUSE_SECONDS)
            )
            return
        except UNREACHABLE as error:
            self._recover(delivery, owner, problem_of(error))
            return
        except Exception as error:
            self._fail(delivery, owner, error)
            return
        self._inbox.finish(claim.key, owner)
        _log.info("answered %s after %.1f s", claim.key, time.time() - claim.asked_at)

    def _answer(self, delivery: Delivery) -> None:
        question, answer = delivery.question, delivery.progress.answer
        if answer is None and "m0" in delivery.progress.sent:
            return  # a notice took the place of an answer, before a crash
        language = self._assistant.settings.lang or language_of(question.text)
        with Live(self._client, question, language, delivery.keep_stream) as live:
            if answer is None:
                made = self._make(delivery, question, language, live)
                if isinstance(made, Message):
                    delivery.tell(made)
                    return
                answer = made
            delivery.send(answer, live)

    def _make(
        self, delivery: Delivery, question: Question, language: str, live: Live
    ) -> Answer | Message:
        """Return the answer, or the message that there is instead of one."""
        if not question.text and not question.files:
            return help_message(language)
        if self._over_limit(delivery.claim):
            return notice(chosen(_over_limit_text(self._limit), language))
        files = read_files(self._client, question.files)
        refused = [f"{f.name}: {chosen(f.refusal, language)}" for f in files if f.refusal]
        if refused and len(refused) == len(files) and not question.text:
            return notice("\n".join(refused))
        try:
            answer = self._ask(composed(question, files, language), delivery, live)
        except OSError as error:  # ours, not Slack's
            raise RuntimeError(type(error).__name__) from error
        except AssistantError as error:
            if isinstance(error, ThrottledError | UnreachableError):
                if delivery.claim.attempts < MAX_MODEL_TRIES:
                    raise
            return notice(error.message(language))
        return answer.model_copy(update={"warnings": [*answer.warnings, *refused]})

    def _ask(self, text: str, delivery: Delivery, live: Live) -> Answer:
        thread = f"slack:{delivery.question.thread}"
        for event in self._assistant.stream(text, thread):
            if isinstance(event, Step):
                live.step(event)
            elif isinstance(event, TextDelta):
                live.text(event.text)
            else:
                return event
        raise RuntimeError("the assistant ended without an answer")

    @property
    def _limit(self) -> int:
        settings = self._assistant.settings
        return settings.slack_daily_limit if settings.model != "planner" else 0

    def _over_limit(self, claim: Claim) -> bool:
        if not self._limit:
            return False
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        return self._inbox.asked_since(claim.user, midnight.timestamp()) > self._limit

    # -- failures ------------------------------------------------------------------------------

    def _recover(self, delivery: Delivery, owner: str, problem: Problem) -> None:
        """Do what the failure of a call asks for; the question is not lost."""
        claim, progress = delivery.claim, delivery.progress
        _log.warning("%s: %s", claim.key, problem.advice)
        if problem.kind == "place" and not progress.direct:
            self._try_direct(delivery, owner)
        elif problem.kind == "rejected" and not progress.plain:
            progress.plain = True
            self._give_back(delivery, owner, problem)
        elif problem.kind in ("place", "rejected"):
            _log.error("%s cannot be delivered: %s", claim.key, problem.code)
            self._inbox.finish(claim.key, owner)
        else:
            self._give_back(delivery, owner, problem)

    def _try_direct(self, delivery: Delivery, owner: str) -> None:
        """Answer in a direct message, as the channel is closed to us."""
        try:
            delivery.go_direct()
        except LostClaim:
            return
        except UNREACHABLE as error:
            problem = problem_of(error)
            if problem.kind in ("place", "rejected"):
                _log.error("%s cannot be delivered: %s", delivery.claim.key, problem.code)
                self._inbox.finish(delivery.claim.key, owner)
            else:
                self._give_back(delivery, owner, problem)
            return
        self._give_back(delivery, owner, Problem("place", "direct"))

    def _give_back(self, delivery: Delivery, owner: str, problem: Problem) -> None:
        """Have the question claimed again later."""
        self._pause(problem)
        delivery.progress.uncertain |= problem.uncertain
        try:
            delivery.save()
        except LostClaim:
            return
        if time.time() - delivery.claim.asked_at > GIVE_UP_SECONDS:
            _log.error("%s is given up: %s", delivery.claim.key, problem.code)
            self._inbox.finish(delivery.claim.key, owner)
            return
        delay = problem.retry_seconds
        if problem.kind in ("outage", "scope"):
            delay = min(2.0**delivery.claim.attempts, MAX_BACKOFF_SECONDS)
            delay *= random.uniform(0.5, 1.0)
        self._inbox.release(delivery.claim.key, owner, delay)
        if delay == 0:
            self.wake()

    def _pause(self, problem: Problem) -> None:
        """Have all threads wait where every call would fail."""
        wait = {"throttled": problem.retry_seconds, "token": TOKEN_PAUSE_SECONDS}
        until = time.monotonic() + wait.get(problem.kind, 0.0)
        self._resume_at = max(self._resume_at, until)

    def _paused(self) -> bool:
        return time.monotonic() < self._resume_at

    def _fail(self, delivery: Delivery, owner: str, error: Exception) -> None:
        """Say that something unexpected happened, under a number that the log has as well."""
        incident, _, _ = keep_incident(error)
        _log.error("%s: incident %s (%s)", delivery.claim.key, incident, type(error).__name__)
        language = language_of(delivery.question.text)
        text = Text(
            f"内部エラーが起きました。番号 {incident} を管理者に伝えてください。",
            f"An internal error occurred. Please tell the administrator incident {incident}.",
        )
        try:
            delivery.tell(notice(chosen(text, language)))
        except LostClaim:
            return
        except UNREACHABLE as failure:
            problem = problem_of(failure)
            _log.warning("%s: %s", delivery.claim.key, problem.advice)
            if delivery.claim.attempts < MAX_ERRORS and problem.kind not in ("place", "rejected"):
                self._give_back(delivery, owner, problem)
                return
        self._inbox.finish(delivery.claim.key, owner)


def composed(question: Question, files: list[ReadFile], language: str) -> str:
    """Return the text for the assistant: files and the quoted message first, fenced."""
    text = question.text
    if files and not text:
        text = chosen(Text("このファイルを診断してください。", "Diagnose this file."), language)
    parts: list[str] = []
    if any(file.refusal is None for file in files):
        parts.append(quoted(files, QUESTION_ROOM - len(text)))
    if question.quoted:
        label = chosen(Text("メッセージ", "Message"), language)
        parts.append(f"{label}:\n```\n{question.quoted.replace('```', chr(39) * 3)}\n```")
    return "\n\n".join([*parts, text])


def _over_limit_text(limit: int) -> Text:
    return Text(
        f"今日の上限({limit} 問)に達しました。明日また質問してください。",
        f"You have reached today's limit of {limit} questions. Please ask again tomorrow.",
    )
