"""Read a bundle's files back and judge them: at generation, and by `ask generate --verify`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from knowledge.ec2.catalogue import Catalogue
from tools.codegen.bundle import MANIFEST, read_bundle
from tools.codegen.checks import GENERIC
from tools.codegen.deepspeed_parser import parser_check
from tools.codegen.folder import Folder, UnreadableFileError
from tools.codegen.registry import find_workload
from tools.codegen.spec import Check, CheckFunction, failed
from tools.errors import ToolInputError


def verify(folder: Folder, catalogue: Catalogue) -> tuple[Check, ...]:
    """Return the outcome of every check on the files of a bundle."""
    checks = list(_run(GENERIC, folder, catalogue))
    try:
        workload = find_workload(str(folder.manifest.get("workload")))
    except (UnreadableFileError, ToolInputError) as error:
        cause = str(error)
        return (*checks, failed("manifest", f"{MANIFEST} を読めません: {cause}", cause))
    return (*checks, *_run(workload.checks, folder, catalogue))


def verify_folder(path: Path, catalogue: Catalogue) -> tuple[Check, ...]:
    """Return the outcome of every check, those of installed libraries included.

    Raises ToolInputError if the folder is no bundle.
    """
    folder = read_bundle(path)
    checks = verify(folder, catalogue)
    if "ds_config.json" in folder.files and not any(c.status == "failed" for c in checks):
        asked = parser_check(path)
        return (*(check for check in checks if check.key != asked.key), asked)
    return checks


def _run(
    functions: tuple[CheckFunction, ...], folder: Folder, catalogue: Catalogue
) -> Iterator[Check]:
    for function in functions:
        key = function.__name__
        try:
            yield from function(folder, catalogue)
        except UnreadableFileError as error:
            yield failed(key, f"{error.path} を読めません: {error.cause}", f"cannot read {error}")
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            # A value of another type than any generated one: someone edited the file.
            cause = f"{type(error).__name__}: {error}"
            yield failed(key, f"値が不正です({cause})", f"a value is not valid ({cause})")
