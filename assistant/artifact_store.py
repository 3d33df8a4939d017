"""Generated files in S3 (ASK_ARTIFACT_URL=s3://bucket/prefix), and reading them from anywhere.

The bucket stays private: the web page and Slack read files through this process. Credentials,
region and endpoint are those of every AWS tool (AWS_PROFILE, roles, AWS_ENDPOINT_URL_S3).
"""

from __future__ import annotations

import mimetypes
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant.answer import Answer, Artifact, Language
from assistant.artifacts import save_bundles
from assistant.errors import (
    AssistantError,
    AuthenticationError,
    NotConfiguredError,
    ThrottledError,
    UnreachableError,
    UpstreamError,
)
from assistant.settings import Settings
from tools.codegen.spec import Bundle

S3 = "s3://"
LINK_SECONDS = 3_600
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 3, 20, 3
_NOT_KEPT_JA = "生成したファイルを保存できませんでした。"
_NOT_KEPT_EN = "The generated files were not kept. "
_GONE = {"NoSuchKey", "404"}
_DENIED = {"AccessDenied", "AllAccessDisabled", "403", "Forbidden"}
_LOGIN = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidToken"),
    *("SignatureDoesNotMatch", "TokenRefreshRequired"),
}
_SLOW = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "503"}


def keep_bundles(answer: Answer, settings: Settings) -> tuple[list[Artifact], list[str]]:
    """Keep the bundles of an answer where the settings say; return the files, and what went wrong.

    An answer is worth showing even where S3 would not take its files.
    """
    spoken = answer.language
    if settings.artifact_url:
        try:
            place = (settings.artifact_url, answer.answer_id)
            return upload_bundles(answer.held, *place, spoken), []
        except AssistantError as error:
            lead = _NOT_KEPT_JA if spoken == "ja" else _NOT_KEPT_EN
            return [], [lead + error.message(spoken)]
    if settings.artifacts_dir is None:
        return [], []
    return save_bundles(answer.held, settings.artifacts_dir / answer.answer_id, spoken), []


def upload_bundles(
    bundles: Sequence[Bundle], address: str, folder: str, language: Language
) -> list[Artifact]:
    """Put bundles under `address/folder` and return the artifacts that a local folder would give.

    Raises AssistantError, saying what to check.
    """
    bucket, prefix = _split(f"{address.rstrip('/')}/{folder}")
    with tempfile.TemporaryDirectory(prefix="ask-") as name:
        root = Path(name).resolve()
        artifacts = save_bundles(bundles, root, language)
        with _explained(bucket, "s3:PutObject"):
            for path in sorted(found for found in root.rglob("*") if found.is_file()):
                _client().put_object(
                    Bucket=bucket,
                    Key=f"{prefix}/{path.relative_to(root).as_posix()}",
                    Body=path.read_bytes(),
                    ContentType=mimetypes.guess_type(path.name)[0] or "text/plain",
                )
    base = f"{S3}{bucket}/{prefix}"
    return [
        item.model_copy(update={"path": f"{base}/{Path(item.path).relative_to(root).as_posix()}"})
        for item in artifacts
    ]


def read_artifact(path: str) -> bytes | None:
    """Return a file made for an answer, on disk or in S3; None if it is gone.

    Raises AssistantError where S3 cannot be read.
    """
    if not is_remote(path):
        local = Path(path)
        return local.read_bytes() if local.is_file() else None
    bucket, key = _split(path)
    from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

    with _explained(bucket, "s3:GetObject"):
        try:
            return _client().get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise


def link(path: str) -> str:
    """Return an address under which anybody can fetch a file of S3 for an hour."""
    bucket, key = _split(path)
    with _explained(bucket, "s3:GetObject"):
        return _client().generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=LINK_SECONDS
        )


def is_remote(path: str) -> bool:
    """Whether an artifact is in S3."""
    return path.startswith(S3)


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix(S3).partition("/")
    return bucket, key


@lru_cache(maxsize=1)
def _client() -> Any:
    import boto3  # pyright: ignore[reportMissingTypeStubs]
    from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]

    aws: Any = boto3
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        signature_version="s3v4",
    )
    # A session of its own: the default one is not made for threads.
    return aws.session.Session().client("s3", config=config)


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _explained(bucket: str, action: str) -> Generator[None]:
    from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
        BotoCoreError,
        ClientError,
    )

    try:
        yield
    except ClientError as error:
        if _code(error) in _LOGIN:
            _client.cache_clear()  # the next call sees a new login without a restart
        raise _refused(_code(error), bucket, action) from error
    except BotoCoreError as error:
        _client.cache_clear()
        raise _failed(type(error).__name__, bucket) from error


def _refused(code: str, bucket: str, action: str) -> AssistantError:
    """Return the error for what S3 answered."""
    if code == "NoSuchBucket":
        return NotConfiguredError(
            f"S3 のバケット {bucket} がありません。ASK_ARTIFACT_URL を確かめてください。",
            f"There is no S3 bucket {bucket}; check ASK_ARTIFACT_URL.",
        )
    if code in _DENIED:
        return AuthenticationError(
            f"S3 のバケット {bucket} で {action} が許可されていません。"
            "IAM の権限を確かめてください。",
            f"{action} is denied in the S3 bucket {bucket}; check the IAM permissions.",
        )
    if code in _LOGIN:
        return AuthenticationError(
            f"AWS の認証情報が無効か期限切れです({code})。"
            "aws sso login などでログインし直してください。",
            f"The AWS credentials are invalid or expired ({code}); log in again (aws sso login).",
        )
    if code in _SLOW:
        return ThrottledError(
            "S3 が混み合っています。少し待ってからやり直してください。",
            "S3 asks to slow down; try again in a moment.",
        )
    return UpstreamError(
        f"S3 のバケット {bucket} でエラーが起きました({code})。",
        f"The S3 bucket {bucket} failed ({code}).",
    )


def _failed(kind: str, bucket: str) -> AssistantError:
    """Return the error for what went wrong before S3 answered."""
    if "Credential" in kind or kind in ("ProfileNotFound", "TokenRetrievalError"):
        return NotConfiguredError(
            f"AWS の認証情報が見つかりません({kind})。aws configure、AWS_PROFILE、ロールのどれかを"
            "設定してください。",
            f"There are no AWS credentials ({kind}); use aws configure, AWS_PROFILE or a role.",
        )
    if kind == "ParamValidationError":
        return NotConfiguredError(
            f"{bucket!r} は S3 のバケット名として使えません。ASK_ARTIFACT_URL を確かめてください。",
            f"{bucket!r} cannot be the name of an S3 bucket; check ASK_ARTIFACT_URL.",
        )
    return UnreachableError(
        f"S3 に接続できません({kind})。ネットワークを確かめてください。",
        f"Cannot reach S3 ({kind}); check the network.",
    )
