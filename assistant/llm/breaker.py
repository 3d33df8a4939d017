"""The circuit breaker of models: one that failed is left alone for a while, in the whole process.

After the pause one question tries it again; a further failure doubles the pause.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

PAUSE_SECONDS = 30.0
LONGEST_PAUSE = 300.0


@dataclass(slots=True)
class _State:
    failures: int = 0
    until: float = 0.0


class Breaker:
    """Which models are worth asking now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with all models worth asking."""
        self._clock, self._lock = clock, threading.Lock()
        self._states: dict[str, _State] = {}

    def allows(self, model: str) -> bool:
        """Whether the model may be asked. One caller is let through when a pause ends."""
        with self._lock:
            state = self._states.get(model)
            if state is None or not state.failures:
                return True
            if self._clock() < state.until:
                return False
            state.until = self._clock() + _pause(state.failures)
            return True

    def fail(self, model: str) -> None:
        """Leave the model alone for a while."""
        with self._lock:
            state = self._states.setdefault(model, _State())
            state.failures += 1
            state.until = self._clock() + _pause(state.failures)

    def succeed(self, model: str) -> None:
        """Ask the model again from now on."""
        with self._lock:
            self._states.pop(model, None)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._states.clear()


def _pause(failures: int) -> float:
    return min(PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE)


SHARED = Breaker()
"""The breaker of this process: every assistant in it shares what is known of the models."""
