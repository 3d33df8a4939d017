"""The files of a bundle as the verifier reads them: from memory or from a folder, the same."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class UnreadableFileError(Exception):
    """A file of the bundle is missing or cannot be parsed."""

    def __init__(self, path: str, cause: str) -> None:
        """Say which file and why."""
        super().__init__(f"{path}: {cause}")
        self.path, self.cause = path, cause


@dataclass(frozen=True, slots=True)
class Folder:
    """Texts by relative path."""

    files: Mapping[str, str]

    def text(self, path: str) -> str:
        """Return a file's text. Raises UnreadableFileError."""
        if path not in self.files:
            raise UnreadableFileError(path, "missing")
        return self.files[path]

    def json(self, path: str) -> dict[str, Any]:
        """Return a JSON file's object. Raises UnreadableFileError."""
        try:
            loaded: object = json.loads(self.text(path))
        except ValueError as error:
            raise UnreadableFileError(path, str(error)) from error
        if not isinstance(loaded, dict):
            raise UnreadableFileError(path, "not an object")
        return loaded  # pyright: ignore[reportUnknownVariableType]

    def toml(self, path: str = "config.toml") -> dict[str, Any]:
        """Return a TOML file's table. Raises UnreadableFileError."""
        try:
            return tomllib.loads(self.text(path))
        except tomllib.TOMLDecodeError as error:
            raise UnreadableFileError(path, str(error)) from error

    @property
    def manifest(self) -> dict[str, Any]:
        """bundle.json."""
        return self.json("bundle.json")

    def requirements(self) -> dict[str, str]:
        """Return the pinned versions of requirements.txt by lower-case name, extras dropped."""
        pins: dict[str, str] = {}
        for line in self.files.get("requirements.txt", "").splitlines():
            name, equals, version = line.partition("#")[0].strip().partition("==")
            if equals:
                pins[name.partition("[")[0].strip().lower()] = version.partition(";")[0].strip()
        return pins
