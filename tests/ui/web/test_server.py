"""The server from outside: logins, addresses, headers, limits."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from browsing import Trying, free_port, start

from assistant.errors import UsageError
from assistant.settings import Settings
from ui.web.auth import hash_password
from ui.web.server import require_free


def status(url: str, headers: Mapping[str, str] | None = None) -> int:
    """Return the status of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {}))) as r:
            return int(r.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_password_file_closes_both_pages_but_not_health(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(f"taro:{hash_password('himitsu')}\n", "utf-8")
    port = free_port()
    running = start(Trying(Settings(data_dir=tmp_path / "data")), port, auth_file=users)
    base = f"http://127.0.0.1:{port}"
    assert status(f"{base}/healthz") == 200
    assert status(f"{base}/config") == 401
    assert status(f"{base}/en/config") == 401
    running.end()


def test_a_proxy_header_lets_in_whom_it_names(tmp_path: Path) -> None:
    port = free_port()
    running = start(Trying(Settings(data_dir=tmp_path / "data")), port, auth_header="x-user")
    base = f"http://127.0.0.1:{port}"
    assert status(f"{base}/config") == 401
    assert status(f"{base}/config", {"x-user": "taro"}) == 200
    running.end()


def test_files_of_the_server_cannot_be_read(tmp_path: Path) -> None:
    secret = tmp_path / "data" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("secret", "utf-8")
    port = free_port()
    running = start(Trying(Settings(data_dir=tmp_path / "data")), port)
    base = f"http://127.0.0.1:{port}/gradio_api/file="
    for path in (secret, Path("/etc/passwd"), Path(__file__).parents[3] / "pyproject.toml"):
        assert status(f"{base}{path}") in (403, 404), path
    running.end()


def test_an_address_in_use_is_said_before_anything_is_built() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="--port"):
            require_free("127.0.0.1", taken.getsockname()[1])
