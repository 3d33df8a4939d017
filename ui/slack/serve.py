"""Running the bot: credentials checked, workers started, then Socket Mode or an HTTP endpoint.

Both run until SIGTERM or Ctrl-C. What is not answered by then stays in the inbox.
"""

from __future__ import annotations

import logging
import re
import signal
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler

from assistant.errors import AuthenticationError, NotConfiguredError, UnreachableError
from assistant.inbox import build_inbox
from ui.slack.app import build_app
from ui.slack.client import SlackClient, build_client
from ui.slack.connection import serve_socket
from ui.slack.problems import UNREACHABLE, Problem, problem_of
from ui.slack.receive import Receiver
from ui.slack.worker import LEASE_SECONDS, Workers

if TYPE_CHECKING:
    from assistant.app import Assistant
    from assistant.settings import Settings

SLACK_URL = "https://slack.com/api/"
EVENTS_PATH, HEALTH_PATH = "/slack/events", "/healthz"
MAX_BODY_BYTES = 1_000_000
MAX_START_WAIT_SECONDS = 60.0
_TOKEN = re.compile(r"\b(xox[a-z]|xapp|xoxe)[-.][A-Za-z0-9-]+")
_log = logging.getLogger("ask.slack")


@dataclass(frozen=True, slots=True)
class Options:
    """How to run."""

    http: bool = False
    host: str = "127.0.0.1"
    port: int = 3000
    threads: int = 4
    base_url: str = SLACK_URL
    lease_seconds: float = LEASE_SECONDS


def run_bot(assistant: Assistant, options: Options, stop: threading.Event | None = None) -> int:
    """Run until stopped and return the exit code. Raises AssistantError if it cannot start."""
    settings = assistant.settings
    check_settings(settings, http=options.http)
    stopping = stop or _stop_on_signal()
    client = build_client(settings.slack_bot_token, options.base_url)
    identity = _introduce(client, stopping)
    if identity is None:
        return 0
    inbox = build_inbox(settings)
    assistant.warm_up()
    workers = Workers(
        assistant,
        inbox,
        client,
        str(identity["user_id"]),
        threads=options.threads,
        lease_seconds=options.lease_seconds,
    )
    receiver = Receiver(inbox, workers.wake)
    app = build_app(client, receiver, assistant, settings.slack_signing_secret)
    workers.start()
    _log.info("@%s in %s, %d waiting", identity["user"], identity["team"], inbox.unfinished())
    try:
        if options.http:
            _serve_http(app, options, stopping)
        else:
            serve_socket(app, settings.slack_app_token, stopping)
    finally:
        workers.stop()
        _log.info("stopped, %d waiting", inbox.unfinished())
    return 0


def check_settings(settings: Settings, *, http: bool) -> None:
    """Raise NotConfiguredError if a credential is missing or of the wrong kind."""
    wanted = {
        "slack_bot_token": "xoxb-",
        **({"slack_signing_secret": ""} if http else {"slack_app_token": "xapp-"}),
    }
    missing = [name for name in wanted if not getattr(settings, name)]
    if missing:
        names = ", ".join(f"ASK_{name.upper()}" for name in missing)
        raise NotConfiguredError(
            f"{names} が設定されていません。docs/slack.ja.md の手順で "
            "Slack アプリを作り、設定してください。",
            f"{names} is not set. Create the Slack app as described in docs/slack.md.",
        )
    for name, prefix in wanted.items():
        if not str(getattr(settings, name)).startswith(prefix):
            raise NotConfiguredError(
                f"ASK_{name.upper()} は {prefix} で始まるトークンです。"
                "別の種類のトークンが入っています。",
                f"ASK_{name.upper()} must be a token that begins with {prefix}.",
            )


def log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    """Write the log to stderr, with anything that looks like a token masked."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked("%(asctime)s %(levelname)s %(message)s"))
    _log.addHandler(handler)
    _log.propagate = False
    _log.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)


class _Masked(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _TOKEN.sub(r"\1-***", super().format(record))


def _introduce(client: SlackClient, stopping: threading.Event) -> dict[str, Any] | None:
    """Return who we are. Waits for Slack while it is away; None: stopped meanwhile."""
    wait = 1.0
    while True:
        try:
            return dict(client.auth_test().data)
        except UNREACHABLE as error:
            problem = problem_of(error)
        if problem.kind not in ("outage", "throttled"):
            raise _refused(problem)
        pause = max(wait, problem.retry_seconds)
        _log.warning("Slack: %s; trying again in %.0f s", problem.code, pause)
        if stopping.wait(pause):
            return None
        wait = min(wait * 2, MAX_START_WAIT_SECONDS)


def _refused(problem: Problem) -> AuthenticationError:
    return AuthenticationError(
        f"Slack がトークンを受け付けません({problem.code})。"
        "アプリを再インストールし、新しいトークンを ASK_SLACK_BOT_TOKEN に設定してください。",
        f"Slack does not accept the token ({problem.code}). "
        "Reinstall the app and set ASK_SLACK_BOT_TOKEN to the new token.",
    )


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _QuietHandler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests; the front proxy does."""


def _serve_http(app: App, options: Options, stopping: threading.Event) -> None:
    try:
        server = _Server((options.host, options.port), _QuietHandler)
    except OSError as error:
        raise UnreachableError(
            f"{options.host}:{options.port} で待ち受けられません({error.strerror})。"
            "--port で変えられます。",
            f"Cannot listen on {options.host}:{options.port} ({error.strerror}); use --port.",
        ) from error
    server.set_app(guarded(SlackRequestHandler(app, EVENTS_PATH)))
    thread = threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True)
    thread.start()
    _log.info("listening on http://%s:%d%s", options.host, server.server_port, EVENTS_PATH)
    try:
        stopping.wait()
    finally:
        server.shutdown()
        server.server_close()


def guarded(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return a WSGI application that refuses bodies that are no payload of Slack."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ.get("PATH_INFO") == HEALTH_PATH:
            start_response("200 OK", [("content-type", "text/plain")])
            return [b"ok\n"]
        length = str(environ.get("CONTENT_LENGTH") or "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            start_response("413 Content Too Large", [("content-type", "text/plain")])
            return [b""]
        return handler(environ, start_response)

    return application


def _stop_on_signal() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    return stopping
