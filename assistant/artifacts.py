"""Files that were made for the user: bundles written to disk, and checked again there."""

from __future__ import annotations

import mimetypes
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.answer import Artifact, Language
from assistant.errors import UsageError
from tools.codegen.spec import Bundle
from tools.errors import ToolInputError

if TYPE_CHECKING:
    from knowledge.ec2.catalogue import Catalogue
    from tools.codegen.spec import Check, Workload


def save_bundles(bundles: Iterable[Bundle], folder: Path, language: Language) -> list[Artifact]:
    """Write bundles into `folder` and return their files as artifacts.

    They are the zip, the README and the file that the answer shows; the folder holds the rest.
    """
    made: list[Artifact] = []
    for bundle in bundles:
        save_bundle(bundle, folder / bundle.name, force=True, archive=True)
        title = bundle.sheet.title.ja if language == "ja" else bundle.sheet.title.en
        inside = [f"{bundle.name}/{path}" for path in ("README.md", bundle.shown)]
        for name in (f"{bundle.name}.zip", *inside):
            kind = mimetypes.guess_type(name)[0] or "text/plain"
            path = folder / name
            made.append(Artifact(path=str(path), media_type=kind, description=title))
    return made


def save_bundle(
    bundle: Bundle, folder: Path, *, force: bool = False, archive: bool = False
) -> list[Path]:
    """Write a bundle into `folder`, with `archive` also as a zip beside it; return the paths.

    Raises UsageError if a file is in the way and `force` is not given.
    """
    from tools.codegen.bundle import write_bundle, zip_bundle

    packed = folder.expanduser().resolve().with_name(f"{folder.resolve().name}.zip")
    with _translated():
        if archive and packed.exists() and not force:
            raise ToolInputError(
                f"{packed} があります。上書きするには --force を付けます。",
                f"{packed} exists; overwrite with --force.",
            )
        paths = write_bundle(bundle, folder, force=force)
    if archive:
        packed.write_bytes(zip_bundle(bundle))
        paths.append(packed)
    return paths


def save_texts(files: Mapping[str, str], folder: Path, *, force: bool = False) -> list[Path]:
    """Write text files into `folder` and return their paths.

    Raises UsageError if one is in the way and `force` is not given; then nothing is written.
    """
    paths = {folder / name: text for name, text in files.items()}
    with _translated():
        taken = [path for path in paths if path.exists()]
        if taken and not force:
            raise ToolInputError(
                f"{taken[0]} があります。上書きするには --force を付けます。",
                f"{taken[0]} exists; overwrite with --force.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in paths.items():
            path.write_text(text, "utf-8")
    return list(paths)


def kept_files(bundle: Bundle, folder: Path) -> list[str]:
    """Return the changed files of an older bundle in `folder`, which saving keeps."""
    from tools.codegen.bundle import changed_leftovers

    return [path.name for path in changed_leftovers(bundle, folder)]


def check_folder(folder: Path, catalogue: Catalogue) -> tuple[Check, ...]:
    """Return what verification finds in a bundle's folder, with DeepSpeed's parser if installed.

    Raises UsageError if the folder holds no bundle.
    """
    from tools.codegen.verify import verify_folder

    with _translated():
        return verify_folder(folder, catalogue)


def workloads() -> tuple[Workload, ...]:
    """Return all workloads that bundles are made for."""
    from tools.codegen.registry import WORKLOADS

    return tuple(WORKLOADS.values())


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except ToolInputError as error:
        raise UsageError(error.message_ja, error.message_en) from error
    except OSError as error:
        raise UsageError(
            f"{error.filename or 'ファイル'} に書き込めません: {error.strerror}",
            f"Cannot write {error.filename or 'the files'}: {error.strerror}",
        ) from error
