"""Errors of the knowledge layer as errors that a front end shows, with the remedy in Japanese."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from assistant.errors import (
    AssistantError,
    AuthenticationError,
    NotConfiguredError,
    ThrottledError,
    UnreachableError,
    UpstreamError,
    UsageError,
)
from knowledge.errors import KnowledgeError

_BAD_PATH = "指定した場所に文書がありません。パスか s3://バケット/接頭辞 を確かめてください。"
_NO_EXTRA = "必要なパッケージが入っていません。"
_KNOWLEDGE_ERRORS: tuple[tuple[str, type[AssistantError], str], ...] = (
    ("There is no file or folder", UsageError, _BAD_PATH),
    ("There is nothing under", UsageError, _BAD_PATH),
    ("names no bucket", UsageError, _BAD_PATH),
    ("needs an extra", NotConfiguredError, _NO_EXTRA),
    ("needs more packages", NotConfiguredError, _NO_EXTRA),
    ("check ASK_EMBEDDER", NotConfiguredError, "ASK_EMBEDDER のモデルを読み込めません。"),
    (
        "No Chroma server answers",
        UnreachableError,
        "Chroma サーバーが応答しません。起動するか、ASK_CHROMA_URL を外してください。",
    ),
    (
        "Another process",
        AssistantError,
        "別のプロセスが文書を取り込み中です。終わってから実行し直してください。",
    ),
)
"""What the knowledge layer's message says -> the error class, and the message in Japanese."""
_NO_LOGIN = "AWS の認証情報かリージョンがありません。`aws configure` を実行してください。"
_NO_LINE = "AWS に接続できません。ネットワークとプロキシを確認してください。"
_DENIED = "AWS に拒否されました。IAM の権限を確認してください。"
_AWS_ERRORS: dict[str, tuple[type[AssistantError], str]] = {
    "NoCredentialsError": (NotConfiguredError, _NO_LOGIN),
    "PartialCredentialsError": (NotConfiguredError, _NO_LOGIN),
    "CredentialRetrievalError": (NotConfiguredError, _NO_LOGIN),
    "NoRegionError": (NotConfiguredError, _NO_LOGIN),
    "ProfileNotFound": (NotConfiguredError, _NO_LOGIN),
    "SSOError": (NotConfiguredError, _NO_LOGIN),
    "HTTPClientError": (UnreachableError, _NO_LINE),
    "ConnectionError": (UnreachableError, _NO_LINE),
    "NoSuchBucket": (UsageError, _BAD_PATH),
    "AccessDenied": (AuthenticationError, _DENIED),
    "AccessDeniedException": (AuthenticationError, _DENIED),
    "InvalidAccessKeyId": (AuthenticationError, "AWS の認証情報が正しくありません。"),
    "ExpiredToken": (AuthenticationError, "AWS の認証情報の期限が切れています。"),
    "ThrottlingException": (ThrottledError, "AWS に呼び出しを制限されました。"),
    "SlowDown": (ThrottledError, "AWS に呼び出しを制限されました。"),
    "ClientError": (UpstreamError, "AWS がエラーを返しました。"),
}
"""Exception class or error code of AWS -> the error class, and the message in Japanese."""


@contextmanager
def translated_errors() -> Generator[None]:
    """Raise errors of the knowledge layer as errors of a front end."""
    try:
        yield
    except KnowledgeError as error:
        raise knowledge_error(error) from error
    except ImportError as error:
        raise NotConfiguredError(
            f"{_NO_EXTRA}({error})", f"A package is missing: {error}"
        ) from error
    except PermissionError as error:
        raise NotConfiguredError(
            f"データフォルダーに書き込めません。ASK_DATA_DIR を確かめてください。({error})",
            f"The data directory cannot be written; check ASK_DATA_DIR ({error}).",
        ) from error


def knowledge_error(error: KnowledgeError) -> AssistantError:
    """Return the error of a front end for an error of the knowledge layer."""
    english = str(error)
    for words, kind, japanese in _KNOWLEDGE_ERRORS:
        if words in english:
            return kind(f"{japanese}({english})", english)
    cause = error.__cause__
    response: Any = getattr(cause, "response", None) or {}
    names = [response.get("Error", {}).get("Code", ""), *(c.__name__ for c in type(cause).__mro__)]
    for name in names:
        if name in _AWS_ERRORS:
            kind, japanese = _AWS_ERRORS[name]
            return kind(f"{japanese}({english})", english)
    return AssistantError(f"文書の知識ベースを使えません。({english})", english)
