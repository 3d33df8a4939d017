"""One turn of a conversation as HTML: question, steps, answer, pictures, sources, actions.

Buttons carry `data-act`; chat.js turns their clicks into events. Passages open as native popovers,
so they work by keyboard and close with Escape.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ui.web.charts import figures
from ui.web.html import esc, link, render_html
from ui.web.texts import Texts

if TYPE_CHECKING:
    from assistant.answer import Answer, Citation
    from assistant.events import Step

_SOURCES = re.compile(r"^(?:出典|Sources?)\s*[::].*\Z", re.MULTILINE | re.DOTALL)
_STAMP = re.compile(
    r"<p>((?:(?:料金は|Prices are )[^<]*(?:時点|as of)|(?:出典|Sources?):)(?:(?!</p>).)*)</p>"
)
_MILLISECONDS = 1000


@dataclass(slots=True)
class StepLine:
    """A step with its times."""

    label: str
    tool: str
    started: float
    done: float | None = None


@dataclass(slots=True)
class Turn:
    """A question and what has become of it so far."""

    key: str
    question: str
    steps: list[StepLine] = field(default_factory=list[StepLine])
    text: str = ""
    """What was released while the answer is being made."""
    answer: Answer | None = None
    problem: str = ""
    """Message in place of an answer: stopped, an error."""
    drawn: bool = True
    """Whether pictures are drawn: they follow the text, which need not wait for them."""

    sent: bool = False
    """Whether the page has seen the turn under its key."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.answer is not None or bool(self.problem)

    def note(self, step: Step) -> None:
        """Take down that a tool starts or is done."""
        now = time.perf_counter()
        if step.status == "started":
            self.steps.append(StepLine(step.label, step.tool, now))
            return
        for line in self.steps:
            if line.tool == step.tool and line.done is None:
                line.done = now
                return


def render_turn(turn: Turn, say: Texts) -> str:
    """Return a turn as HTML."""
    body = [_steps(turn, say)]
    if turn.answer:
        body.append(_answer(turn, turn.answer, say))
    elif turn.text:
        body.append(f'<div class="md">{render_html(turn.text, table_label=say("table"))}</div>')
    if turn.problem:
        body.append(f'<p class="problem" role="alert">{esc(turn.problem)}</p>')
        body.append(f'<div class="bar">{_button("retry", say)}</div>')
    label = esc(say("answer"))
    answer = f'<section class="a" aria-label="{label}">{"".join(body)}</section>'
    return _question(turn, say) + answer


def _question(turn: Turn, say: Texts) -> str:
    tools = _button("edit", say) + _button("copy", say, extra=' data-of="q"')
    return (
        f'<section class="q" aria-label="{esc(say("question"))}">'
        f'<p class="said">{esc(turn.question)}</p>'
        f'<div class="bar">{tools if turn.finished else ""}</div></section>'
    )


def _steps(turn: Turn, say: Texts) -> str:
    if not turn.finished:
        rows = "".join(
            f'<li class="{"done" if line.done else "now"}">{esc(line.label)}{_took(line, say)}</li>'
            for line in turn.steps
        )
        waiting = "" if turn.steps and turn.text else f'<p class="wait">{esc(say("thinking"))}</p>'
        return f'<ol class="steps" aria-live="polite">{rows}</ol>{"" if rows else waiting}'
    if not turn.steps:
        return ""
    total = sum((line.done or line.started) - line.started for line in turn.steps)
    summary = say("steps_one", count=len(turn.steps), seconds=_seconds(total))
    rows = "".join(f"<li>{esc(line.label)}{_took(line, say)}</li>" for line in turn.steps)
    return f'<details class="did"><summary>{esc(summary)}</summary><ol>{rows}</ol></details>'


def _took(line: StepLine, say: Texts) -> str:
    if line.done is None:
        return ""
    shown = say("seconds", seconds=_seconds(line.done - line.started))
    return f' <span class="took">{esc(shown)}</span>'


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def _answer(turn: Turn, answer: Answer, say: Texts) -> str:
    def cite(number: int) -> str | None:
        if not 1 <= number <= len(answer.citations):
            return None
        label = f"{say('sources')} {number}: {answer.citations[number - 1].title}"
        target = f'popovertarget="{turn.key}-{number}" aria-label="{esc(label)}"'
        return f'<button class="cite" {target}>{number}</button>'

    html = render_html(readable(answer), cite, table_label=say("table"))
    faded = " abstained" if answer.abstained else ""
    parts = [f'<div class="md{faded}">{stamped(html)}</div>']
    parts += [f'<p class="warn">{esc(text)}</p>' for text in answer.warnings]
    if turn.drawn and answer.charts:
        parts.append(figures(answer.charts, answer.language, say))
    parts += [_files(answer, say), _citations(turn.key, answer.citations, say)]
    parts += [_suggestions(answer.suggestions, say), _actions(answer, say)]
    return "".join(parts)


