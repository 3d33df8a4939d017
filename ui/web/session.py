"""What belongs to one browser tab on the server: its directory and, with documents, its assistant.

Nothing here is shared between tabs. A directory is removed when its tab closes, when it has not
been used for a while, and when the server ends.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.app import Assistant

IDLE_SECONDS = 6 * 3600
SWEEP_SECONDS = 600


@dataclass(slots=True)
class Session:
    """One browser tab."""

    directory: Path
    assistant: Assistant | None = None
    """With documents of its own; None: the shared one serves."""
    used: float = field(default_factory=time.monotonic)


class Sessions:
    """The open tabs. Safe to use from several threads."""

    def __init__(self, shared: Assistant, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Serve tabs without documents by `shared`."""
        self.shared = shared
        self._root = Path(tempfile.mkdtemp(prefix="ask-web-"))
        self._idle_seconds = idle_seconds
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    @property
    def root(self) -> Path:
        """Directory above all sessions, private to the user of the server."""
        return self._root

    def assistant(self, key: str) -> Assistant:
        """Return the assistant of a tab."""
        with self._lock:
            session = self._open.get(key)
            if session is None:
                return self.shared
            session.used = time.monotonic()
            return session.assistant or self.shared

    def directory(self, key: str) -> Path:
        """Return the directory of a tab, made on first use."""
        with self._lock:
            session = self._open.get(key)
            if session is None:
                # The key comes from the browser: a hash of it cannot leave the root.
                name = hashlib.sha256(key.encode()).hexdigest()[:32]
                session = self._open[key] = Session(self._root / name)
            session.used = time.monotonic()
            session.directory.mkdir(mode=0o700, exist_ok=True)
            return session.directory

    def with_documents(self, key: str) -> Assistant:
        """Return the tab's own assistant, made on first use."""
        directory = self.directory(key)
        with self._lock:
            session = self._open[key]
            if session.assistant is None:
                session.assistant = self.shared.private(directory / "knowledge")
            return session.assistant

    def close(self, key: str) -> None:
        """Forget a tab and remove its directory."""
        with self._lock:
            session = self._open.pop(key, None)
        if session:
            shutil.rmtree(session.directory, ignore_errors=True)

    def sweep(self) -> None:
        """Close the tabs that were not used for long: not every browser says good-bye."""
        now = time.monotonic()
        with self._lock:
            idle = [k for k, s in self._open.items() if now - s.used > self._idle_seconds]
        for key in idle:
            self.close(key)

    def close_all(self) -> None:
        """Remove everything."""
        with self._lock:
            self._open.clear()
        shutil.rmtree(self._root, ignore_errors=True)

    def sweep_until(self, ended: threading.Event, *, every: float = SWEEP_SECONDS) -> None:
        """Sweep now and then until the server ends."""
        sweep: Callable[[], None] = self.sweep
        while not ended.wait(every):
            sweep()
