"""Compose answers from the glossary: the direct answer first, then the passage it stands in."""

from __future__ import annotations

import re

from assistant.answer import Citation
from assistant.planner.compose.context import Draft
from assistant.planner.request import Request
from tools.glossary import GlossaryEntry, GlossaryResult, Passage

MAX_RELATED = 3
MAX_PASSAGES = 2
_HEADING = re.compile(r"^#{1,6}\s+.*\n+", re.MULTILINE)


def glossary(draft: Draft, request: Request, result: GlossaryResult) -> None:
    """Write what the best entry says, or that the knowledge base does not cover the question."""
    if request.intent == "recommend":
        _reason(draft, result)
        return
    if result.is_weak or not result.passages:
        draft.decline("g_weak", "not_covered")
        near = [_title(draft, entry) for entry in result.entries[:MAX_RELATED]]
        if near:
            draft.phrase("g_near", names=draft.say.listed(near))
        return
    best = result.passages[0]
    entry = next((item for item in result.entries if item.id == best.entry), None)
    if result.compared:
        _compared(draft, result)
        return
    if request.asserted and result.correction and draft.say.language == "ja":
        draft.quoted.append(result.correction)
        draft.add(f"**いいえ。{result.correction}**")
    if entry:
        _lead(draft, entry, result.direct)
    if draft.say.language == "ja" or entry is None:
        _passages(draft, result, best)
    else:
        _related_in_english(draft, result, entry)
    related = entry.see_also[:MAX_RELATED] if entry and draft.say.language == "ja" else ()
    draft.suggestions += [f"{name}とは?" for name in related[:MAX_PASSAGES]]


def _reason(draft: Draft, result: GlossaryResult) -> None:
    """Say in one sentence what the glossary holds to matter for a use case."""
    if not result.entries or not result.passages:
        return
    entry = result.entries[0]
    summary = entry.summary if draft.say.language == "ja" else entry.summary_en
    draft.quoted.append(summary)
    draft.add(summary)
    draft.passages.append(_citation(result.passages[0], _title(draft, entry)))


def _compared(draft: Draft, result: GlossaryResult) -> None:
    """Set the compared entries side by side, each in its own sentence, then the first passages."""
    entries = [item for item in result.entries if item.id in result.compared]
    english = draft.say.language == "en"
    for entry in entries:
        summary = entry.summary_en if english else entry.summary
        draft.quoted += [summary, _title(draft, entry)]
    draft.add(
        "\n".join(
            f"- **{_title(draft, e)}**: {e.summary_en if english else e.summary}" for e in entries
        )
    )
    for entry in entries:
        passage = next(p for p in result.passages if p.entry == entry.id)
        if not english:
            text = _HEADING.sub("", passage.quote).strip()
            draft.quoted += [text, *text.split("\n\n")]
            draft.add(f"**{entry.title}**\n\n{text}")
        draft.passages.append(_citation(passage, _title(draft, entry)))
    draft.suggestions += [f"{entry.title}とは?" for entry in entries if not english]


def _lead(draft: Draft, entry: GlossaryEntry, direct: str) -> None:
    """Begin with the sentence that answers the question, else with what the entry is."""
    summary = entry.summary if draft.say.language == "ja" else entry.summary_en
    if direct and draft.say.language == "ja":
        draft.quoted.append(direct)
        draft.add(f"**{direct}**")
        draft.add(summary)
    else:
        draft.add(f"**{summary}**")
    draft.quoted.append(summary)


def _passages(draft: Draft, result: GlossaryResult, best: Passage) -> None:
    """Write the best passage, and its entry's next one where that was found too."""
    if not best.is_glossary:
        _name_document(draft, best)
    shown = [p for p in result.passages if p.entry == best.entry][:MAX_PASSAGES]
    for passage in shown:
        text = _HEADING.sub("", passage.quote).strip()
        draft.quoted += [text, *text.split("\n\n")]
        draft.add(text)
        draft.passages.append(_citation(passage, passage.title))


def _name_document(draft: Draft, passage: Passage) -> None:
    """Say whose words follow: a user's document is not checked as the glossary is."""
    text = draft.say("g_document", title=passage.title)
    draft.quoted.append(text)  # a title may hold figures, and nothing but the title supports them
    draft.add(text)


def _related_in_english(draft: Draft, result: GlossaryResult, entry: GlossaryEntry) -> None:
    """The passages are Japanese: in English, say what the nearest entries are about instead."""
    draft.passages.append(_citation(result.passages[0], entry.title_en))
    others = [item for item in result.entries if item.id != entry.id][:MAX_PASSAGES]
    for item in others:
        draft.quoted.append(item.summary_en)
        draft.add(f"- {item.title_en}: {item.summary_en}")


def _title(draft: Draft, entry: GlossaryEntry) -> str:
    return entry.title if draft.say.language == "ja" else entry.title_en


def _citation(passage: Passage, title: str) -> Citation:
    return Citation(
        id=passage.id,
        title=title,
        section=passage.section or None,
        source=passage.source,
        url=passage.url,
        as_of=passage.as_of,
        quote=passage.quote,
    )
