"""The question of a call: from arguments, files and standard input, in that order of meaning.

What comes from a pipe or a file stands first, the question after it. Text is UTF-8; what is not is
read as CP932 (Japanese Windows), and bytes that are neither are replaced.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from pathlib import Path

from ui.console import Console
from ui.failures import Misuse, cause_of
from ui.language import Text
from ui.terminal import clean_text, is_tty

MAX_ATTACHED_BYTES = 10_000_000
_PATIENCE_SECONDS = 2.0


def read_question(words: Sequence[str], files: Sequence[str], console: Console) -> str:
    """Return the whole question; empty if nothing was given."""
    asked = clean_text(" ".join(words)).strip()
    attached = [read_file(path) for path in files]
    if asked == "-" or not is_tty(sys.stdin):
        attached.insert(0, _read_stdin(console, patient=asked not in ("", "-")))
    return "\n\n".join(part for part in (*attached, "" if asked == "-" else asked) if part)


def decode(data: bytes) -> str:
    """Return bytes as text, without control characters that no question needs."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = data.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\x00", "").strip()


def read_attached(path: str, console: Console) -> str:
    """Return the text of a file, or of standard input for `-`."""
    return _read_stdin(console, patient=False) if path == "-" else read_file(path)


def read_file(path: str) -> str:
    """Return the text of a file. Raises Misuse if it cannot be read."""
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(MAX_ATTACHED_BYTES + 1)
    except OSError as error:
        cause = cause_of(error)
        raise Misuse(
            Text(
                f"ファイル {path} を読めません({cause.ja})。",
                f"Cannot read the file {path} ({cause.en}).",
            )
        ) from error
    return decode(_within_limit(data, path))


def _read_stdin(console: Console, *, patient: bool) -> str:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        return clean_text(sys.stdin.read()).strip()
    if patient and not _ready():
        console.note(
            Text(
                "標準入力を待っています(使わないときは < /dev/null)。",
                "Waiting for standard input (use < /dev/null if there is none).",
            )
        )
    return decode(_within_limit(stream.read(MAX_ATTACHED_BYTES + 1), "-"))


def _ready() -> bool:
    """Return whether standard input has something, or its end, within the time of a pause."""
    if os.name == "nt":
        return True
    try:
        return bool(select.select([sys.stdin], [], [], _PATIENCE_SECONDS)[0])
    except (OSError, ValueError):
        return True


def _within_limit(data: bytes, name: str) -> bytes:
    if len(data) > MAX_ATTACHED_BYTES:
        raise Misuse(
            Text(
                f"{name} が大きすぎます(上限 {MAX_ATTACHED_BYTES // 1_000_000} MB)。",
                f"{name} is too large (limit {MAX_ATTACHED_BYTES // 1_000_000} MB).",
            )
        )
    return data
