"""Running the server: over stdin and stdout, or over streamable HTTP.

HTTP listens on the loopback address unless told otherwise; every other address needs a token
(ASK_MCP_TOKEN), sent as `Authorization: Bearer …`. Requests carry no session, so several processes
can stand behind one load balancer.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field

import anyio
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.app import Assistant
from assistant.errors import NotConfiguredError
from ui.mcp.server import build_server
from ui.mcp.tools import Limits

MCP_PATH, HEALTH_PATH = "/mcp", "/healthz"
MAX_BODY_BYTES = 1_000_000
GRACE_SECONDS = 10
MAX_CONNECTIONS = 512


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve over HTTP."""

    host: str = "127.0.0.1"
    port: int = 8765
    allowed_hosts: tuple[str, ...] = ()
    """Names by which a proxy reaches a server that listens on the loopback address."""
    limits: Limits = field(default_factory=Limits)


def run_stdio(assistant: Assistant, limits: Limits) -> None:
    """Serve one client over stdin and stdout until it leaves."""
    server = build_server(assistant, limits)

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)


def build_app(assistant: Assistant, options: Options) -> Starlette:
    """Return the ASGI application. Raises NotConfiguredError if it would stand open."""
    token = assistant.settings.mcp_token
    if not token and not is_loopback(options.host):
        raise NotConfiguredError(
            f"{options.host} で待ち受けるには ASK_MCP_TOKEN(合言葉のトークン)が必要です。",
            f"Listening on {options.host} needs a token: set ASK_MCP_TOKEN.",
        )
    server = build_server(assistant, options.limits)

    async def health(_: Request) -> JSONResponse:
        dates = assistant.catalogue_dates()
        return JSONResponse({"status": "ok", "specs_as_of": str(dates["specs_as_of"])})

    app = server.streamable_http_app(
        streamable_http_path=MCP_PATH,
        stateless_http=True,
        max_request_body_size=MAX_BODY_BYTES,
        transport_security=_security(options),
        custom_starlette_routes=[Route(HEALTH_PATH, health)],
    )
    if token:
        app.add_middleware(TokenCheck, token=token)
    return app


def run_http(assistant: Assistant, options: Options) -> None:
    """Serve until the process is told to end; running calls get ten seconds to finish."""
    import uvicorn

    app = build_app(assistant, options)
    assistant.warm_up()
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        log_level="warning",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
    )


class TokenCheck:
    """ASGI middleware that lets only requests with the token pass; the health check is open."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Ask for `token`."""
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] == HEALTH_PATH or self._knows(scope):
            await self._app(scope, receive, send)
            return
        response = JSONResponse(
            {"error": "invalid_token", "error_description": "Authorization: Bearer TOKEN"},
            status_code=401,
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
        await response(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        given = next((value for name, value in headers if name == b"authorization"), b"")
        return hmac.compare_digest(given, self._expected)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _security(options: Options) -> TransportSecuritySettings:
    """Return which Host and Origin headers are accepted: a web page must not reach the server."""
    if not is_loopback(options.host):
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the token does it
    names = ("127.0.0.1", "localhost", "[::1]", *options.allowed_hosts)
    hosts = [form for name in names for form in (name, f"{name}:*")]
    origins = [f"{scheme}://{form}" for form in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)
