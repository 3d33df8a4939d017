"""A question from Slack as it waits in the inbox."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from assistant.inbox import Arrival


class SharedFile(BaseModel):
    """A file that a user sent along."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str = ""
    size_bytes: int = 0
    url: str = ""
    media_type: str = ""


class Question(BaseModel):
    """What was asked, by whom, and where the answer belongs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["message", "command", "button", "shortcut"] = "message"
    team: str
    channel: str
    user: str
    text: str
    ts: str
    """Timestamp of the message; for the other kinds what makes the question unique."""
    root: str = ""
    """Timestamp of the message whose thread holds the answer; empty: not posted yet."""
    event_id: str | None = None
    files: tuple[SharedFile, ...] = ()
    quoted: str = ""
    """Text of the message that the question is about."""

    @property
    def key(self) -> str:
        """What makes it the same question, however often it is delivered."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def thread(self) -> str:
        """The conversation it belongs to."""
        return f"{self.team}:{self.channel}:{self.root or self.ts}"

    @property
    def echoed(self) -> bool:
        """Whether the question has to be shown, as nobody typed it into the conversation."""
        return self.kind != "message"

    def arrival(self) -> Arrival:
        """Return the question as the inbox keeps it."""
        return Arrival(self.key, self.event_id, self.thread, self.user, self.model_dump_json())