def stamped(html: str) -> str:
    """Return the HTML of an answer with the dates of prices and the sources set small."""
    return _STAMP.sub(r'<p class="stamp">\1</p>', html)


def readable(answer: Answer) -> str:
    """Return the text without what the page shows in another form: sources and follow-ups."""
    text = answer.answer
    if answer.citations:
        text = _SOURCES.sub("", text)
    if answer.suggestions:
        blocks = text.split("\n\n")
        text = "\n\n".join(b for b in blocks if not all(s in b for s in answer.suggestions))
    return text.rstrip()


def _citations(key: str, citations: Sequence[Citation], say: Texts) -> str:
    if not citations:
        return ""
    chips = "".join(_chip(key, number, item) for number, item in enumerate(citations, 1))
    cards = "".join(_card(key, number, item, say) for number, item in enumerate(citations, 1))
    return (
        f'<div class="sources"><span class="lead">{esc(say("sources"))}</span>{chips}</div>{cards}'
    )


def _chip(key: str, number: int, item: Citation) -> str:
    day = f" <time>{item.as_of}</time>" if item.as_of else ""
    return (
        f'<button class="chip" popovertarget="{key}-{number}"><b>{number}</b>'
        f"<span>{esc(item.title)}</span>{day}</button>"
    )


def _card(key: str, number: int, item: Citation, say: Texts) -> str:
    rows = ""
    if item.section:
        rows += f"<dt>{esc(say('source_section'))}</dt><dd>{esc(item.section)}</dd>"
    origin = link(item.url, item.source) if item.url else esc(item.source)
    rows += f"<dt>{esc(say('sources'))}</dt><dd>{origin}</dd>"
    day = f'<p class="stamp">{esc(say("source_as_of", date=item.as_of))}</p>' if item.as_of else ""
    quote = f"<blockquote>{render_html(item.quote)}</blockquote>" if item.quote else ""
    name, target = esc(item.title), f'popovertarget="{key}-{number}"'
    close = f'<button class="x" {target} popovertargetaction="hide">{esc(say("close"))}</button>'
    return (
        f'<div popover id="{key}-{number}" class="card" role="dialog" aria-label="{name}">'
        f"<h4><b>{number}</b> {name}</h4>{day}<dl>{rows}</dl>{quote}{close}</div>"
    )


def _files(answer: Answer, say: Texts) -> str:
    if not answer.artifacts:
        return ""
    buttons = "".join(
        f'<button class="file" data-act="file" data-id="{answer.answer_id}" '
        f'data-name="{esc(_name(item.path))}">{esc(_name(item.path))}</button>'
        for item in answer.artifacts
    )
    return f'<div class="files"><span class="lead">{esc(say("files"))}</span>{buttons}</div>'


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _suggestions(suggestions: Sequence[str], say: Texts) -> str:
    if not suggestions:
        return ""
    buttons = "".join(
        f'<button class="quick" data-act="ask" data-text="{esc(text)}">{esc(text)}</button>'
        for text in suggestions
    )
    return f'<div class="next"><span class="lead">{esc(say("next"))}</span>{buttons}</div>'


def _actions(answer: Answer, say: Texts) -> str:
    vote = f' data-id="{answer.answer_id}" aria-pressed="false"'
    left = _button("good", say, "up", vote) + _button("bad", say, "down", vote)
    left += _button("copy", say, extra=' data-of="a"') + _button("retry", say)
    left += _button("permalink", say, extra=f' data-id="{answer.answer_id}"')
    took = say("seconds", seconds=_seconds(answer.elapsed_ms / _MILLISECONDS))
    right = (
        f'<span class="meta">{esc(say("answer_id"))} <code>{answer.answer_id}</code> · {esc(took)}'
    )
    right += f" · {esc(answer.model)}</span>" if answer.model != "planner" else "</span>"
    source = f'<template class="source">{esc(answer.answer)}</template>'
    return f'<div class="bar">{left}{right}</div><div class="why" hidden></div>{source}'


def _button(name: str, say: Texts, act: str = "", extra: str = "") -> str:
    label = esc(say(name))
    icon = f'<span class="ask-icon ask-icon-{name}" aria-hidden="true"></span>'
    return (
        f'<button class="act" data-act="{act or name}" title="{label}" aria-label="{label}"{extra}>'
        f'{icon}<span class="word">{label}</span></button>'
    )
