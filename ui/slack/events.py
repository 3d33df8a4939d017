"""Payloads of Slack read as questions. Pure: what to do with them is decided in `receive`.

Covered: app_mention and message events, slash commands, buttons with a suggested question, the
message shortcut and its dialog. Ignored: bots, our own messages, edits, deletions, join messages.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from ui.slack.client import member
from ui.slack.question import Question, SharedFile

SUGGESTION_ACTION = "suggestion"
SHORTCUT = "ask_about_message"
DIALOG = "ask_about_message_dialog"
_READ_SUBTYPES = {None, "file_share", "thread_broadcast"}
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_SPECIAL = re.compile(r"<!([^>|]+)(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+(?:\|([^>]*))?>")
_LINK = re.compile(r"<((?:https?|mailto):[^>|]+)(?:\|([^>]*))?>")
_OTHER_FIRST = re.compile(r"\s*<@([A-Z0-9]+)")


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a user and how it concerns us."""

    question: Question
    addressed: bool
    """We are mentioned, or it is a direct message."""
    to_other: bool
    """It begins with a mention of somebody else."""
    in_thread: bool


def hear(body: dict[str, Any], bot_user: str) -> Heard | None:
    """Return the message that an event carries; None if it is none that we could answer."""
    event = member(body, "event")
    if event.get("type") not in ("app_mention", "message"):
        return None
    user, channel, ts = event.get("user"), event.get("channel"), event.get("ts")
    if event.get("bot_id") or event.get("subtype") not in _READ_SUBTYPES or event.get("hidden"):
        return None
    if not user or not channel or not ts or user == bot_user:
        return None
    raw = str(event.get("text") or "")
    question = Question(
        team=str(body.get("team_id") or event.get("team") or ""),
        channel=channel,
        user=user,
        text=plain_text(raw, bot_user),
        ts=ts,
        root=event.get("thread_ts") or ts,
        event_id=body.get("event_id"),
        files=tuple(_files(event)),
    )
    mentioned = bot_user in _MENTION.findall(raw)
    direct = event.get("channel_type") == "im" or str(channel).startswith("D")
    first = _OTHER_FIRST.match(raw)
    return Heard(
        question,
        addressed=mentioned or direct or event["type"] == "app_mention",
        to_other=first is not None and first.group(1) != bot_user,
        in_thread=bool(event.get("thread_ts")),
    )


def from_command(body: dict[str, Any]) -> Question:
    """Return the question of a slash command."""
    return Question(
        kind="command",
        team=str(body.get("team_id") or ""),
        channel=body["channel_id"],
        user=body["user_id"],
        text=plain_text(str(body.get("text") or ""), ""),
        ts=f"command-{body['trigger_id']}",
    )


def from_button(body: dict[str, Any]) -> Question | None:
    """Return the question of a clicked suggestion."""
    actions = [a for a in body.get("actions") or () if _is_suggestion(a)]
    message = member(body, "message")
    channel = member(body, "channel").get("id")
    if not actions or not channel or not message.get("ts"):
        return None
    return Question(
        kind="button",
        team=_team(body),
        channel=channel,
        user=body["user"]["id"],
        text=actions[0]["value"],
        ts=f"button-{message['ts']}-{actions[0].get('action_ts', '')}",
        root=message.get("thread_ts") or message["ts"],
    )


def from_dialog(body: dict[str, Any]) -> Question | None:
    """Return the question typed into the dialog of the message shortcut."""
    view = member(body, "view")
    if view.get("callback_id") != DIALOG:
        return None
    place = json.loads(view["private_metadata"])
    typed = view["state"]["values"]["question"]["text"].get("value") or ""
    return Question(
        kind="shortcut",
        team=_team(body),
        channel=place["channel"],
        user=body["user"]["id"],
        text=typed.strip(),
        ts=f"dialog-{view['id']}",
        root=place["root"],
        quoted=place["quoted"],
    )


def plain_text(raw: str, bot_user: str) -> str:
    """Return what a person typed: our mention removed, links and entities resolved."""

    def name(match: re.Match[str]) -> str:
        return "" if match.group(1) == bot_user else f"@{match.group(1)}"

    text = _MENTION.sub(name, raw)
    text = _SPECIAL.sub(lambda m: f"@{m.group(2) or m.group(1).split('^')[0]}", text)
    text = _CHANNEL.sub(lambda m: f"#{m.group(1) or ''}", text)
    text = _LINK.sub(_link_text, text)
    return html.unescape(text).replace("\xa0", " ").strip()


def _link_text(match: re.Match[str]) -> str:
    url, label = match.groups()
    # Slack links bare names such as `g5.xlarge.co`; the label is what was typed.
    return label or url.removeprefix("mailto:")


def _files(event: dict[str, Any]) -> list[SharedFile]:
    files: list[SharedFile] = []
    for item in event.get("files") or ():
        if item.get("id") and item.get("mode") not in ("tombstone", "hidden_by_limit"):
            files.append(
                SharedFile(
                    id=item["id"],
                    name=item.get("name") or item.get("title") or "",
                    size_bytes=int(item.get("size") or 0),
                    url=item.get("url_private_download") or item.get("url_private") or "",
                    media_type=item.get("mimetype") or "",
                )
            )
    return files


def _team(body: dict[str, Any]) -> str:
    return str(member(body, "team").get("id") or member(body, "user").get("team_id") or "")


def _is_suggestion(action: dict[str, Any]) -> bool:
    return str(action.get("action_id", "")).startswith(SUGGESTION_ACTION)
