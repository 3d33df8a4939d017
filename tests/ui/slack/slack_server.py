"""A local Slack: Web API with argument checks, Socket Mode, Events API deliveries with retries.

Built from Slack's reference (docs.slack.dev/reference/methods, /apis/events-api, Socket Mode, rate
limits). It keeps channels, messages and files, so tests ask what a person would see in a thread.
Timeouts are Slack's, scaled by `Pace` where waiting for minutes would prove nothing more.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_limits import (
    Violation,
    check_blocks,
    check_chunks,
    check_message,
    check_metadata,
    check_prompts,
    check_view,
    decoded,
    need,
)

Json = dict[str, Any]
BOT, BOT_ID, TEAM, APP = "U0BOT", "B0BOT", "T0TEAM", "A0APP"
BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-test-token", "xapp-test-token", "signing-secret-of-the-test"
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Pace:
    """Time limits; the defaults are Slack's own except for the later retries."""

    ack_seconds: float = 3.0
    retry_delays: tuple[float, ...] = (0.1, 3.0, 10.0)  # Slack: at once, 1 minute, 5 minutes
    close_after_warning: float = 1.0  # Slack: about 10 s
    trigger_seconds: float = 3.0


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call: an error code, a status, or a reply that gets lost."""

    error: str = ""
    status: int = 200
    retry_after: int = 0
    lose_reply: bool = False
    """The call takes effect, but the connection breaks before the reply."""
    needed: str = ""


@dataclass
class Delivery:
    """One event on its way, with its attempts."""

    payload: Json
    kind: str
    attempts: int = 0
    acked_after: float | None = None
    """Seconds from the attempt that was acknowledged."""
    response: Any = None
    forced: int = 0
    """Attempts whose acknowledgement is ignored, as if it had come too late."""


# name -> (required, optional); from the reference page of each method
METHODS: dict[str, tuple[set[str], set[str]]] = {
    "auth.test": (set(), set()),
    "apps.connections.open": (set(), set()),
    "chat.postMessage": (
        {"channel"},
        {"text", "blocks", "thread_ts", "metadata", "unfurl_links", "unfurl_media", "mrkdwn",
         "reply_broadcast"},
    ),
    "chat.postEphemeral": ({"channel", "user"}, {"text", "blocks", "thread_ts"}),
    "chat.update": ({"channel", "ts"}, {"text", "blocks", "metadata"}),
    "chat.delete": ({"channel", "ts"}, set()),
    "chat.startStream": (
        {"channel", "thread_ts"},
        {"chunks", "markdown_text", "recipient_team_id", "recipient_user_id", "task_display_mode"},
    ),
    "chat.appendStream": ({"channel", "ts"}, {"chunks", "markdown_text"}),
    "chat.stopStream": ({"channel", "ts"}, {"chunks", "markdown_text", "blocks", "metadata"}),
    "assistant.threads.setStatus": (
        {"channel_id", "thread_ts", "status"},
        {"loading_messages"},
    ),
    "assistant.threads.setSuggestedPrompts": ({"channel_id", "prompts"}, {"thread_ts", "title"}),
    "conversations.replies": (
        {"channel", "ts"},
        {"cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"},
    ),
    "conversations.history": (
        {"channel"},
        {"cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"},
    ),
    "conversations.open": ({"users"}, {"return_im"}),
    "files.getUploadURLExternal": ({"filename", "length"}, {"alt_txt", "snippet_type"}),
    "files.completeUploadExternal": (
        {"files"},
        {"channel_id", "channels", "thread_ts", "initial_comment", "blocks"},
    ),
    "files.info": ({"file"}, set()),
    "reactions.add": ({"channel", "timestamp", "name"}, set()),
    "reactions.remove": ({"channel", "timestamp", "name"}, set()),
    "views.open": ({"view"}, {"trigger_id"}),
    "views.publish": ({"user_id", "view"}, {"hash"}),
}  # fmt: skip


class ApiError(Exception):
    """A reply with `ok: false`."""


class SlackServer:
    """Slack on this machine. Public methods may be called from any thread."""

    def __init__(self, pace: Pace | None = None, seed: int = 0) -> None:
        """Prepare an empty workspace."""
        self.pace = pace or Pace()
        self.random = random.Random(seed)
        self.messages: dict[str, list[Json]] = defaultdict(list)
        self.closed_channels: dict[str, str] = {}
        """Channel -> error code of whoever writes to it."""
        self.violations: list[str] = []
        self.calls: Counter[str] = Counter()
        self.log: list[tuple[str, Json]] = []
        self.keep_log = True
        self.deliveries: list[Delivery] = []
        self.lost: list[Delivery] = []
        self.uploads: dict[str, Json] = {}
        self.shared_files: dict[str, tuple[Json, bytes]] = {}
        self.fault: Callable[[str, Json], Fault | None] = lambda _method, _arguments: None
        self.events_url = ""
        """Where HTTP mode listens; empty: Socket Mode."""
        self.accepted_tokens = {BOT_TOKEN, APP_TOKEN}
        self.port = 0
        self._ts = itertools.count(1)
        self._clock_base = int(time.time())
        self._triggers: dict[str, float] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._acks: dict[str, asyncio.Future[Any]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- life ----------------------------------------------------------------------------------

    def __enter__(self) -> SlackServer:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def base_url(self) -> str:
        """Where the Web API is."""
        return f"http://127.0.0.1:{self.port}/api/"

    @property
    def connections(self) -> int:
        """Open Socket Mode connections."""
        return len(self._sockets)

    def _do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        future: Future[_Result] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    async def _start(self) -> None:
        app = web.Application(client_max_size=20_000_000)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link", self._socket)
        app.router.add_post("/upload/{file}", self._receive_file)
        app.router.add_get("/files-pri/{file}", self._send_file)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = int(self._runner.addresses[0][1])
        self._http = aiohttp.ClientSession()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._http.close()
        for socket in list(self._sockets):
            await socket.close()
        await self._runner.cleanup()

    # -- what people do ------------------------------------------------------------------------

    def say(
        self,
        channel: str,
        user: str,
        text: str,
        *,
        thread_ts: str = "",
        files: list[Json] | None = None,
        forced_retries: int = 0,
        **more: Any,
    ) -> str:
        """Post a message as a person; deliver its events. Return its timestamp.

        A mention arrives twice, as app_mention and as message, in either order.
        """
        ts = self._new_ts()
        message: Json = {"type": "message", "user": user, "text": text, "ts": ts, **more}
        if thread_ts:
            message["thread_ts"] = thread_ts
        if files:
            message |= {"files": files, "subtype": "file_share"}
        self.messages[channel].append(message)
        direct = channel.startswith("D")
        event = {**message, "channel": channel, "channel_type": "im" if direct else "channel"}
        events = [event]
        if f"<@{BOT}>" in text and not direct and "subtype" not in more:
            mention = {k: v for k, v in event.items() if k not in ("subtype", "channel_type")}
            events.append({**mention, "type": "app_mention"})
        self.random.shuffle(events)
        for item in events:
            self.deliver(event_body(item), forced=forced_retries)
        return ts

    def attach(self, name: str, data: bytes, **more: Any) -> Json:
        """Return a file that a person shares."""
        number = f"F{len(self.shared_files)}"
        item: Json = {
            "id": number,
            "name": name,
            "size": len(data),
            "mimetype": "text/plain",
            "url_private_download": f"http://127.0.0.1:{self.port}/files-pri/{number}",
            **more,
        }
        self.shared_files[number] = (item, data)
        return item

    def deliver(self, payload: Json, kind: str = "events_api", forced: int = 0) -> Delivery:
        """Send a payload to the app, again as Slack does until it is acknowledged."""
        delivery = Delivery(payload, kind, forced=forced)
        self.deliveries.append(delivery)
        self._loop.call_soon_threadsafe(self._begin, delivery)
        return delivery

    def trigger(self) -> str:
        """Return a trigger id, good for three seconds."""
        name = f"{uuid.uuid4().hex}"
        self._triggers[name] = time.monotonic()
        return name

    def disconnect(self, reason: str = "refresh_requested", close: bool = True) -> None:
        """Ask every connection to be replaced, as Slack does every few hours."""
        self._do(self._disconnect(reason, close))

    def cut(self) -> None:
        """Break every connection without a word."""
        self._do(self._cut())

    # -- what a person sees --------------------------------------------------------------------

    def thread(self, channel: str, root: str) -> list[Json]:
        """Return the bot's messages in a thread."""
        return [
            m
            for m in list(self.messages[channel])
            if m.get("user") == BOT and m.get("thread_ts") == root and not m.get("deleted")
        ]

    def wait_for(self, truth: Callable[[], object], seconds: float = 10.0) -> bool:
        """Return whether something becomes true in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if truth():
                return True
            time.sleep(0.01)
        return bool(truth())

    # -- deliveries ----------------------------------------------------------------------------

    def _begin(self, delivery: Delivery) -> None:
        task = self._loop.create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        reason = ""
        for attempt in range(len(self.pace.retry_delays) + 1):
            if attempt:
                await asyncio.sleep(self.pace.retry_delays[attempt - 1])
            delivery.attempts = attempt + 1
            started = time.monotonic()
            send = self._post_http if self.events_url else self._send_socket
            ok = await send(delivery, attempt, reason)
            if ok and attempt >= delivery.forced:
                delivery.acked_after = time.monotonic() - started
                return
            reason = "timeout"
            if delivery.kind in ("slash_commands", "interactive"):
                break  # Slack does not repeat these
        self.lost.append(delivery)

    async def _send_socket(self, delivery: Delivery, attempt: int, reason: str) -> bool:
        waited = time.monotonic()
        while not self._sockets:
            if time.monotonic() - waited > self.pace.ack_seconds:
                return False
            await asyncio.sleep(0.02)
        socket = self.random.choice(self._sockets)
        envelope = uuid.uuid4().hex
        message: Json = {
            "type": delivery.kind,
            "envelope_id": envelope,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            message |= {"retry_attempt": attempt, "retry_reason": reason}
        ack: asyncio.Future[Any] = self._loop.create_future()
        self._acks[envelope] = ack
        try:
            await socket.send_json(message)
            delivery.response = await asyncio.wait_for(ack, self.pace.ack_seconds)
        except (TimeoutError, ConnectionError, RuntimeError, aiohttp.ClientError):
            return False
        finally:
            self._acks.pop(envelope, None)
        return True

    async def _post_http(self, delivery: Delivery, attempt: int, reason: str) -> bool:
        if delivery.kind == "events_api":
            body, kind = json.dumps(delivery.payload), "application/json"
        else:
            fields = delivery.payload
            if delivery.kind == "interactive":
                fields = {"payload": json.dumps(delivery.payload)}
            body, kind = urlencode(fields), "application/x-www-form-urlencoded"
        headers = {"content-type": kind, **signed(body)}
        if attempt:
            headers |= {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": reason}
        limit = aiohttp.ClientTimeout(total=self.pace.ack_seconds)
        try:
            async with self._http.post(
                self.events_url, data=body.encode(), headers=headers, timeout=limit
            ) as reply:
                delivery.response = await reply.text()
                return reply.status < 300
        except (TimeoutError, aiohttp.ClientError):
            return False

    # -- Socket Mode ---------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=None, autoping=True)
        await socket.prepare(request)
        info = {"app_id": APP}
        await socket.send_json(
            {"type": "hello", "num_connections": len(self._sockets) + 1, "connection_info": info}
        )
        self._sockets.append(socket)
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._acknowledged(json.loads(message.data))
        finally:
            if socket in self._sockets:
                self._sockets.remove(socket)
        return socket

    def _acknowledged(self, message: Json) -> None:
        ack = self._acks.get(message.get("envelope_id", ""))
        if ack and not ack.done():
            ack.set_result(message.get("payload"))

    async def _disconnect(self, reason: str, close: bool) -> None:
        for socket in list(self._sockets):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            self._sockets.remove(socket)  # no new events over the old connection
            if close:
                self._loop.call_later(
                    self.pace.close_after_warning,
                    lambda s=socket: self._loop.create_task(s.close()),
                )

    async def _cut(self) -> None:
        for socket in list(self._sockets):
            self._sockets.remove(socket)
            transport = socket._req.transport if socket._req else None  # type: ignore[attr-defined]
            if transport:
                transport.abort()

    # -- Web API -------------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await self._arguments(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = token or str(arguments.pop("token", ""))
        arguments.pop("token", None)
        self.calls[method] += 1
        if self.keep_log:
            self.log.append((method, arguments))
        fault = self.fault(method, arguments)
        if fault and not fault.lose_reply:
            return _faulty(fault)
        try:
            reply = {"ok": True, **self._call(method, arguments, token)}
        except ApiError as error:
            reply = {"ok": False, "error": str(error)}
        except (Violation, KeyError, TypeError, ValueError) as error:
            self.violations.append(f"{method}: {type(error).__name__} {error}")
            reply = {"ok": False, "error": "invalid_arguments"}
        if fault and fault.lose_reply:
            transport = request.transport
            if transport:
                transport.abort()
        return web.json_response(reply)

    async def _arguments(self, request: web.Request) -> Json:
        if request.content_type == "application/json":
            return await request.json()
        form = await request.post()
        fields = {**request.query, **{k: v for k, v in form.items() if isinstance(v, str)}}
        return {key: decoded(value) for key, value in fields.items()}

    def _call(self, method: str, arguments: Json, token: str) -> Json:
        if token not in self.accepted_tokens:
            raise ApiError("invalid_auth" if token else "not_authed")
        need(method in METHODS, method, "is not a method")
        wants_app = method == "apps.connections.open"
        need((token == APP_TOKEN) == wants_app, method, "not_allowed_token_type")
        required, optional = METHODS[method]
        given = {key for key, value in arguments.items() if value is not None}
        need(required <= given, method, f"missing {required - given}")
        need(given <= required | optional, method, f"unknown {given - required - optional}")
        handler = getattr(self, f"_{method.replace('.', '_')}")
        return handler(**{key: arguments[key] for key in given})

    def _auth_test(self) -> Json:
        return {"url": "https://test.slack.com/", "team": "test", "user": "ask", "team_id": TEAM,
                "user_id": BOT, "bot_id": BOT_ID, "is_enterprise_install": False}  # fmt: skip

    def _apps_connections_open(self) -> Json:
        return {"url": f"ws://127.0.0.1:{self.port}/link?ticket={uuid.uuid4().hex}&app_id={APP}"}

    def _chat_postMessage(self, channel: str, **arguments: Any) -> Json:
        self._check_channel(channel)
        check_message(arguments)
        if root := arguments.get("thread_ts"):
            self._find(channel, root, "thread_not_found")
        message = self._add(channel, **arguments)
        return {"channel": channel, "ts": message["ts"], "message": message}

    def _chat_postEphemeral(self, channel: str, user: str, **arguments: Any) -> Json:
        self._check_channel(channel)
        check_message(arguments)
        return {"message_ts": self._new_ts()}

    def _chat_delete(self, channel: str, ts: str) -> Json:
        message = self._find(channel, ts, "message_not_found")
        if message.get("user") != BOT:
            raise ApiError("cant_delete_message")
        message["deleted"] = True
        return {"channel": channel, "ts": ts}

    def _chat_startStream(self, channel: str, thread_ts: str, **arguments: Any) -> Json:
        self._check_channel(channel)
        if not channel.startswith("D"):
            for name in ("recipient_team_id", "recipient_user_id"):
                if not arguments.get(name):
                    raise ApiError(f"missing_{name}")
        need(arguments.get("task_display_mode", "plan") in ("plan", "timeline"), "stream", "mode")
        self._find(channel, thread_ts, "thread_not_found")
        check_chunks(arguments.get("chunks", []))
        message = self._add(channel, thread_ts=thread_ts, streaming=True, chunks=[])
        message["chunks"] += arguments.get("chunks", [])
        return {"channel": channel, "ts": message["ts"]}

    def _streaming(self, channel: str, ts: str) -> Json:
        message = self._find(channel, ts, "message_not_found")
        if not message.get("streaming"):
            raise ApiError("message_not_in_streaming_state")
        return message

    def _chat_appendStream(self, channel: str, ts: str, chunks: Any) -> Json:
        check_chunks(chunks)
        self._streaming(channel, ts)["chunks"] += chunks
        return {"channel": channel, "ts": ts}

    def _chat_stopStream(
        self, channel: str, ts: str, chunks: Any = (), blocks: Any = None, metadata: Any = None
    ) -> Json:
        message = self._streaming(channel, ts)
        check_chunks(list(chunks))
        if blocks is not None:
            check_blocks(blocks, 50)
        if metadata is not None:
            check_metadata(metadata)
        message["chunks"] += chunks
        message |= {"blocks": blocks, "metadata": metadata, "streaming": False}
        return {"channel": channel, "ts": ts}

    def _assistant_threads_setStatus(
        self, channel_id: str, thread_ts: str, status: str, loading_messages: Any = ()
    ) -> Json:
        self._check_channel(channel_id)
        self._find(channel_id, thread_ts, "invalid_thread_ts")
        need(len(loading_messages) <= 10, "loading_messages", "at most 10")
        return {}

    def _assistant_threads_setSuggestedPrompts(
        self, channel_id: str, prompts: Any, thread_ts: str = "", title: str = ""
    ) -> Json:
        self._check_channel(channel_id)
        check_prompts(prompts)
        return {}

    def _conversations_open(self, users: str) -> Json:
        return {"channel": {"id": f"D{users}"}}

    def _conversations_replies(
        self, channel: str, ts: str, cursor: str = "", limit: int = 100, **options: Any
    ) -> Json:
        found = [m for m in self.messages[channel] if m["ts"] == ts or m.get("thread_ts") == ts]
        return self._page(found, cursor, limit, options)

    def _conversations_history(
        self, channel: str, cursor: str = "", limit: int = 100, **options: Any
    ) -> Json:
        top = [m for m in self.messages[channel] if m.get("thread_ts", m["ts"]) == m["ts"]]
        return self._page(top[::-1], cursor, limit, options)

    def _page(self, found: list[Json], cursor: str, limit: int, options: Json) -> Json:
        need(1 <= int(limit) <= 999, "limit", "1 to 999")
        oldest = float(options.get("oldest", 0))
        seen = [m for m in found if float(m["ts"]) > oldest and not m.get("deleted")]
        start = int(cursor or 0)
        end = start + int(limit)
        shown = seen[start:end]
        if not _true(options.get("include_all_metadata")):
            shown = [{k: v for k, v in m.items() if k != "metadata"} for m in shown]
        after = str(end) if end < len(seen) else ""
        return {"messages": shown, "response_metadata": {"next_cursor": after}}

    def _files_getUploadURLExternal(
        self, filename: str, length: Any, alt_txt: str = "", snippet_type: str = ""
    ) -> Json:
        number = f"FU{len(self.uploads)}"
        self.uploads[number] = {"name": filename, "length": int(length)}
        url = f"http://127.0.0.1:{self.port}/upload/{number}"
        return {"upload_url": url, "file_id": number}

    def _files_completeUploadExternal(
        self, files: Any, channel_id: str = "", thread_ts: str = "", **_: Any
    ) -> Json:
        self._check_channel(channel_id)
        shared: list[Json] = []
        for item in files:
            stored = self.uploads.get(item["id"])
            if stored is None or "data" not in stored:
                raise ApiError("file_not_found")
            need(len(stored["data"]) == stored["length"], "upload", "length as announced")
            shared.append({"id": item["id"], "name": stored["name"], "title": item.get("title")})
        self._add(channel_id, thread_ts=thread_ts or None, files=shared, text="")
        return {"files": shared}

    def _files_info(self, file: str) -> Json:
        if file not in self.shared_files:
            raise ApiError("file_not_found")
        return {"file": self.shared_files[file][0]}

    def _reactions_add(self, channel: str, timestamp: str, name: str) -> Json:
        message = self._find(channel, timestamp, "message_not_found")
        message.setdefault("reactions", []).append(name)
        return {}

    def _reactions_remove(self, channel: str, timestamp: str, name: str) -> Json:
        message = self._find(channel, timestamp, "message_not_found")
        if name not in message.get("reactions", []):
            raise ApiError("no_reaction")
        message["reactions"].remove(name)
        return {}

    def _views_open(self, view: Json, trigger_id: str = "") -> Json:
        born = self._triggers.pop(trigger_id, None)
        if born is None or time.monotonic() - born > self.pace.trigger_seconds:
            raise ApiError("expired_trigger_id")
        check_view(view)
        return {"view": {**view, "id": f"V{uuid.uuid4().hex[:8]}"}}

    def _views_publish(self, user_id: str, view: Json) -> Json:
        need(view["type"] == "home", "view", "only a Home tab is published")
        check_view(view)
        return {"view": view}

    # -- files ---------------------------------------------------------------------------------

    async def _receive_file(self, request: web.Request) -> web.Response:
        self.uploads[request.match_info["file"]]["data"] = await request.read()
        return web.Response(text="OK")

    async def _send_file(self, request: web.Request) -> web.Response:
        if request.headers.get("authorization") != f"Bearer {BOT_TOKEN}":
            raise web.HTTPFound("https://slack.com/signin")
        return web.Response(body=self.shared_files[request.match_info["file"]][1])

    # -- keeping -------------------------------------------------------------------------------

    def _check_channel(self, channel: str) -> None:
        if error := self.closed_channels.get(channel):
            raise ApiError(error)

    def _find(self, channel: str, ts: str, error: str) -> Json:
        for message in reversed(self.messages[channel]):
            if message["ts"] == ts and not message.get("deleted"):
                return message
        raise ApiError(error)

    def _add(self, channel: str, **fields: Any) -> Json:
        message = {"type": "message", "user": BOT, "bot_id": BOT_ID, "ts": self._new_ts()}
        message |= {key: value for key, value in fields.items() if value is not None}
        self.messages[channel].append(message)
        return message

    def _new_ts(self) -> str:
        """Return a timestamp that no other message has."""
        return f"{int(time.time())}.{next(self._ts):06d}"


def _true(value: Any) -> bool:
    return value in (True, 1, "1", "true", "True")


def _faulty(fault: Fault) -> web.Response:
    headers = {"retry-after": str(fault.retry_after)} if fault.status == 429 else {}
    if fault.status >= 500:
        return web.Response(status=fault.status, text="upstream connect error")
    body: Json = {"ok": False, "error": fault.error or "ratelimited"}
    if fault.needed:
        body["needed"] = fault.needed
    return web.json_response(body, status=fault.status, headers=headers)


def event_body(event: Json) -> Json:
    """Return the outer body of an Events API payload."""
    return {
        "token": "unused",
        "team_id": TEAM,
        "api_app_id": APP,
        "type": "event_callback",
        "event_id": f"Ev{uuid.uuid4().hex[:10]}",
        "event_time": int(time.time()),
        "event": event,
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }


def signed(body: str, *, secret: str = SECRET, age_seconds: int = 0) -> dict[str, str]:
    """Return the headers with which Slack signs a body (version v0)."""
    stamp = str(int(time.time()) - age_seconds)
    base = f"v0:{stamp}:{body}".encode()
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}
