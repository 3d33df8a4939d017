"""What can go wrong in a call to Slack, and what to do about it."""

from __future__ import annotations

import re
import urllib.error
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Literal, cast

from slack_sdk.errors import SlackApiError, SlackClientError

Kind = Literal["throttled", "model", "token", "scope", "place", "outage", "rejected"]
_TOKEN = {"invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed"}
_PLACE = {
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "restricted_action",
    "restricted_action_thread_locked",
    "user_not_found",
    "user_disabled",
    "cannot_dm_bot",
    "messages_tab_disabled",
}
_OUTAGE = {
    "fatal_error",
    "internal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "accesslimited",
}
UNREACHABLE = (SlackClientError, urllib.error.URLError, HTTPException, OSError)
_CODE = re.compile(r"[a-z0-9_]{1,80}")
_DEFAULT_RETRY_SECONDS = 30.0


class LostClaim(Exception):
    """Another worker has taken the question over."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One failed call."""

    kind: Kind
    code: str
    """Slack's error code or the name of the exception; never the text of a message."""
    retry_seconds: float = 0.0
    needed: str = ""
    """The missing scope."""

    @property
    def advice(self) -> str:
        """The code, and what whoever runs the bot can do about it."""
        if self.kind == "scope":
            return (
                f"{self.code} (scope {self.needed} is missing; "
                "reinstall the app with ui/slack_manifest.yaml)"
            )
        if self.kind == "token":
            return f"{self.code} (the bot token no longer works; renew ASK_SLACK_BOT_TOKEN)"
        return self.code

    @property
    def uncertain(self) -> bool:
        """Whether Slack may have done what was asked although the call failed."""
        return self.kind == "outage"


def problem_of(error: Exception) -> Problem:
    """Return what an exception of a Slack call means."""
    if not isinstance(error, SlackApiError):
        return Problem("outage", type(error).__name__)
    response = cast("Any", error).response
    status = int(getattr(response, "status_code", 0) or 0)
    data = getattr(response, "data", response)
    found = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    code = str(found.get("error") or "")
    if not _CODE.fullmatch(code):  # the library puts the body of a proxy's reply there
        code, found = f"http_{status}", {}
    if status == 429 or code == "ratelimited":
        return Problem("throttled", code, _retry_after(response))
    if code in _TOKEN:
        return Problem("token", code)
    if code == "missing_scope":
        return Problem("scope", code, needed=str(found.get("needed") or ""))
    if code in _PLACE:
        return Problem("place", code)
    if status >= 500 or code in _OUTAGE or not found:
        return Problem("outage", code)
    return Problem("rejected", code)


def _retry_after(response: Any) -> float:
    headers: dict[str, Any] = getattr(response, "headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = str(cast("list[Any]", value)[0] if isinstance(value, list) else value)
            return float(text) if text.isdecimal() else _DEFAULT_RETRY_SECONDS
    return _DEFAULT_RETRY_SECONDS
