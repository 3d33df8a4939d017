"""The Web API client that the bot calls."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias, cast

from slack_sdk import WebClient

SlackClient: TypeAlias = Any
"""A WebClient; named so because the arguments and replies of its methods have no types."""
_TIMEOUT_SECONDS = 30


def build_client(token: str, base_url: str) -> SlackClient:
    """Return a client that never repeats a call by itself.

    A lost reply may hide a message that was posted, so `deliver` looks before it sends again.
    """
    return WebClient(
        token=token,
        base_url=base_url,
        timeout=_TIMEOUT_SECONDS,
        retry_handlers=[],
        logger=library_log(),
    )


def library_log() -> logging.Logger:
    """Return the log of the libraries, without the bodies that they write at lower levels."""
    log = logging.getLogger("ask.slack.library")
    log.setLevel(logging.WARNING)
    return log


def member(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object inside a payload, empty where there is none."""
    value = body.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
