"""What an ingest did, document by document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["added", "updated", "unchanged", "removed", "skipped"]
Reason = Literal[
    "too_large",
    "empty",
    "binary",
    "encoding",
    "encrypted",
    "damaged",
    "unsupported",
    "unreadable",
    "no_text",
]

MESSAGES: dict[Reason, tuple[str, str]] = {
    "too_large": ("大きすぎます(上限 {limit} MB)", "is larger than {limit} MB"),
    "empty": ("空のファイルです", "is empty"),
    "binary": ("テキストではありません(バイナリ)", "is binary, not text"),
    "encoding": (
        "文字コードを判別できません。UTF-8 で保存し直してください",
        "has an encoding that cannot be told; save it as UTF-8",
    ),
    "encrypted": (
        "パスワードで保護されています。保護を外してから取り込んでください",
        "is protected by a password; remove it first",
    ),
    "damaged": ("壊れていて読めません", "is damaged"),
    "unsupported": ("対応していない形式です", "is of a type that is not supported"),
    "unreadable": (
        "読み取れません(権限または入出力エラー)",
        "cannot be read (permission or I/O error)",
    ),
    "no_text": (
        "本文のテキストがありません(画像だけの PDF など)。OCR が必要です",
        "has no text (a scanned PDF?); it needs OCR first",
    ),
}


class SkipError(Exception):
    """A document cannot be taken in; the report says why."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        """Keep the reason, and the reader's own words as a detail."""
        super().__init__(reason)
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Line:
    """One document's outcome."""

    uri: str
    outcome: Outcome
    chunks: int = 0
    reason: Reason | None = None
    detail: str = ""
    limit_mb: int = 0

    def message(self, language: Literal["ja", "en"] = "ja") -> str:
        """Return why the document was skipped; empty if it was not."""
        if self.reason is None:
            return ""
        text = MESSAGES[self.reason][0 if language == "ja" else 1].format(limit=self.limit_mb)
        return f"{text} ({self.detail})" if self.detail else text


@dataclass(slots=True)
class Report:
    """All outcomes of an ingest."""

    lines: list[Line] = field(default_factory=list[Line])

    def count(self, outcome: Outcome) -> int:
        """Return how many documents had this outcome."""
        return sum(line.outcome == outcome for line in self.lines)

    @property
    def chunks(self) -> int:
        """Passages that were added or replaced."""
        return sum(line.chunks for line in self.lines if line.outcome in ("added", "updated"))

    def of(self, outcome: Outcome) -> list[Line]:
        """Return the lines with this outcome."""
        return [line for line in self.lines if line.outcome == outcome]
