"""The Bolt app: what arrives is received before it is acknowledged; the rest is buttons and views.

A middleware hands every payload to the receiver, and an exception there (a full disk) makes Bolt
answer 500, upon which Slack sends the payload again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slack_bolt import App

from ui.language import Text
from ui.slack.blocks import FEEDBACK_ACTION
from ui.slack.client import SlackClient, library_log, member
from ui.slack.events import DIALOG, SHORTCUT, SUGGESTION_ACTION, plain_text
from ui.slack.home import (
    REASON_DIALOG,
    chosen,
    help_message,
    home_view,
    question_dialog,
    reason_dialog,
    suggested_prompts,
)
from ui.slack.problems import UNREACHABLE, problem_of
from ui.slack.receive import Receiver

if TYPE_CHECKING:
    from assistant.app import Assistant
    from assistant.feedback import Vote

REASON_ACTION = "feedback_reason"
_EVERYTHING = re.compile(".*")
_ACCEPTED = Text("質問を受け付けました。", "Your question has arrived.")
_THANKS = Text("ありがとうございます。記録しました。", "Thank you, it has been recorded.")
_log = logging.getLogger("ask.slack")
Body = dict[str, Any]


def build_app(
    client: SlackClient, receiver: Receiver, assistant: Assistant, signing_secret: str = ""
) -> App:
    """Return the app. Raises BoltError if Slack does not accept the bot token."""
    # Bolt would take a signing secret from the environment if it were given none.
    app: Any = App(client=client, signing_secret=signing_secret or "unused", logger=library_log())

    @app.middleware
    def keep(body: Body, context: dict[str, Any], next_: Callable[[], None]) -> None:
        receiver.take(body, str(context.get("bot_user_id") or ""))
        next_()

    Surfaces(client, assistant).attach(app)
    app.event(_EVERYTHING)(_nothing)
    return app


def _nothing() -> None:
    """Events are acknowledged by Bolt; the receiver has seen them."""


class Surfaces:
    """Everything that is not a question."""

    def __init__(self, client: SlackClient, assistant: Assistant) -> None:
        """Speak the configured language, else Japanese."""
        self._client, self._assistant = client, assistant
        self._language = assistant.settings.lang or "ja"

    def attach(self, app: Any) -> None:
        """Register the listeners."""
        app.event("app_home_opened")(self.opened)
        app.event("assistant_thread_started")(self.thread_started)
        app.command(_EVERYTHING)(self.command)
        app.shortcut(SHORTCUT)(self.shortcut)
        app.view(DIALOG)(self.acknowledge)
        app.action(re.compile(f"^{SUGGESTION_ACTION}"))(self.acknowledge)
        app.action(FEEDBACK_ACTION)(self.vote)
        app.action(REASON_ACTION)(self.ask_reason)
        app.view(REASON_DIALOG)(self.reason)

    def acknowledge(self, ack: Callable[..., Any]) -> None:
        """Tell Slack that a click arrived; the receiver has seen it."""
        ack()

    def opened(self, event: Body) -> None:
        """Fill the Home tab, or the empty conversation with prompts."""
        if event.get("tab") == "messages":
            self._prompts(event["channel"], None)
            return
        settings = self._assistant.settings
        view = home_view(
            self._language, self._dates(), settings.model == "planner", settings.slack_daily_limit
        )
        self._quietly(self._client.views_publish, user_id=event["user"], view=view)

    def thread_started(self, event: Body) -> None:
        """Suggest prompts in a new conversation of the assistant pane."""
        thread = member(event, "assistant_thread")
        self._prompts(str(thread.get("channel_id")), thread.get("thread_ts"))

    def command(self, ack: Callable[..., Any], command: Body) -> None:
        """Confirm `/ask question`; without a question show the help."""
        if str(command.get("text") or "").strip().lower() not in ("", "help"):
            ack(text=chosen(_ACCEPTED, self._language))
            return
        message = help_message(self._language)
        ack(text=message.text, blocks=message.blocks)

    def shortcut(self, ack: Callable[..., Any], shortcut: Body) -> None:
        """Ask what the user would like to know about a message."""
        ack()
        message: Body = shortcut["message"]
        place = {
            "channel": str(shortcut["channel"]["id"]),
            "root": str(message.get("thread_ts") or message["ts"]),
            "quoted": plain_text(str(message.get("text") or ""), ""),
        }
        view = question_dialog(place, self._language)
        self._quietly(self._client.views_open, trigger_id=shortcut["trigger_id"], view=view)

    def vote(self, ack: Callable[..., Any], body: Body, action: Body) -> None:
        """Keep whether an answer helped."""
        ack()
        found, _, answer_id = str(action.get("value") or "").partition(":")
        vote: Vote = "up" if found == "up" else "down"
        self._keep_vote(answer_id, vote, "", body["user"]["id"])
        text = chosen(_THANKS, self._language)
        blocks: list[Body] = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
        if vote == "down":
            label = chosen(Text("理由を伝える", "Tell why"), self._language)
            blocks.append({"type": "actions", "elements": [_button(label, answer_id)]})
        message = member(body, "message")
        self._quietly(
            self._client.chat_postEphemeral,
            channel=body["channel"]["id"],
            user=body["user"]["id"],
            thread_ts=message.get("thread_ts") or message.get("ts"),
            text=text,
            blocks=blocks,
        )

    def ask_reason(self, ack: Callable[..., Any], body: Body, action: Body) -> None:
        """Open the dialog for the reason of a vote."""
        ack()
        view = reason_dialog(str(action.get("value") or ""), self._language)
        self._quietly(self._client.views_open, trigger_id=body["trigger_id"], view=view)

    def reason(self, ack: Callable[..., Any], body: Body, view: Body) -> None:
        """Keep the reason of a vote."""
        ack()
        reason = view["state"]["values"]["reason"]["text"].get("value") or ""
        self._keep_vote(view["private_metadata"], "down", reason, body["user"]["id"])

    def _keep_vote(self, answer_id: str, vote: Vote, reason: str, user: str) -> None:
        try:
            self._assistant.feedback(answer_id, vote, reason, user=user, front="slack")
        except Exception as error:
            _log.error("feedback on %s: %s", answer_id, type(error).__name__)

    def _prompts(self, channel: str, thread_ts: str | None) -> None:
        self._quietly(
            self._client.assistant_threads_setSuggestedPrompts,
            channel_id=channel,
            thread_ts=thread_ts,
            title=chosen(Text("たとえば", "For example"), self._language),
            prompts=suggested_prompts(self._language),
        )

    def _dates(self) -> str:
        dates = self._assistant.catalogue_dates()
        oldest, newest = dates["prices_as_of"]
        text = Text(
            f"仕様 {dates['specs_as_of']} 時点、料金 {oldest}〜{newest} 時点。",
            f"Specifications as of {dates['specs_as_of']}, prices {oldest} to {newest}.",
        )
        return chosen(text, self._language)

    def _quietly(self, call: Callable[..., object], **arguments: Any) -> None:
        """Make a call on which no answer depends."""
        try:
            call(**arguments)
        except UNREACHABLE as error:
            _log.warning("%s: %s", getattr(call, "__name__", "call"), problem_of(error).code)


def _button(label: str, value: str) -> Body:
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": REASON_ACTION, "text": text, "value": value}
