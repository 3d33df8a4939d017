"""A server with the real assistant, and a browser that visits it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import BrowserContext, Locator, Page, expect

from assistant.app import Assistant
from assistant.events import Step
from ui.web.server import Options, build_app

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
)
WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)


class Trying(Assistant):
    """The real assistant, with words in a question that make it slow or crash."""

    closed: threading.Event
    """Set when the stream of a slow question was closed before its end."""

    def stream(
        self, question: str, thread_id: str | None = None, language: str | None = None
    ) -> Iterator[Any]:
        """Answer, slowly for `SLOW`, and not at all for `CRASH`."""
        if "CRASH" in question:
            yield Step("計算中", "estimate_cost", "started")
            raise RuntimeError("secret detail")
        if "SLOW" in question:
            try:
                for number in range(200):
                    yield Step(f"手順 {number}", f"tool{number}", "started")
                    time.sleep(0.05)
            except GeneratorExit:
                self.closed.set()
                raise
        yield from super().stream(question, thread_id, language)


@dataclass
class Site:
    """A running server."""

    url: str
    assistant: Trying


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    """A server on a thread."""

    server: uvicorn.Server
    thread: threading.Thread

    def end(self) -> None:
        """Stop serving and wait for the end."""
        self.server.should_exit = True
        self.server.force_exit = True
        self.thread.join(20)


def start(assistant: Assistant, port: int, **options: Any) -> Running:
    """Serve an assistant at a port and return when it answers."""
    app = build_app(assistant, Options(port=port, **options))
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.started
    return Running(server, thread)


@dataclass
class Visit:
    """A browser with a profile of its own, and what went wrong in it."""

    context: BrowserContext
    page: Page
    url: str
    errors: list[str]

    def open(self, path: str = "/") -> Page:
        """Open a page and wait until it can be used."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector("#ask-input", state="attached")
        return self.page

    def ask(self, question: str) -> Locator:
        """Ask, wait for the answer, and return its article."""
        done = self.page.locator("article[data-done=true]").count()
        box = self.page.locator("#ask-input")
        box.fill(question)
        box.press("Enter")
        article = self.page.locator("article[data-done=true]").nth(done)
        expect(article).to_be_visible()
        return article
