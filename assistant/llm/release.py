"""Verified release: each sentence and table row of a model's text is shown once it is checked.

From the first unit that cannot be shown, the rest waits: what was released is never taken back, and
the order of the text stays. `finish` says what has to be corrected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from assistant.answer import Citation, Language
from assistant.citations import cited_ids, number_citations
from assistant.grounding import Reader, Verdict
from assistant.llm.failures import Unusable
from assistant.llm.turn import Turn
from assistant.llm.units import UnitSplitter

LEAK_CHARS = 16
"""So many characters in a row of the instructions are a disclosure, not a coincidence."""
LEAK_SENTENCE = 8
"""A whole sentence of them may be shorter."""
FOREIGN_CHARS = 8
PREAMBLE_UNITS = 3
"""A shorter text without figures may be a remark before a tool call (`調べます。`)."""
_KANA = re.compile(r"[\u3041-\u30ff]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_SPACE = re.compile(r"[\s*`_「」『』\"'、。.,:：]+")


@dataclass(slots=True)
class Unit:
    """A piece of text that waits, and why."""

    text: str
    verdict: Verdict = field(default_factory=Verdict)
    reader: Reader | None = None
    """The reader before the unit, to judge other words in its place."""
    forbidden: bool = False
    """It discloses the instructions or is in another language: nothing to correct."""

    @property
    def passed(self) -> bool:
        """Whether it may be shown."""
        return self.verdict.passed and not self.forbidden


class Release:
    """Takes the text of one model message and shows what is verified."""

    def __init__(
        self, turn: Turn, reader: Reader, sources: Mapping[str, Citation], *, secret: str
    ) -> None:
        """Judge with `reader`; `secret` is what must not be disclosed."""
        self._turn, self._reader, self._sources = turn, reader, sources
        self._splitter, self._secret, self._held = UnitSplitter(), secret, True
        self._leaking = False
        self.waiting: list[Unit] = []
        self.seen = False
        """Whether any text came."""

    @property
    def unsupported(self) -> list[Unit]:
        """The units that cannot be shown as they are."""
        return [unit for unit in self.waiting if not unit.passed]

    def feed(self, text: str) -> None:
        """Take more text."""
        self.seen = self.seen or bool(text.strip())
        for unit in self._splitter.feed(text):
            self._take(unit)

    def finish(self) -> None:
        """Take the end of the text and release what may be released."""
        for unit in self._splitter.finish():
            self._take(unit)
        self._held = False
        self.flush()

    def flush(self) -> None:
        """Show the waiting units up to the first that cannot be shown."""
        while self.waiting and self.waiting[0].passed:
            unit = self.waiting.pop(0)
            self._turn.figures += unit.verdict.figures
            self._turn.release(unit.text)

    def drop(self) -> None:
        """Forget what waits: it was a remark before a tool call."""
        self.waiting.clear()

    def judge(self, text: str, reader: Reader) -> Unit:
        """Return a unit with its verdict; the reader moves past it."""
        before, cited = reader.fork(), cited_ids(text, self._sources)
        shown = number_citations(text, self._sources, self._turn.citations)
        verdict = reader.judge(shown, cited)
        return Unit(shown, verdict, before, self._is_forbidden(shown))

    def _take(self, text: str) -> None:
        unit = self.judge(text, self._reader)
        self.waiting.append(unit)
        if self._held and len(self.waiting) < PREAMBLE_UNITS and not unit.verdict.figures:
            return
        self._held = False
        self.flush()

    def _is_forbidden(self, text: str) -> bool:
        self._leaking = self._leaking or _discloses(text, self._secret)
        if self._leaking:
            return True  # with all that follows
        if is_foreign(text, self._turn.language):
            if not self._turn.shown:
                raise Unusable("malformed")  # all of it will be: ask again at once
            return True
        return False


def is_foreign(text: str, language: Language) -> bool:
    """Whether a unit of prose is in neither the language of the answer nor in names and figures."""
    if text.lstrip().startswith(("|", "#")):
        return False
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    if language == "ja":
        return len(_HANGUL.findall(text)) >= FOREIGN_CHARS or (han >= FOREIGN_CHARS and not kana)
    return kana + han >= 2 * FOREIGN_CHARS


def _discloses(text: str, secret: str) -> bool:
    squeezed = _SPACE.sub("", text)
    windows, sentences = _parts(secret)
    return squeezed in sentences or any(
        squeezed[i : i + LEAK_CHARS] in windows for i in range(len(squeezed) - LEAK_CHARS + 1)
    )


@cache
def _parts(secret: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return all runs of LEAK_CHARS characters of the secret, and its sentences."""
    squeezed = _SPACE.sub("", secret)
    windows = (squeezed[i : i + LEAK_CHARS] for i in range(len(squeezed) - LEAK_CHARS + 1))
    sentences = (_SPACE.sub("", part) for part in re.split(r"[。\n]", secret))
    return frozenset(windows), frozenset(s for s in sentences if len(s) >= LEAK_SENTENCE)
