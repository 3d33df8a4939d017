"""Compose the answer of one turn from its requests and the tools' results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from assistant.answer import Citation, Language, Reason
from assistant.planner.compose.availability import availability
from assistant.planner.compose.bundle import bundle
from assistant.planner.compose.compare import compare
from assistant.planner.compose.context import Draft
from assistant.planner.compose.cost import cost
from assistant.planner.compose.describe import attributes, describe, sizes
from assistant.planner.compose.glossary import glossary
from assistant.planner.compose.phrases import Phrases, spaced
from assistant.planner.compose.refuse import bad_input, talk, unknown_name
from assistant.planner.compose.search import search
from assistant.planner.compose.sizing import sizing
from assistant.planner.compose.verify import verify
from assistant.planner.request import Request
from assistant.planner.understand import Understanding
from knowledge.ec2.schema import Region
from tools.codegen.spec import Bundle, BundleRefusal
from tools.cost import CostEstimate
from tools.glossary import GlossaryResult
from tools.instances import Comparison, Description, SearchResult
from tools.results import InputFailure, NameFailure, Result

__all__ = ["Composition", "compose", "compose_result"]

_DESCRIPTIONS = {
    "cost": attributes,
    "attributes": attributes,
    "sizes": sizes,
    "verify": verify,
    "availability": availability,
}


@dataclass(frozen=True, slots=True)
class Composition:
    """The text of an answer, and what stands behind it."""

    text: str
    citations: list[Citation]
    quoted: list[str]
    suggestions: list[str]
    warnings: list[str]
    abstained: bool
    reason: Reason | None


def compose(
    understanding: Understanding,
    outcomes: Sequence[tuple[Request, Sequence[Result]]],
    *,
    regions: dict[str, Region],
    specs_as_of: date,
    today: date,
) -> Composition:
    """Return the answer to a turn: each request's part in order, then notes and sources."""
    say = Phrases(understanding.language, regions)
    draft = Draft(say, today)
    for request, _ in outcomes:
        for repair in request.repairs:
            draft.phrase("repaired", before=repair.before, after=repair.after)
    answered = False
    for request, results in outcomes:
        for result in results:
            _write(draft, request, result)
            answered = answered or not isinstance(result, NameFailure | InputFailure)
        if not results:
            talk(draft, request, specs_date=specs_as_of.isoformat())
    if understanding.injection and answered:
        draft.phrase("note_injection")
    if answered:
        draft.abstained = draft.abstained and not _only_partly(outcomes)
    return _finish(draft)


def compose_result(
    result: Result, language: Language, *, regions: dict[str, Region], today: date
) -> Composition:
    """Return one tool result as text, for the subcommands that call a tool directly."""
    draft = Draft(Phrases(language, regions), today)
    _write(draft, Request(intent="describe"), result)
    draft.suggestions.clear()
    return _finish(draft)


def _write(draft: Draft, request: Request, result: Result) -> None:
    match result:
        case Description():
            _DESCRIPTIONS.get(request.intent, describe)(draft, request, result)
        case Comparison():
            compare(draft, request, result)
        case SearchResult():
            search(draft, request, result)
        case CostEstimate():
            cost(draft, request, result)
        case GlossaryResult() if request.intent == "unclear" and not result.is_strong:
            talk(draft, request, specs_date="")
        case GlossaryResult():
            glossary(draft, request, result)
        case NameFailure():
            unknown_name(draft, request, result)
        case InputFailure():
            bad_input(draft, result)
        case Bundle() | BundleRefusal():
            bundle(draft, request, result)
        case _:
            sizing(draft, request, result)


def _only_partly(outcomes: Sequence[tuple[Request, Sequence[Result]]]) -> bool:
    """Whether some requests were answered and others not: then the answer is no abstention."""
    return any(
        isinstance(result, Description | Comparison | SearchResult | CostEstimate)
        for _, found in outcomes
        for result in found
    )


def _finish(draft: Draft) -> Composition:
    say = draft.say
    citations = draft.citations()
    warnings = [say("stale_price")] if draft.stale else []
    draft.add(draft.price_notes())
    draft.quoted.append(say("stale_price"))
    suggestions = list(dict.fromkeys(draft.suggestions))[:2]
    # A title may hold a figure (6ND); a suggestion states nothing.
    draft.quoted += [say("quoted", question=text) for text in suggestions]
    draft.quoted += [say("quoted", question=text) for text in suggestions]
    if suggestions and citations:
        draft.phrase(
            "try_next",
            examples=say.listed(say("quoted", question=text) for text in suggestions)
            if say.language == "en"
            else "".join(say("quoted", question=text) for text in suggestions),
        )
    if citations:
        listed = " ".join(f"[{n}] {c.title}{_dated(c, say)}" for n, c in enumerate(citations, 1))
        draft.add(f"{say('sources')}: {listed}")
    text, quoted = "\n\n".join(draft.blocks), draft.quoted
    if say.language == "ja":
        text, quoted = spaced(text), [spaced(passage) for passage in quoted]
    return Composition(
        text, citations, quoted, suggestions, warnings, draft.abstained, draft.reason
    )


def _dated(citation: Citation, say: Phrases) -> str:
    if citation.as_of is None:
        return ""
    return f"({citation.as_of})" if say.language == "ja" else f" ({citation.as_of})"
