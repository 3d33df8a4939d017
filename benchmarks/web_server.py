"""A server of `ask web` in a process of its own, for the measurements."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

ROOT = Path(__file__).parents[1]
START_SECONDS = 90


@dataclass(frozen=True)
class Server:
    """Where it answers, and its process."""

    url: str
    pid: int

    @property
    def memory_mb(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextmanager
def serving() -> Generator[Server]:
    """Run a server with data of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with TemporaryDirectory() as folder:
        env = {**os.environ, "ASK_DATA_DIR": folder, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from ui.cli import main; main()", "web", "-q"]
        process = subprocess.Popen([*command, "--port", str(port)], env=env)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            yield Server(url, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/healthz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.25)
    raise RuntimeError("the server did not start")
