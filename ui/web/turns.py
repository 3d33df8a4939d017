"""One question, streamed: the assistant works on a thread, the page gets views of the turn.

Stopping is cancelling the iteration. The thread then closes the assistant's stream at its next
event, which ends the graph behind it; nothing of a stopped turn reaches another view.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from ui.web.texts import Texts
from ui.web.view import Turn

if TYPE_CHECKING:
    from assistant.answer import Answer
    from assistant.app import Assistant
    from assistant.events import Step, TextDelta

LOG = logging.getLogger("ask.web")
_FIRST_PAUSE = 0.03
_PAUSE = 0.08
"""Seconds between two views while text streams: smooth to the eye, cheap for the browser."""
_END = object()


async def stream_turn(
    assistant: Assistant, turn: Turn, *, thread: str, say: Texts, pool: ThreadPoolExecutor
) -> AsyncGenerator[Turn]:
    """Yield the turn each time there is something new to show, last when it is finished."""
    events: asyncio.Queue[Any] = asyncio.Queue()
    stopped = threading.Event()
    loop = asyncio.get_running_loop()

    def put(event: object) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    def ask() -> Iterator[Step | TextDelta | Answer]:
        return assistant.stream(turn.question, thread, say.language)

    loop.run_in_executor(pool, _pump, ask, put, stopped)
    try:
        async for changed in _views(turn, events, say):
            yield changed
    finally:
        stopped.set()


async def _views(turn: Turn, events: asyncio.Queue[Any], say: Texts) -> AsyncGenerator[Turn]:
    pause = _FIRST_PAUSE
    while True:
        event = await events.get()
        # What follows at once is shown at once: a view costs the server more than a quick answer.
        await asyncio.sleep(pause)
        pause = _PAUSE
        while event is not _END:
            _take(turn, event, say)
            if events.empty():
                break
            event = events.get_nowait()
        yield turn
        if event is _END:
            return


def _take(turn: Turn, event: object, say: Texts) -> None:
    from assistant.answer import Answer
    from assistant.errors import AssistantError
    from assistant.events import Step, TextDelta

    match event:
        case Step():
            turn.note(event)
        case TextDelta():
            turn.text += event.text
        case Answer():
            turn.answer = event
        case AssistantError():
            turn.problem = event.message(say.language)
        case _:
            assert isinstance(event, BaseException)
            turn.problem = say("failed", incident=report(event))


def _pump(
    ask: Callable[[], Iterator[object]], put: Callable[[object], None], stopped: threading.Event
) -> None:
    try:
        with closing(cast("Generator[object]", ask())) as stream:
            for event in stream:
                if stopped.is_set():
                    return
                put(event)
    except BaseException as error:  # also what only ends a thread: the page must not wait for ever
        put(error)
    finally:
        if not stopped.is_set():
            put(_END)


def report(error: BaseException) -> str:
    """Log an unexpected error and return the number under which it can be found."""
    incident = uuid.uuid4().hex[:8]
    LOG.error("incident %s", incident, exc_info=error)
    return incident
