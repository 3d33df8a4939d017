"""Who may use the page: everyone, the people of a password file, or whom a proxy names.

The file has a line a user: `name:scrypt$SALT$HASH`, made by `ask web --hash-password`. A reverse
proxy that logs people in (OIDC, SAML) names them in a header; it is believed only when the request
comes from an address that is listed as a proxy.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import NotConfiguredError, UsageError

if TYPE_CHECKING:
    import fastapi

_COST: dict[str, int] = {"n": 2**14, "r": 8, "p": 1}
_NOBODY = "scrypt$00$00"


def hash_password(password: str, salt: bytes | None = None) -> str:
    """Return what the password file holds in place of a password."""
    salt = salt or secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, **_COST)
    return f"scrypt${salt.hex()}${digest.hex()}"


def check_password(password: str, kept: str) -> bool:
    """Return whether a password is the one that was hashed, in the same time either way."""
    try:
        _, salt, _ = kept.split("$")
        made = hash_password(password, bytes.fromhex(salt))
    except ValueError:
        return False
    return hmac.compare_digest(made, kept)


def load_users(path: Path) -> dict[str, str]:
    """Return the users of a password file. Raises NotConfiguredError, naming the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfiguredError(
            f"パスワードファイル {path} を読めません({error})。",
            f"Cannot read the password file {path} ({error}).",
        ) from error
    users: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, kept = line.strip().partition(":")
        if not name or not kept.startswith("scrypt$"):
            raise NotConfiguredError(
                f"{path} の {number} 行目は「名前:scrypt$…」の形ではありません。"
                "ask web --hash-password で作れます。",
                f"Line {number} of {path} is not name:scrypt$…; make it with "
                "ask web --hash-password.",
            )
        users[name] = kept
    if not users:
        raise NotConfiguredError(f"{path} に利用者がいません。", f"{path} names no user.")
    return users


class Door:
    """Lets people in."""

    def __init__(self, file: Path | None, header: str, proxies: Sequence[str]) -> None:
        """Ask for a password, or believe a proxy's header; not both. Raises UsageError."""
        if file and header:
            raise UsageError(
                "--auth-file と --auth-header は同時に指定できません。",
                "Give --auth-file or --auth-header, not both.",
            )
        self._users = load_users(file) if file else {}
        self._header = header
        self._proxies = [_network(text) for text in proxies]

    def for_gradio(self, language: str) -> dict[str, Any]:
        """Return the arguments of `mount_gradio_app`."""
        if self._users:
            ja = language == "ja"
            text = "利用者名とパスワードを入力してください。" if ja else "Please log in."
            return {"auth": self.check, "auth_message": text}
        return {"auth_dependency": self.named} if self._header else {}

    def check(self, name: str, password: str) -> bool:
        """Return whether name and password belong together."""
        # A name that does not exist takes as long as a wrong password.
        return check_password(password, self._users.get(name, _NOBODY))

    def named(self, request: fastapi.Request) -> str | None:
        """Return whom the proxy names; None keeps the request out."""
        host = request.client.host if request.client else ""
        name = request.headers.get(self._header, "").strip()
        return name if name and self._is_proxy(host) else None

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(
            f"プロキシのアドレス {text!r} を読めません。10.0.0.0/8 の形で指定してください。",
            f"Cannot read the proxy address {text!r}; write it as 10.0.0.0/8.",
        ) from error
