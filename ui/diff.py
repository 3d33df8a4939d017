"""`ask --diff ID`: what changed since an answer was given."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ui.call import Call
from ui.failures import Misuse
from ui.language import Text, as_language, speak

if TYPE_CHECKING:
    from assistant.answer import Answer
    from assistant.app import Assistant


def past_answer(assistant: Assistant, answer_id: str) -> Answer:
    """Return an answer of the log. Raises Misuse."""
    answer = assistant.history.get(answer_id)
    if answer is None:
        raise Misuse(
            Text(
                f"回答 {answer_id} は履歴にありません(一覧: ask log)。",
                f"There is no answer {answer_id} in the log (list: ask log).",
            )
        )
    return answer


def show_difference(call: Call, answer_id: str, *, as_json: bool) -> int:
    """Show the values of a past answer that are others today."""
    assistant = call.assistant()
    answer = past_answer(assistant, answer_id)
    speak(as_language(call.overrides["lang"] or "") or answer.language)
    found = assistant.compare_today(answer)
    if as_json:
        call.console.json({"answer_id": answer_id, **asdict(found)})
        return 0
    gone = Text("(いまのデータにはありません)", "(not in today's data)")
    for change in found.changes:
        call.console.write(f"{change.what}: {change.before} → {change.after or gone}\n")
    for problem in found.failed:
        call.console.note(problem)
    checked, changed = found.checked, len(found.changes)
    call.console.write(
        str(
            Text(
                f"数値 {checked} 個を確かめ、{changed} 件が変わりました。",
                f"Checked {checked} figures; {changed} changed.",
            )
        )
        + "\n"
    )
    return 0
