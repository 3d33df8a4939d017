"""Compose what the OOM doctor found."""

from __future__ import annotations

from assistant.planner.compose.context import Draft
from assistant.planner.compose.sizing_words import SizeWords
from assistant.planner.request import Request
from tools.sizing.models import Diagnosis

MAX_CHANGES = 6


def diagnosis(draft: Draft, request: Request, result: Diagnosis) -> None:
    """Write the main cause, what was read, and what to change."""
    del request
    words = SizeWords(draft)
    if result.source == "deepspeed-config" and result.changes:
        lead = words("diag_none", count=len(result.changes))
        draft.phrase_text(lead)
    elif result.dominating:
        draft.phrase_text(words("diag_lead", what=words.plain(result.dominating)))
    words.bullets("diag_found", result.findings)
    words.bullets("diag_change", result.changes[:MAX_CHANGES])
