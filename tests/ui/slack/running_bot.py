"""A bot that runs in a thread of the tests."""

from __future__ import annotations

import threading
from collections.abc import Callable

from assistant.app import Assistant
from ui.slack.serve import Options, run_bot

StartBot = Callable[..., "RunningBot"]


class RunningBot:
    """A bot in a thread of this process."""

    def __init__(self, assistant: Assistant, options: Options) -> None:
        """Start it."""
        self.stopping = threading.Event()
        self.error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, args=(assistant, options), name="bot", daemon=True
        )
        self._thread.start()

    def _run(self, assistant: Assistant, options: Options) -> None:
        try:
            run_bot(assistant, options, self.stopping)
        except BaseException as error:
            self.error = error

    def stop(self) -> None:
        """End it and wait until it has."""
        self.stopping.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
