"""Terms: whether a text mentions something that the glossary explains."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from assistant.planner.vocabulary import any_of
from knowledge.glossary_index import load_glossary

MIN_LENGTH = 2


def mentions_term(text: str) -> bool:
    """Whether an alias of a glossary entry stands in the normalised text."""
    return bool(_pattern().search(text))


@cache
def _pattern() -> re.Pattern[str]:
    glossary = load_glossary()
    heads = [head for entry_id in glossary.ids if (head := glossary.get(entry_id))]
    aliases = {
        unicodedata.normalize("NFKC", alias).lower()
        for head in heads
        for alias in (head.ja, head.en, *head.aliases)
    }
    return any_of(alias for alias in aliases if len(alias) >= MIN_LENGTH)
