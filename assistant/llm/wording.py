"""Phrases around answers of language models, beside the planner's."""

from __future__ import annotations

from functools import cache

from assistant.answer import Language
from assistant.planner.vocabulary import table


@cache
def phrases(language: Language) -> dict[str, str]:
    """Return all phrases of a language by key."""
    return {**table("phrases")[language], **table("phrases_model")[language]}
