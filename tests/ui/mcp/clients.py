"""Real MCP clients over both transports, against `ask mcp` in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

ROOT = Path(__file__).parents[3]
TOKEN = "only-for-these-tests"
PROGRAM = [sys.executable, "-c", "from ui.cli import main; main()"]
T = TypeVar("T")


def environment(data: Path, **more: str) -> dict[str, str]:
    """Return the environment of a server that keeps its data in `data`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(data),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "ASK_DATA_DIR": str(data),
        **more,
    }


@asynccontextmanager
async def stdio(data: Path, *flags: str, mode: str = "auto") -> AsyncGenerator[Client]:
    """Yield a client of a server that the client itself started."""
    server = StdioServerParameters(
        command=PROGRAM[0], args=[*PROGRAM[1:], "mcp", *flags], env=environment(data), cwd=ROOT
    )
    async with Client(server, read_timeout_seconds=60, mode=mode) as client:
        yield client


@asynccontextmanager
async def http(url: str, token: str = TOKEN, mode: str = "auto") -> AsyncGenerator[Client]:
    """Yield a client of a server that runs at `url`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as web:
        transport = streamable_http_client(url, http_client=web)
        async with Client(transport, read_timeout_seconds=60, mode=mode) as client:
            yield client


@contextmanager
def running(data: Path, *flags: str, **settings: str) -> Generator[str]:
    """Run `ask mcp --http` and yield its address."""
    port = free_port()
    command = [*PROGRAM, "mcp", "--http", "--port", str(port), *flags]
    process = subprocess.Popen(command, env=environment(data, **settings), cwd=ROOT)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait for the health check to answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                if reply.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def together(work: Callable[[], Awaitable[T]]) -> T:
    """Run an asynchronous test."""
    return anyio.run(work)
