"""One correction request for the sentences that nothing supports, and the planner's in their place.

The model hears exactly which figure of which sentence has no support, and what the tools said
instead. A sentence that fails again is replaced by one made from the facts, or left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.answer import Language
from assistant.figures import FigureMention
from assistant.grounding import FactIndex, restate
from assistant.llm.release import Release, Unit
from assistant.llm.turn import Turn
from assistant.llm.wording import phrases

MAX_UNITS = 12
"""Sentences in one request; a text with more lies is not worth correcting."""
MAX_HINTS = 6
_NUMBERED = re.compile(r"^\s*(\d{1,2})\s*[.)．:：]\s*(.*\S)\s*$", re.MULTILINE)
_REMOVE = ("削除", "(削除)", "delete", "(delete)")


def correct(release: Release, turn: Turn, ask: Callable[[str], str]) -> None:
    """Correct and release all that waits. `ask` sends the request and returns the reply."""
    wrong = [unit for unit in release.unsupported if not unit.forbidden]
    offered: dict[int, str] = {}
    if wrong and len(wrong) <= MAX_UNITS:
        reply = ask(correction_request(wrong, turn.language))
        offered = {int(number): text for number, text in _NUMBERED.findall(reply)}
    for unit in list(release.waiting):
        if unit.passed:
            release.flush()
            continue
        number = wrong.index(unit) + 1 if unit in wrong else 0
        release.waiting[0] = _replacement(release, turn, unit, offered.get(number, ""))
        release.flush()


def correction_request(units: Sequence[Unit], language: Language) -> str:
    """Return the request to rewrite these sentences."""
    said = phrases(language)
    lines = [said["correct_intro"]]
    for number, unit in enumerate(units, 1):
        problems = [m.text for m in unit.verdict.unsupported] + unit.verdict.unknown_names
        lines.append(f"{number}. {unit.text.strip()}")
        lines.append(said["correct_why"].format(what="、".join(dict.fromkeys(problems))))
        lines += [f"   - {hint}" for hint in _hints(unit)]
    return "\n".join(lines)


def _hints(unit: Unit) -> list[str]:
    assert unit.reader is not None
    facts = unit.reader.facts
    found = [
        f"{fact.source} = {fact.value} {fact.unit}".strip()
        for mention in unit.verdict.unsupported
        for subject in mention.subjects
        for fact in facts.about(subject)
        if not mention.unit or fact.unit in (mention.unit, "") or mention.unit in fact.unit
    ]
    return list(dict.fromkeys(found))[:MAX_HINTS]


def _replacement(release: Release, turn: Turn, unit: Unit, offered: str) -> Unit:
    """Return what is shown in a unit's place; with empty text if nothing is."""
    ending = unit.text[len(unit.text.rstrip()) :]
    lead = unit.text[: len(unit.text) - len(unit.text.lstrip())]
    assert unit.reader is not None
    row = unit.text.lstrip().startswith("|")
    if offered and offered.strip("。.") not in _REMOVE and row == offered.startswith("|"):
        again = release.judge(lead + offered + ending, unit.reader.fork())
        if again.passed:
            turn.note("corrected")
            return again
    turn.note("restated")
    restated = _restated(unit, unit.reader.facts, turn.language)
    if restated:
        again = release.judge(lead + restated + ending, unit.reader.fork())
        if again.passed:
            return again
    return Unit(ending if "\n" in ending and not row else "")


def _restated(unit: Unit, facts: FactIndex, language: Language) -> str:
    """Return the planner's words for what the unit is about."""
    if unit.forbidden:
        return ""
    text = unit.text.strip()
    if text.startswith("|"):
        return _row(text, unit.verdict.unsupported, facts, language)
    said = [restate(mention, facts, language) for mention in unit.verdict.unsupported]
    bullet = "- " if text.startswith(("- ", "* ")) else ""
    found = list(dict.fromkeys(filter(None, said)))
    return bullet + "".join(found) if found and len(found) <= 3 else ""


def _row(text: str, mentions: Sequence[FigureMention], facts: FactIndex, language: Language) -> str:
    """Return a table row with the cells that nothing supports filled from the facts, or with —."""
    wrong = {mention.cell for mention in mentions if mention.cell}
    cells = [cell.strip() for cell in text.strip("|").split("|")]
    for index in range(len(cells)):
        if index in wrong:
            first = next(m for m in mentions if m.cell == index)
            cells[index] = restate(first, facts, language, bare=True) or "—"
    return "| " + " | ".join(cells) + " |"
