"""Who may use the page."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.errors import NotConfiguredError, UsageError
from ui.web.auth import Door, check_password, hash_password, load_users

PROXIES = ("10.0.0.0/8", "127.0.0.1")


def test_a_password_matches_its_hash_alone() -> None:
    kept = hash_password("ひみつ")
    assert check_password("ひみつ", kept)
    assert not check_password("ひみつ ", kept)
    assert hash_password("ひみつ") != kept  # salted


@pytest.mark.parametrize("kept", ["", "plain", "scrypt$zz$00", "a$b"])
def test_a_damaged_hash_lets_nobody_in(kept: str) -> None:
    assert not check_password("", kept)


def test_users_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text(
        f"# people\n\ntaro:{hash_password('a')}\nhanako:{hash_password('b')}\n", "utf-8"
    )
    door = Door(path, "", ())
    assert door.check("taro", "a") and door.check("hanako", "b")
    assert not door.check("taro", "b") and not door.check("nobody", "a")
    assert "auth" in door.for_gradio("ja")


@pytest.mark.parametrize("text", ["", "taro:plain-password\n", "no colon\n"])
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users"
    path.write_text(text, "utf-8")
    with pytest.raises(NotConfiguredError, match=str(path)):
        load_users(path)
    with pytest.raises(NotConfiguredError):
        load_users(tmp_path / "missing")


def request(host: str, **headers: str) -> Any:
    return SimpleNamespace(client=SimpleNamespace(host=host), headers=headers)


def test_a_header_is_believed_from_a_proxy_alone() -> None:
    door = Door(None, "x-user", PROXIES)
    assert door.named(request("10.1.2.3", **{"x-user": "taro"})) == "taro"
    assert door.named(request("192.0.2.9", **{"x-user": "taro"})) is None
    assert door.named(request("10.1.2.3")) is None
    assert door.named(request("not an address", **{"x-user": "taro"})) is None


def test_password_and_header_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Door(tmp_path / "users", "x-user", ())
    with pytest.raises(UsageError, match="nonsense"):
        Door(None, "x", ("nonsense",))


def test_everyone_may_come_in_by_default() -> None:
    assert Door(None, "", ()).for_gradio("ja") == {}
