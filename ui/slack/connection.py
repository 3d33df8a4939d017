"""The Socket Mode connection, replaced within a second where the library would take a minute.

The library finds out about a connection that broke only when five pings in a row could not be sent
(measured: 50 s at its default interval), and meanwhile hears nothing. The operating system knows at
once that the other end is gone; connections that die silently are left to the library's pings.
"""

from __future__ import annotations

import logging
import select
import threading
from typing import Any

from slack_bolt.adapter.socket_mode import SocketModeHandler

from assistant.errors import AuthenticationError
from ui.slack.problems import UNREACHABLE, Problem, problem_of

PING_SECONDS = 5.0
WATCH_SECONDS = 0.5
MAX_WAIT_SECONDS = 60.0
_RECEIVERS = 10
_CLOSING_SECONDS = 0.1
_GONE = sum(getattr(select, name, 0) for name in ("POLLHUP", "POLLERR", "POLLNVAL", "POLLRDHUP"))
_log = logging.getLogger("ask.slack")


def serve_socket(app: Any, app_token: str, stopping: threading.Event) -> None:
    """Receive over Socket Mode until stopped. Raises AuthenticationError."""
    handler = SocketModeHandler(app, app_token, concurrency=_RECEIVERS, ping_interval=PING_SECONDS)
    try:
        _connect(handler, stopping)
        _log.info("listening (Socket Mode)")
        while not stopping.wait(WATCH_SECONDS):
            _replace_broken(handler.client)
    finally:
        # The library waits for its last read, for seconds in which nothing can happen any more.
        closing = threading.Thread(target=handler.close, daemon=True)
        closing.start()
        closing.join(_CLOSING_SECONDS)


def _connect(handler: SocketModeHandler, stopping: threading.Event) -> None:
    """Open the first connection, however long Slack is away."""
    wait = 1.0
    while not stopping.is_set():
        try:
            handler.connect()
            return
        except UNREACHABLE as error:
            problem = problem_of(error)
        if problem.kind not in ("outage", "throttled"):
            raise _refused(problem)
        _log.warning("Socket Mode: %s; trying again in %.0f s", problem.code, wait)
        stopping.wait(wait)
        wait = min(wait * 2, MAX_WAIT_SECONDS)


def _replace_broken(client: Any) -> None:
    session = client.current_session
    if session is None or session.sock is None or not _is_gone(session.sock):
        return
    _log.warning("the connection broke; connecting again")
    try:
        session.disconnect()
        client.connect_to_new_endpoint()
    except UNREACHABLE as error:  # the library goes on trying
        _log.warning("Socket Mode: %s", problem_of(error).code)


def _is_gone(sock: Any) -> bool:
    """Return whether the other end has closed or reset the connection."""
    try:
        poll = select.poll()
        poll.register(sock.fileno(), _GONE)
        return any(event & _GONE for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):  # closed by the library; no poll on Windows
        return False


def _refused(problem: Problem) -> AuthenticationError:
    return AuthenticationError(
        f"Slack がアプリのトークンを受け付けません({problem.code})。"
        "connections:write を付けた App-Level Token を ASK_SLACK_APP_TOKEN に設定してください。",
        f"Slack does not accept the app token ({problem.code}). Set ASK_SLACK_APP_TOKEN "
        "to an app-level token with connections:write.",
    )
