"""Types for what users type into a bundle: each is validated, so that it can be quoted anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

MAX_TEXT = 4_000
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
_S3_KEY = re.compile(r"[\w!.*'()/=+@:, -]*")
_PATH = re.compile(r"[\w./~ @+=,-]+")
_GLOB = re.compile(r"[\w./~ @+=,*?-]+")
_SCHEDULER = re.compile(r"(?:(?:tcp|tls)://[\w.-]+:\d{1,5})?", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:[\w+=,.@:/-]+", re.ASCII)
_URL = re.compile(r"(?:rtsps?|https?)://[\w.:@%?&=+/~,-]+", re.ASCII)


class OptionError(ValueError):
    """An option that cannot be used, with the reason in both languages."""

    def __init__(self, ja: str, en: str) -> None:
        """Keep both messages."""
        super().__init__(en)
        self.ja, self.en = ja, en


def _matching(pattern: re.Pattern[str], ja: str, en: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not pattern.fullmatch(value) or ".." in value:
            raise OptionError(f"{shorten(value)} は使えません。{ja}", f"{shorten(value)}: {en}")
        return value

    return check


def shorten(value: str, width: int = 60) -> str:
    """Return `value` quoted on one line, cut to `width`."""
    flat = repr(value)
    return flat if len(flat) <= width else flat[: width - 2] + "…'"


def _s3_uri(value: str) -> str:
    bucket, _, key = value.removeprefix("s3://").partition("/")
    good = value.startswith("s3://") and _BUCKET.fullmatch(bucket) and _S3_KEY.fullmatch(key)
    if not good or ".." in value:
        raise OptionError(
            f"{shorten(value)} は S3 の場所ではありません。s3://バケット名/接頭辞 の形で書きます"
            "(バケット名は小文字の英数字、ハイフン、ピリオド)。",
            f"{shorten(value)} is no S3 location; write s3://bucket/prefix.",
        )
    return value.rstrip("/")


def _free_text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise OptionError(
            f"{MAX_TEXT:,} 文字以内で書いてください。", f"At most {MAX_TEXT:,} letters."
        )
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise OptionError(
            "文字として読めないものが入っています。", "It holds unreadable characters."
        )
    return value


def _path_or_s3(value: str) -> str:
    return _s3_uri(value) if value.startswith("s3:") else _LOCAL(value)


_LOCAL = _matching(
    _PATH,
    "パスは文字、数字と . _ - / ~ @ + = , 空白で書き、.. は使えません。",
    "a path holds letters, digits and . _ - / ~ @ + = , space, without '..'.",
)


def _bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value) or ".." in value:
        raise OptionError(
            f"{shorten(value)} はバケット名ではありません。小文字の英数字、ハイフン、"
            "ピリオドで書きます。",
            f"{shorten(value)} is no bucket name: lower-case letters, digits, '-' and '.'.",
        )
    return value


def _prefix(value: str) -> str:
    stripped = value.strip("/")
    if not stripped or not _S3_KEY.fullmatch(stripped) or ".." in stripped:
        raise OptionError(
            f"{shorten(value)} は S3 の接頭辞として使えません。",
            f"{shorten(value)} cannot be a prefix in S3.",
        )
    return stripped


def _glob(value: str) -> str:
    return _s3_uri(value) if value.startswith("s3:") else _LOCAL_GLOB(value)


_LOCAL_GLOB = _matching(
    _GLOB,
    "パスは文字、数字と . _ - / ~ @ + = , * ? 空白で書き、.. は使えません。",
    "a path holds letters, digits and . _ - / ~ @ + = , * ? space, without '..'.",
)


def _split(value: object) -> object:
    """Return the parts of `a,b`, as a command line gives a list."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


HubId = Annotated[
    str,
    AfterValidator(
        _matching(
            _HUB_ID,
            "モデルやデータセットの名前は「組織/名前」の形で、英数字と . _ - だけです。",
            "a repository name is owner/name of letters, digits, '.', '_' and '-'.",
        )
    ),
]
"""Repository on the Hugging Face hub."""
S3Uri = Annotated[str, AfterValidator(_s3_uri)]
LocalPath = Annotated[str, AfterValidator(_LOCAL)]
"""A path on the machine where the bundle runs."""
DataPath = Annotated[str, AfterValidator(_path_or_s3)]
"""A local path or an S3 location."""
FreeText = Annotated[str, AfterValidator(_free_text)]
"""Any text (prompts): always quoted, never interpreted."""
ResourceName = Annotated[
    str,
    AfterValidator(
        _matching(
            _LABEL,
            "名前は英数字とハイフンで 63 文字までです。",
            "letters, digits and hyphens, 63 at most.",
        )
    ),
]
"""Name of an AWS resource (SageMaker endpoint)."""
RoleArn = Annotated[
    str,
    AfterValidator(_matching(_ARN, "arn:aws:iam::… の形で書きます。", "write arn:aws:iam::…")),
]
StreamUrl = Annotated[
    str,
    AfterValidator(
        _matching(_URL, "rtsp:// か http(s):// で始まる URL です。", "a URL of rtsp or http(s).")
    ),
]
DataGlob = Annotated[str, AfterValidator(_glob)]
"""Files: a local path or an S3 location, wildcards allowed."""
Columns = Annotated[tuple[FreeText, ...], BeforeValidator(_split)]
"""Names of columns; a command line separates them with commas."""
SchedulerAddress = Annotated[
    str,
    AfterValidator(
        _matching(_SCHEDULER, "tcp://ホスト:ポート の形で書きます。", "write tcp://host:port.")
    ),
]
"""Address of a Dask scheduler, or nothing."""
BucketName = Annotated[str, AfterValidator(_bucket)]
S3Prefix = Annotated[str, AfterValidator(_prefix)]
"""Part of an S3 key, without slashes at its ends."""
