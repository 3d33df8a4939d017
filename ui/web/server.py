"""The web server: both pages, who may come in, health, and a clean end.

    /          page in Japanese        /en/       page in English
    /healthz   for load balancers: needs no login, says when the data is from

Never used: Gradio's share tunnel, analytics, run history, monitoring, service worker.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ui.web.auth import Door
from ui.web.session import Sessions

if TYPE_CHECKING:
    import fastapi

    from assistant.app import Assistant
    from ui.web.texts import Language

GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Options:
    """How the server is run."""

    host: str = "127.0.0.1"
    port: int = 7860
    root_path: str = ""
    """Path under which a reverse proxy shows the page."""
    auth_file: Path | None = None
    auth_header: str = ""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    concurrency: int = 16
    """Questions answered at the same time."""
    queue_size: int = 200
    max_upload_mb: int = 20


def build_app(assistant: Assistant, options: Options) -> fastapi.FastAPI:
    """Return the application. Everything expensive is built here, before anyone waits."""
    _quiet_gradio()
    sessions = Sessions(assistant)
    os.environ["GRADIO_TEMP_DIR"] = str(sessions.root / "files")
    import fastapi

    from ui.web.site import Site

    assistant.warm_up()
    pool = ThreadPoolExecutor(options.concurrency, thread_name_prefix="ask-turn")
    site = Site(
        assistant, sessions, pool, options.concurrency, options.max_upload_mb, options.root_path
    )
    ended = threading.Event()

    @asynccontextmanager
    async def life(_: fastapi.FastAPI) -> AsyncGenerator[None]:
        threading.Thread(target=sessions.sweep_until, args=(ended,), daemon=True).start()
        yield
        ended.set()
        pool.shutdown(wait=False, cancel_futures=True)
        sessions.close_all()

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)

    async def health() -> dict[str, str]:
        dates = assistant.catalogue_dates()
        return {"status": "ok", "specs_as_of": str(dates["specs_as_of"])}

    app.get("/healthz")(health)
    _mount(app, site, options)
    return app


def _quiet_gradio() -> None:
    """Turn off what Gradio does beside serving. Read when it is imported and when it mounts."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # It looks for matplotlib's backend around every event; naming one saves a second of imports.
    os.environ.setdefault("MPLBACKEND", "agg")
    # After every event it would sum up the last 10,000 in a data frame, for a page that is off.
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)


def _mount(app: fastapi.FastAPI, site: Any, options: Options) -> None:
    import gradio as gr

    from ui.web.first_script import FirstScript
    from ui.web.page import appearance, build_page, first_script

    door = Door(options.auth_file, options.auth_header, options.trusted_proxies)
    pages: tuple[tuple[Language, str], ...] = (("en", "/en"), ("ja", "/"))  # the narrower first
    mount: Any = cast("Any", gr.mount_gradio_app)  # pyright: ignore[reportUnknownMemberType]
    scripts: dict[str, str] = {}
    for language, path in pages:
        page = build_page(site, language)
        page.queue(
            max_size=options.queue_size,
            default_concurrency_limit=options.concurrency,
            api_open=False,
        )
        mount(
            app,
            page,
            path,
            root_path=options.root_path + path.rstrip("/") or None,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            pwa=False,
            ssr_mode=False,
            mcp_server=False,
            show_error=False,
            max_file_size=f"{options.max_upload_mb}mb",
            allowed_paths=[],
            **door.for_gradio(language),
            **appearance(),
        )
        scripts[f"{path.rstrip('/')}/"] = first_script(options.root_path, language)
    app.add_middleware(FirstScript, scripts=scripts)


def serve(assistant: Assistant, options: Options) -> None:
    """Serve until the process is told to end; running answers get ten seconds to finish."""
    import uvicorn

    require_free(options.host, options.port)
    app = build_app(assistant, options)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        root_path=options.root_path,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
        # Addresses in headers are believed from the proxies alone that may name the user, too.
        forwarded_allow_ips=",".join(options.trusted_proxies),
    )


def require_free(host: str, port: int) -> None:
    """Raise UsageError if the address cannot be listened on: before anything is built."""
    from assistant.errors import UsageError

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} で待ち受けられません({error.strerror})。"
            "--host か --port を変えてください。",
            f"Cannot listen on {host}:{port} ({error.strerror}); change --host or --port.",
        ) from error
