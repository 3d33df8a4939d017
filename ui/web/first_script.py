"""Puts the page's own script before everything else, and headers on every reply.

Gradio adds what is given as `head` after it has started: too late for the language that it speaks
and for a dark page without a flash of white.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
)


class FirstScript:
    """ASGI middleware for the HTML pages of a server."""

    def __init__(self, app: Any, scripts: Mapping[str, str]) -> None:
        """Serve `app`; `scripts` are the scripts of pages by their path."""
        self._app = app
        self._scripts = scripts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        script = self._scripts.get(scope["path"])
        if script is None:
            await self._app(scope, receive, _with_headers(send))
            return
        # A page is changed as text, so it may not arrive compressed.
        plain = [(n, v) for n, v in scope["headers"] if n.lower() != b"accept-encoding"]
        page = _Page(_with_headers(send), script)
        await self._app({**scope, "headers": plain}, receive, page.send)


class _Page:
    """Holds a page back until it is whole."""

    def __init__(self, send: Any, script: str) -> None:
        self._send, self._script = send, script
        self._start: dict[str, Any] = {}
        self._body = b""

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        mark = f"<head><script>{self._script}</script>".encode()
        body = self._body.replace(b"<head>", mark, 1)
        headers = [(n, v) for n, v in self._start["headers"] if n.lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _with_headers(send: Any) -> Any:
    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_HEADERS]}
        await send(message)

    return sending
