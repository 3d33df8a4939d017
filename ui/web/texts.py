"""The words of the page, in one language at a time."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["ja", "en"]
_FILE = Path(__file__).parent / "data" / "texts.toml"


@dataclass(frozen=True, slots=True)
class Task:
    """Questions that show what can be asked."""

    name: str
    questions: tuple[str, ...]


class Texts:
    """Words by name: `say("send")`, with values filled in: `say("seconds", seconds="1.2")`."""

    def __init__(self, language: Language, words: Mapping[str, Any]) -> None:
        """Speak `language`."""
        self.language: Language = language
        self._words = words

    def __call__(self, key: str, **values: object) -> str:
        """Return a text."""
        text: str = self._words[key]
        return text.format(**values) if values else text

    def listed(self, key: str) -> list[str]:
        """Return a list of texts."""
        return list(self._words[key])

    @property
    def tasks(self) -> list[Task]:
        """Examples by task."""
        return [Task(task["name"], tuple(task["questions"])) for task in self._words["tasks"]]

    def for_script(self) -> dict[str, Any]:
        """Return the words that the browser needs."""
        return {key: value for key, value in self._words.items() if not _nested(value)}

    def option(self, name: str) -> str:
        """Return how a form calls an option of a workload; its own name where there is no word."""
        return self._words["options"].get(name, name)

    def choices(self, key: str) -> list[tuple[str, str]]:
        """Return a table of words as the choices of a list: what is shown, what it stands for."""
        return [(shown, value) for value, shown in self._words[key].items()]


def _nested(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict))


@cache
def texts(language: Language) -> Texts:
    """Return the words in a language."""
    return Texts(language, tomllib.loads(_FILE.read_text("utf-8"))[language])
