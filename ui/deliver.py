"""Getting one answer from the assistant and showing it: as text, as it comes, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ui.console import Console
from ui.language import Language, Text
from ui.render import Screen, render_json, render_markdown

if TYPE_CHECKING:
    from assistant.answer import Answer
    from assistant.app import Assistant
    from assistant.events import Step, TextDelta

    Event = Step | TextDelta | Answer

Style = Literal["text", "stream", "json", "events"]


@dataclass(frozen=True, slots=True)
class Request:
    """A question and where it belongs."""

    question: str
    thread_id: str | None = None
    language: Language | None = None
    """None: the language of the question."""


def deliver(console: Console, assistant: Assistant, request: Request, *, style: Style) -> Answer:
    """Return the answer to a question, shown in the given style."""
    if style == "events":
        answer = _deliver_events(console, assistant, request)
    elif style == "stream":
        answer = _deliver_stream(console, assistant, request)
    else:
        answer = _complete(console, assistant, request)
        show_answer(console, answer, as_json=style == "json")
    _tell_about(console, answer)
    return answer


def show_answer(console: Console, answer: Answer, *, as_json: bool = False) -> None:
    """Show a complete answer."""
    if as_json:
        console.write(render_json(answer))
    else:
        console.markdown(render_markdown(answer))


def _complete(console: Console, assistant: Assistant, request: Request) -> Answer:
    if not console.shows_steps:
        return assistant.ask(
            request.question, thread_id=request.thread_id, language=request.language
        )
    return _followed(_events(assistant, request), console)


def _deliver_stream(console: Console, assistant: Assistant, request: Request) -> Answer:
    screen = Screen(console.out, console.write)
    shown: list[str] = []

    def show_text(text: str) -> None:
        shown.append(text)
        screen.feed(text)

    answer = _followed(_events(assistant, request), console, show_text)
    screen.feed(_remainder(answer.answer, "".join(shown)))
    screen.finish()
    return answer


def _followed(
    events: Iterator[Event], console: Console, show_text: Callable[[str], None] | None = None
) -> Answer:
    """Return the answer that ends the events, having shown what came before it."""
    from assistant.answer import Answer
    from assistant.events import Step

    answer: Answer | None = None
    for event in events:
        if isinstance(event, Answer):
            answer = event
        elif isinstance(event, Step):
            _show_step(console, event)
        elif show_text:
            show_text(event.text)
    if answer is None:
        raise RuntimeError("the assistant ended without an answer")
    console.clear_step()
    return answer


def _remainder(whole: str, shown: str) -> str:
    """Return what of the answer was not streamed. Released text is never taken back."""
    if whole.startswith(shown):
        return whole[len(shown) :]
    return "" if whole.rstrip() == shown.rstrip() else f"\n\n{whole}"


def _deliver_events(console: Console, assistant: Assistant, request: Request) -> Answer:
    from assistant.answer import Answer
    from assistant.events import Step

    answer: Answer | None = None
    for event in _events(assistant, request):
        if isinstance(event, Answer):
            answer = event
            _write_event(console, "answer", event.model_dump(mode="json"))
        elif isinstance(event, Step):
            step = {"label": event.label, "tool": event.tool, "status": event.status}
            _write_event(console, "step", step)
        else:
            _write_event(console, "text", {"text": event.text})
    if answer is None:
        raise RuntimeError("the assistant ended without an answer")
    return answer


def _events(assistant: Assistant, request: Request) -> Iterator[Event]:
    return assistant.stream(
        request.question, thread_id=request.thread_id, language=request.language
    )


def _write_event(console: Console, kind: str, content: dict[str, Any]) -> None:
    console.write(json.dumps({"event": kind, **content}, ensure_ascii=False) + "\n")


def _show_step(console: Console, step: Step) -> None:
    if step.status == "started":
        console.step(f"{step.label}…")


def _tell_about(console: Console, answer: Answer) -> None:
    for warning in answer.warnings:
        if warning not in answer.answer:
            console.note(warning)
    calls = ", ".join(call.name for call in answer.tool_calls) or "-"
    console.detail(
        Text(
            f"モデル {answer.model}、ツール {calls}、{answer.elapsed_ms} ms、"
            f"会話 {answer.thread_id}、回答 {answer.answer_id}",
            f"model {answer.model}, tools {calls}, {answer.elapsed_ms} ms, "
            f"thread {answer.thread_id}, answer {answer.answer_id}",
        )
    )
