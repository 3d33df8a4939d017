"""Files: those that users send are read as text; charts and bundles of an answer are uploaded."""

from __future__ import annotations

import io
import logging
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError

from assistant.answer import Answer, Artifact
from assistant.artifact_store import is_remote, read_artifact
from assistant.errors import AssistantError
from ui.language import Text
from ui.question import decode
from ui.slack.client import SlackClient
from ui.slack.problems import problem_of
from ui.slack.question import SharedFile

MAX_FILES, MAX_FILE_BYTES = 5, 1_000_000
_TYPES = {
    "", ".json", ".jsonl", ".txt", ".log", ".out", ".err", ".py", ".ipynb", ".yaml", ".yml",
    ".toml", ".ini", ".cfg", ".conf", ".md", ".csv", ".tsv", ".sh", ".xml", ".html", ".sbatch",
}  # fmt: skip
_log = logging.getLogger("ask.slack")
_TIMEOUT_SECONDS = 20
_CUT = "\n…\n"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as text, or why it is not read."""

    name: str
    content: str = ""
    refusal: Text | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of an answer."""

    name: str
    """Unique to the answer, so that it can be recognised in the thread."""
    title: str
    data: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Slack sends to its login page whoever may not read a file; our token stays with Slack."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""


def read_files(client: SlackClient, files: tuple[SharedFile, ...]) -> list[ReadFile]:
    """Return the text of each file."""
    read = [_read(client, file) for file in files[:MAX_FILES]]
    refusal = Text(
        f"1 度に読めるのは {MAX_FILES} 個までです。", f"At most {MAX_FILES} files are read at once."
    )
    return [*read, *(ReadFile(file.name, refusal=refusal) for file in files[MAX_FILES:])]


def quoted(files: list[ReadFile], room: int) -> str:
    """Return the readable files, each fenced under its name, within `room` characters.

    What is too long keeps its beginning and, as errors stand at the end, a longer ending.
    """
    readable = [file for file in files if file.refusal is None]
    share = room // max(len(readable), 1) - 200
    return "\n\n".join(f"{f.name}:\n```\n{shortened(f.content, share)}\n```" for f in readable)


def shortened(text: str, limit: int) -> str:
    """Return `text` without its middle if it is longer than `limit`."""
    if len(text) <= limit:
        return text
    head = limit // 4
    return text[:head] + _CUT + text[len(text) - (limit - head - len(_CUT)) :]


def uploads(answer: Answer) -> Iterator[Upload]:
    """Yield the charts of an answer as pictures, then its files."""
    for chart in answer.charts:
        try:
            yield _picture(chart, answer)
        except Exception as error:  # a picture that cannot be drawn does not hold up the answer
            _log.error("chart: %s", type(error).__name__)
    yield from _artifacts(answer)


def _picture(chart: dict[str, Any], answer: Answer) -> Upload:
    from ui.charts import chart_png

    data = chart_png(chart, answer.language)
    name = f"{chart['id']}-{answer.answer_id}.png"
    return Upload(name, str(chart["title"][answer.language]), data)


def _artifacts(answer: Answer) -> Iterator[Upload]:
    remote = [a for a in answer.artifacts if is_remote(a.path)]
    for item in [a for a in remote if a.media_type == "application/zip"] or remote:
        try:
            data = read_artifact(item.path)
        except AssistantError as error:  # the answer stands; its warning or the log tells
            _log.error("artifact: %s", error)
            continue
        if data is not None:
            yield _upload(item, answer, data)
    present = [a for a in answer.artifacts if Path(a.path).exists()]
    present = [a for a in present if a.media_type == "application/zip"] or present
    files = [a for a in present if Path(a.path).is_file()]
    if len(files) == len(present) <= 3:
        for item in files:
            yield _upload(item, answer, Path(item.path).read_bytes())
    elif present:
        data = _zipped([Path(item.path) for item in present])
        yield Upload(f"bundle-{answer.answer_id}.zip", present[0].description, data)


def _upload(item: Artifact, answer: Answer, data: bytes) -> Upload:
    path = PurePosixPath(item.path)
    name = f"{path.stem}-{answer.answer_id}{path.suffix}"
    return Upload(name, item.description or path.name, data)


def _zipped(paths: list[Path]) -> bytes:
    packed = io.BytesIO()
    parents = {path if path.is_dir() else path.parent for path in paths}
    top = min(parents, key=lambda path: len(path.parts))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            members = sorted(path.rglob("*")) if path.is_dir() else [path]
            for member in members:
                if member.is_file():
                    inside = member.relative_to(top) if member.is_relative_to(top) else member.name
                    archive.write(member, str(inside))
    return packed.getvalue()


def _read(client: SlackClient, file: SharedFile) -> ReadFile:
    try:
        return _read_one(client, file)
    except SlackApiError as error:
        problem = problem_of(error)
        if problem.kind in ("throttled", "outage", "token"):
            raise
        _log.error("file: %s", problem.advice)
        return ReadFile(file.name or file.id, refusal=_UNREADABLE)


def _read_one(client: SlackClient, file: SharedFile) -> ReadFile:
    if not file.url:  # Slack Connect sends the id alone
        info: dict[str, Any] = client.files_info(file=file.id)["file"]
        file = SharedFile(
            id=file.id,
            name=info.get("name") or file.name,
            size_bytes=int(info.get("size") or 0),
            url=info.get("url_private_download") or info.get("url_private") or "",
            media_type=info.get("mimetype") or "",
        )
    name = PurePosixPath(file.name.replace("`", "")).name[:100] or file.id
    if refusal := _refusal(client, file):
        return ReadFile(name, refusal=refusal)
    data = _download(client, file.url)
    if data is None:
        return ReadFile(name, refusal=_UNREADABLE)
    if len(data) > MAX_FILE_BYTES:
        return ReadFile(name, refusal=_TOO_LARGE)
    if b"\x00" in data[:4096]:
        return ReadFile(name, refusal=_NO_TEXT)
    return ReadFile(name, decode(data).replace("```", "'''"))


def _refusal(client: SlackClient, file: SharedFile) -> Text | None:
    kind = file.media_type
    known = PurePosixPath(file.name.lower()).suffix in _TYPES
    if not known and not kind.startswith("text/") and kind != "application/json":
        return _NO_TEXT
    if file.size_bytes > MAX_FILE_BYTES:
        return _TOO_LARGE
    return None if _is_slack(client, file.url) else _UNREADABLE


def _is_slack(client: SlackClient, url: str) -> bool:
    base, found = urlsplit(str(client.base_url)), urlsplit(url)
    hosts = {base.netloc, f"files.{base.netloc.removeprefix('www.')}"}
    return found.scheme == base.scheme and found.netloc in hosts


def _download(client: SlackClient, url: str) -> bytes | None:
    """Return the content, at most one byte more than the limit; None: no permission."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {client.token}"})
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return response.read(MAX_FILE_BYTES + 1)
    except urllib.error.HTTPError as error:
        if error.code >= 500 or error.code == 429:
            raise
        return None


_TOO_LARGE = Text(
    f"大きすぎます(上限 {MAX_FILE_BYTES // 1_000_000} MB)。",
    f"Too large (limit {MAX_FILE_BYTES // 1_000_000} MB).",
)
_NO_TEXT = Text(
    "テキストではないため読めません(JSON、ログ、YAML、Python などを送ってください)。",
    "Not text (send JSON, logs, YAML, Python and the like).",
)
_UNREADABLE = Text("Slack から読み出せませんでした。", "Could not be read from Slack.")
