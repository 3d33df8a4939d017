"""A bundle on disk: folder, manifest (bundle.json) and zip, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, cast

from tools.codegen.folder import Folder
from tools.codegen.spec import Bundle, BundleFile, BundleRequest, Check, Draft
from tools.errors import ToolInputError

MANIFEST = "bundle.json"
MAX_FILE_BYTES = 2_000_000
"""Larger files in a folder are no part of a bundle (a data set that someone put there)."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold


def manifest(
    request: BundleRequest,
    workload: str,
    draft: Draft,
    texts: Mapping[str, str],
    checks: Iterable[Check] = (),
) -> str:
    """Return bundle.json: the request, the plan, hashes of the files and what was checked."""
    content: dict[str, Any] = {
        "schema_version": 1,
        "workload": workload,
        "name": draft.name,
        "request": request.model_dump(mode="json"),
        "sheet": draft.sheet.model_dump(mode="json"),
        "plan": draft.plan.model_dump(mode="json", exclude={"charts"}) if draft.plan else None,
        "files": {path: sha256(text) for path, text in sorted(texts.items())},
        "checks": [check.model_dump(mode="json") for check in checks],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def sha256(text: str) -> str:
    """Return the hash of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def bundle_files(texts: Mapping[str, str], manifest_text: str) -> tuple[BundleFile, ...]:
    """Return the files in reading order: README first, the manifest last."""
    order = sorted(texts, key=lambda path: (path != "README.md", path))
    return tuple(
        BundleFile(
            path=safe_path(path),
            text=text,
            sha256=sha256(text),
            executable=path.endswith(".sh"),
        )
        for path, text in (*((path, texts[path]) for path in order), (MANIFEST, manifest_text))
    )


def safe_path(path: str) -> str:
    """Return a relative path inside the bundle. Raises ToolInputError for any other."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or any(p in ("..", "~") for p in parts):
        raise ToolInputError(
            f"バンドルの外を指すパスです: {path!r}", f"The path leaves the bundle: {path!r}"
        )
    return path


def write_bundle(bundle: Bundle, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the files into `folder` and return their paths.

    Raises ToolInputError, before writing, if one of them exists and `force` is not given. Files
    of the bundle that was there before are removed, unless somebody changed them.
    """
    root = folder.expanduser().resolve()
    targets = [(root / safe_path(item.path), item) for item in bundle.files]
    existing = [path for path, _ in targets if path.exists() or path.is_symlink()]
    if root.exists() and not root.is_dir():
        raise ToolInputError(
            f"{root} はフォルダーではありません。別の出力先を指定してください。",
            f"{root} is no folder; choose another one.",
        )
    if existing and not force:
        names = ", ".join(path.name for path in existing[:3])
        raise ToolInputError(
            f"{root} には同じ名前のファイルがあります({names})。"
            "上書きするには --force を付けます。",
            f"{root} already holds {names}; overwrite with --force.",
        )
    stale = _stale(root, bundle)
    for path, item in targets:
        if root not in path.parent.resolve().parents and path.parent.resolve() != root:
            raise ToolInputError(
                f"{path} はフォルダーの外を指しています。", f"{path} leads outside the folder."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, item)
    for path in stale:
        path.unlink()
    return [path for path, _ in targets]


def changed_leftovers(bundle: Bundle, folder: Path) -> list[Path]:
    """Return files of the bundle in `folder` that `bundle` lacks and that somebody changed.

    `write_bundle` keeps them; ask before it writes the new manifest.
    """
    root = folder.expanduser().resolve()
    return [path for path, digest in _left_over(root, bundle) if _digest(path) != digest]


def _stale(root: Path, bundle: Bundle) -> list[Path]:
    """Return the files of the old bundle in `root` that the new one lacks, as they were written."""
    return [path for path, digest in _left_over(root, bundle) if _digest(path) == digest]


def _left_over(root: Path, bundle: Bundle) -> list[tuple[Path, str]]:
    """Return existing files that the manifest in `root` lists and `bundle` lacks, with hashes."""
    try:
        listed: object = json.loads((root / MANIFEST).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    if not isinstance(listed, dict):
        return []
    kept = {item.path for item in bundle.files}
    old = {str(path): str(digest) for path, digest in cast("dict[str, object]", listed).items()}
    return [
        (root / path, digest)
        for path, digest in sorted(old.items())
        if path not in kept and _inside(root, path)
    ]


def _inside(root: Path, path: str) -> bool:
    """Whether a path that a manifest lists is a plain file inside the folder."""
    try:
        found = root / safe_path(path)
    except ToolInputError:
        return False
    resolved = found.parent.resolve()
    within = resolved == root or root in resolved.parents
    return within and found.is_file() and not found.is_symlink()


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _write(path: Path, item: BundleFile) -> None:
    """Replace the file in one step: a symbolic link in its place is replaced, not followed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_bytes(item.text.encode())
    draft.chmod(0o755 if item.executable else 0o644)
    draft.replace(path)


def zip_bundle(bundle: Bundle) -> bytes:
    """Return the bundle as a zip with one folder in it; the same bundle gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in bundle.files:
            entry = zipfile.ZipInfo(f"{bundle.name}/{safe_path(item.path)}", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, for the mode below
            entry.external_attr = (0o100755 if item.executable else 0o100644) << 16
            archive.writestr(entry, item.text.encode())
    return buffer.getvalue()


def read_bundle(folder: Path) -> Folder:
    """Return the text files of a bundle's folder. Raises ToolInputError if there is no bundle."""
    root = folder.expanduser()
    if not (root / MANIFEST).is_file():
        raise ToolInputError(
            f"{root} に {MANIFEST} がありません。"
            "ask generate で作ったフォルダーを指定してください。",
            f"{root} holds no {MANIFEST}; name a folder that ask generate made.",
        )
    files: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_FILE_BYTES:
            try:
                files[path.relative_to(root).as_posix()] = path.read_text("utf-8")
            except (UnicodeDecodeError, OSError):
                continue  # not one of ours: every file of a bundle is UTF-8 text
    return Folder(files)
