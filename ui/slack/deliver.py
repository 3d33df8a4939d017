"""Getting one answer into its thread, exactly once, whatever happens in between.

Every message carries its question's key as metadata. What was sent is kept after each call; where
that is not certain (a crash, a lost reply) the thread itself is read before anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, cast

from pydantic import BaseModel, ConfigDict
from slack_sdk.errors import SlackApiError

from assistant.answer import Answer
from assistant.inbox import Claim, Inbox
from ui.slack.blocks import Message, echo, lay_out, notice
from ui.slack.client import SlackClient, member
from ui.slack.files import Upload, uploads
from ui.slack.live import Live
from ui.slack.problems import LostClaim, problem_of
from ui.slack.question import Question

EVENT_TYPE = "ask_answer"
_PAGE, _MAX_PAGES = 200, 20
_log = logging.getLogger("ask.slack")


class Progress(BaseModel):
    """What has been done for a question."""

    model_config = ConfigDict(extra="forbid")

    answer: Answer | None = None
    root: str = ""
    """Thread of a question that had none when it arrived."""
    direct: str = ""
    """Direct message conversation used as the channel cannot be written to."""
    sent: list[str] = []
    """Names of the parts that are in the thread."""
    stream: str = ""
    """Timestamp of a message being streamed, or `starting`."""
    uncertain: bool = False
    """A call was made whose outcome is not known."""
    plain: bool = False
    """Slack refused the blocks; send text."""


class Delivery:
    """One claimed question on its way to an answer."""

    def __init__(
        self, client: SlackClient, inbox: Inbox, claim: Claim, owner: str, bot_user: str
    ) -> None:
        """Take up where the worker before stopped."""
        self._client, self._inbox, self.claim, self._owner = client, inbox, claim, owner
        self._bot_user = bot_user
        self.progress = Progress.model_validate_json(claim.progress or "{}")
        self._asked = Question.model_validate_json(claim.payload)

    @property
    def question(self) -> Question:
        """The question, with the place its answer really goes to."""
        if direct := self.progress.direct:
            place = {"channel": direct, "root": self.progress.root}
        else:
            place = {"root": self._asked.root or self.progress.root}
        return self._asked.model_copy(update=place)

    def save(self) -> None:
        """Keep the progress. Raises LostClaim."""
        if not self._inbox.save(self.claim.key, self._owner, self.progress.model_dump_json()):
            raise LostClaim

    def prepare(self) -> None:
        """Find out what is in the thread already, and show a question that nobody typed."""
        if self.claim.orphaned or self.progress.uncertain:
            self._reconcile()
            self.progress.uncertain = False
            self.save()
        part = self._echo_part
        if part and part not in self.progress.sent:
            shown = echo(self._asked.user, self._asked.text, self._asked.quoted)
            ts = self._post(part, shown)
            if not self.question.root:
                self.progress.root = ts
            self._sent(part)
        if self.progress.root:  # the user may go on in a thread that did not exist before
            self._inbox.join(self.question.thread, self._asked.user)

    @property
    def _echo_part(self) -> str:
        """Name of the message that shows the question; empty where the user's own does."""
        return "direct" if self.progress.direct else "echo" if self._asked.echoed else ""

    def send(self, answer: Answer, live: Live) -> None:
        """Send what is not sent yet of an answer."""
        if self.progress.answer is None:
            self.progress.answer = answer
            self.save()
        if self.progress.stream and not live.ts:
            self._reconcile()  # a stream that failed to start may have started nevertheless
            self.save()
        messages = self._messages(answer, live)
        if live.ts and not self._close_stream(messages[0], live, answer):
            messages = lay_out(answer)
        for number, message in enumerate(messages):
            if (part := f"m{number}") not in self.progress.sent:
                self._post(part, message)
                self._sent(part)
        for upload in uploads(answer):
            if upload.name not in self.progress.sent:
                self._try_upload(upload)
                self._sent(upload.name)

    def tell(self, message: Message) -> None:
        """Send a single message instead of an answer."""
        if "m0" not in self.progress.sent:
            self._post("m0", message)
            self._sent("m0")

    def keep_stream(self, ts: str) -> None:
        """Remember the message that is being streamed."""
        self.progress.stream = ts
        self.save()

    def go_direct(self) -> None:
        """Use a direct message from now on. Raises what Slack answers."""
        opened = self._client.conversations_open(users=self._asked.user)
        self.progress.direct, self.progress.root = str(opened["channel"]["id"]), ""
        self.save()

    # -- calls ---------------------------------------------------------------------------------

    def _messages(self, answer: Answer, live: Live) -> list[Message]:
        if self.progress.plain:
            return [notice(answer.answer)]
        if live.shown and not answer.answer.startswith(live.shown.rstrip()):
            self._drop_stream(live.ts)  # the text changed after it was shown
            live.ts = live.shown = ""
        return lay_out(answer, live.shown.rstrip())

    def _post(self, part: str, message: Message) -> str:
        question = self.question
        response = self._client.chat_postMessage(
            channel=question.channel,
            thread_ts=question.root or None,
            text=message.text or "…",
            blocks=message.blocks or None,
            metadata=self._metadata(part),
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(response["ts"])

    def _metadata(self, part: str) -> dict[str, Any]:
        payload = {"key": self.claim.key, "part": part}
        return {"event_type": EVENT_TYPE, "event_payload": payload}

    def _close_stream(self, message: Message, live: Live, answer: Answer) -> bool:
        """Finish the streamed message with the blocks of the first one; False: it ran out."""
        try:
            self._client.chat_stopStream(
                channel=self.question.channel,
                ts=live.ts,
                chunks=live.closing_chunks(answer),
                blocks=message.blocks,
                metadata=self._metadata("m0"),
            )
        except SlackApiError as error:
            if problem_of(error).kind != "rejected":
                raise
            self._drop_stream(live.ts)
            return False
        self.progress.stream = ""
        self._sent("m0")
        return True

    def _drop_stream(self, ts: str) -> None:
        self._delete(ts)
        self.progress.stream = ""
        self.save()

    def _delete(self, ts: str) -> None:
        try:
            self._client.chat_delete(channel=self.question.channel, ts=ts)
        except SlackApiError as error:
            if problem_of(error).code != "message_not_found":
                raise

    def _try_upload(self, upload: Upload) -> None:
        """Send a file; one that Slack does not take does not hold up what comes after it."""
        try:
            self._upload(upload)
        except SlackApiError as error:
            problem = problem_of(error)
            if problem.kind in ("throttled", "outage", "token"):
                raise
            _log.error("%s: upload: %s", self.claim.key, problem.advice)

    def _upload(self, upload: Upload) -> None:
        self._client.files_upload_v2(
            channel=self.question.channel,
            thread_ts=self.question.root,
            filename=upload.name,
            file=upload.data,
            title=upload.title,
            alt_txt=upload.title,
        )

    def _sent(self, part: str) -> None:
        self.progress.sent.append(part)
        self.save()

    # -- what is there already -----------------------------------------------------------------

    def _reconcile(self) -> None:
        if not self.question.root:
            self._find_root()
            if not self.question.root:
                return
        mine = list(self._replies())
        sent = [part for message in mine if (part := self._part(message))]
        names = [str(f.get("name")) for message in mine for f in message.get("files") or ()]
        self.progress.sent = list(dict.fromkeys([*self.progress.sent, *sent, *names]))
        if self.progress.stream:
            for message in mine:
                if not message.get("metadata") and not message.get("files"):
                    self._delete(str(message["ts"]))
            self.progress.stream = ""

    def _find_root(self) -> None:
        """Find the message that shows the question, in case it was posted before a crash."""
        response = self._client.conversations_history(
            channel=self.question.channel,
            oldest=f"{self.claim.asked_at - 60:.6f}",
            include_all_metadata=True,
            limit=_PAGE,
        )
        for message in cast("list[dict[str, Any]]", response["messages"]):
            if self._part(message) == self._echo_part:
                self.progress.root = str(message["ts"])
                self.progress.sent.append(self._echo_part)

    def _replies(self) -> Iterator[dict[str, Any]]:
        """Yield our own messages in the thread since the question arrived."""
        cursor = ""
        for _ in range(_MAX_PAGES):
            response = self._client.conversations_replies(
                channel=self.question.channel,
                ts=self.question.root,
                oldest=f"{self.claim.asked_at - 60:.6f}",
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor or None,
            )
            for message in cast("list[dict[str, Any]]", response["messages"]):
                if (
                    message.get("user") == self._bot_user
                    and message.get("ts") != self.question.root
                ):
                    yield message
            cursor = str(member(response.data, "response_metadata").get("next_cursor") or "")
            if not cursor:
                return

    def _part(self, message: dict[str, Any]) -> str:
        metadata = member(message, "metadata")
        payload = member(metadata, "event_payload")
        ours = metadata.get("event_type") == EVENT_TYPE and payload.get("key") == self.claim.key
        return str(payload["part"]) if ours else ""
