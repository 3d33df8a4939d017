"""Where documents come from: files and folders, or an S3 prefix (through boto3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import KnowledgeError
from knowledge.ingest.report import SkipError

S3 = "s3://"


@dataclass(frozen=True, slots=True)
class Item:
    """A document that can be read."""

    uri: str
    """Absolute path or s3:// address."""
    name: str
    size: int
    read: Callable[[], bytes]
    """Returns the content. Raises SkipError where it cannot."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the user named: a file, a folder or a prefix."""

    address: str
    """Resolved: absolute path, or s3:// address."""
    is_folder: bool
    """Whether documents under it that are no longer there were deleted."""
    items: tuple[Item, ...]

    def holds(self, uri: str) -> bool:
        """Whether a document lies under the address."""
        edge = self.address if self.address.endswith("/") else f"{self.address}/"
        return uri == self.address or (self.is_folder and uri.startswith(edge))


def open_origins(addresses: Iterable[str], s3_client: Any = None) -> Iterator[Origin]:
    """Yield what each address holds. Raises KnowledgeError for one that does not exist."""
    for address in addresses:
        yield _bucket(address, s3_client) if address.startswith(S3) else _path(address)


def _path(address: str) -> Origin:
    path = Path(address).expanduser().resolve()
    if path.is_dir():
        paths = (found for found in sorted(path.rglob("*")) if _is_document(found, path))
        return Origin(str(path), is_folder=True, items=tuple(map(_file, paths)))
    if path.is_file():
        return Origin(str(path), is_folder=False, items=(_file(path),))
    raise KnowledgeError(
        f"There is no file or folder {address!r}; check the path, or give s3://bucket/prefix"
    )


def _is_document(path: Path, root: Path) -> bool:
    """Whether a path is a file outside hidden folders (.git, .venv)."""
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)


def _file(path: Path) -> Item:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise SkipError("unreadable", type(error).__name__) from error

    return Item(str(path), path.name, path.stat().st_size, read)


def _bucket(address: str, client: Any) -> Origin:
    import boto3  # pyright: ignore[reportMissingTypeStubs]
    from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
        BotoCoreError,
        ClientError,
    )

    bucket, _, prefix = address.removeprefix(S3).partition("/")
    if not bucket:
        raise KnowledgeError(f"{address!r} names no bucket; write s3://bucket/prefix")
    try:
        aws: Any = boto3
        service: Any = client or aws.client("s3")
        pages: Any = service.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        rows: list[dict[str, Any]] = [row for page in pages for row in page.get("Contents", [])]
    except (BotoCoreError, ClientError) as error:
        raise KnowledgeError(
            f"S3 did not list {address} ({error}); check the bucket's name, "
            "the credentials and the permission s3:ListBucket"
        ) from error
    items = tuple(_object(service, bucket, row) for row in rows if not row["Key"].endswith("/"))
    if not items and prefix:
        raise KnowledgeError(f"There is nothing under {address}; check the prefix")
    is_folder = [item.uri for item in items] != [address]
    return Origin(address.rstrip("/") if is_folder else address, is_folder=is_folder, items=items)


def _object(service: Any, bucket: str, row: dict[str, Any]) -> Item:
    key: str = row["Key"]

    def read() -> bytes:
        from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
            BotoCoreError,
            ClientError,
        )

        try:
            return service.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise SkipError("unreadable", type(error).__name__) from error

    return Item(f"{S3}{bucket}/{key}", key.rpartition("/")[2], int(row["Size"]), read)
