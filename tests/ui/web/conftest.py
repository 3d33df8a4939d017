"""A server with the real assistant, and Debian's Chromium to look at it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the extra web is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")
sys.path.insert(0, str(Path(__file__).parent))

from browsing import CHROMIUM, FLAGS, WAIT_MS, Site, Trying, Visit, free_port, start
from playwright.sync_api import Browser, sync_playwright

from assistant.settings import Settings


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """A server for all tests."""
    assistant = Trying(Settings(data_dir=tmp_path_factory.mktemp("web")))
    assistant.closed = threading.Event()
    port = free_port()
    running = start(assistant, port)
    yield Site(f"http://127.0.0.1:{port}", assistant)
    running.end()


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed")
    os.environ.setdefault("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def visit(site: Site, browser: Browser) -> Generator[Callable[..., Visit]]:
    """Return a function that opens a browser of its own."""
    visits: list[Visit] = []

    def begin(*, width: int = 1280, height: int = 860, url: str = "", **more: Any) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=more.pop("locale", "ja-JP"),
            accept_downloads=True,
            **more,
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        found = Visit(context, page, url or site.url, [])
        page.on("pageerror", lambda error: found.errors.append(str(error)))
        page.set_default_timeout(WAIT_MS)
        visits.append(found)
        return found

    yield begin
    for found in visits:
        found.context.close()
        assert found.errors == []


@pytest.fixture
def chat(visit: Callable[..., Visit]) -> Visit:
    """A browser at the chat."""
    found = visit()
    found.open()
    return found
