"""A model's stream read by a thread of its own, so that silence and cancelling end the wait."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from assistant.llm.failures import Unusable
from assistant.llm.turn import Turn

POLL_SECONDS = 0.05
_Item = TypeVar("_Item")
_END = object()


def pumped(make: Callable[[], Iterator[_Item]], turn: Turn, silence: float) -> Iterator[_Item]:
    """Yield what `make()` yields.

    Raises Unusable("timeout") after `silence` seconds without an item or at the turn's time limit,
    and Cancelled when the turn is cancelled. The thread then closes the stream at its next item.
    """
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()
    context = contextvars.copy_context()
    threading.Thread(
        target=context.run, args=(_read, make, box, stop), name="ask-model", daemon=True
    ).start()
    try:
        while True:
            kind, item = _next(box, turn, silence)
            if kind is _END:
                return
            if kind is Exception:
                raise item
            yield item
    finally:
        stop.set()


def _read(
    make: Callable[[], Iterator[Any]], box: queue.SimpleQueue[Any], stop: threading.Event
) -> None:
    try:
        stream = make()
        for item in stream:
            box.put((None, item))
            if stop.is_set():
                close = getattr(stream, "close", None)
                if close:
                    close()  # ends the HTTP response: the provider stops, too
                return
        box.put((_END, None))
    except BaseException as error:
        box.put((Exception, error))


def _next(box: queue.SimpleQueue[Any], turn: Turn, silence: float) -> tuple[Any, Any]:
    quiet_until = time.monotonic() + silence
    while True:
        turn.check()
        try:
            return box.get(timeout=POLL_SECONDS)
        except queue.Empty:
            if time.monotonic() > quiet_until or turn.seconds_left <= 0:
                raise Unusable("timeout") from None
