"""The words of the MCP server: titles of tools, prompts. Japanese, or English on request."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from assistant.answer import Language

_FILE = Path(__file__).parent / "data" / "texts.toml"


@cache
def words(language: Language) -> dict[str, Any]:
    """Return the words in a language."""
    return tomllib.loads(_FILE.read_text("utf-8"))[language]


def tool_title(name: str, language: Language) -> str:
    """Return what people call a tool; its name with spaces where nobody gave it a title."""
    titles: dict[str, str] = words(language)["tools"]
    return titles.get(name, name.replace("_", " ").capitalize())
