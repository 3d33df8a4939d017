"""The instructions of language models: package data with a version."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from assistant.answer import Language

_VERSION = re.compile(r"<!-- version: (\d+) -->\n")
_RULES: dict[Language, str] = {
    "ja": "日本語で答えます。",
    "en": "Answer in English: the user writes English. 以下の規則は同じように守ります。",
}


@cache
def system_prompt(language: Language) -> str:
    """Return the instructions for answers in a language."""
    return _VERSION.sub("", _source()).replace("{language_rule}", _RULES[language]).strip()


def prompt_version() -> int:
    """Return the version of the instructions, as traces name it."""
    match = _VERSION.match(_source())
    return int(match[1]) if match else 0


@cache
def _source() -> str:
    return (files("assistant") / "prompts" / "system.md").read_text("utf-8")
