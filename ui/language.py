"""Which language the command line speaks, and texts in both.

The order is `--lang`, ASK_LANG, the language of the question, Japanese. The choice is kept for the
duration of one run (`speak`), so help texts, errors and notes agree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Literal, NamedTuple

Language = Literal["ja", "en"]

_spoken: ContextVar[Language] = ContextVar("spoken", default="ja")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]")
_ENGLISH_WORD = re.compile(r"\b[A-Za-z]{2,}\b")


class Text(NamedTuple):
    """A text of the user interface in both languages."""

    ja: str
    en: str

    def __str__(self) -> str:
        """Return the text in the language being spoken."""
        return self.en if _spoken.get() == "en" else self.ja


def spoken() -> Language:
    """Return the language of this run."""
    return _spoken.get()


def speak(language: Language) -> None:
    """Use `language` for everything that follows in this run."""
    _spoken.set(language)


def chosen_language(argv: Sequence[str]) -> Language | None:
    """Return the language that `--lang` or ASK_LANG names; None: neither, or no such language."""
    for place, flag in enumerate(argv):
        if flag == "--lang":
            return as_language("".join(argv[place + 1 : place + 2]))
        if flag.startswith("--lang="):
            return as_language(flag.removeprefix("--lang="))
    return as_language(os.environ.get("ASK_LANG", ""))


def as_language(text: str) -> Language | None:
    """Return `text` if it is a language that the program speaks."""
    return "ja" if text == "ja" else "en" if text == "en" else None


def language_of(question: str) -> Language:
    """Return the language a question is written in; names alone, as `g5.xlarge`, are Japanese."""
    if _JAPANESE.search(question):
        return "ja"
    return "en" if len(_ENGLISH_WORD.findall(question)) > 1 else "ja"
