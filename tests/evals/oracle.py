"""Writes the answer that a case expects, to show that every case can be passed and failed."""

from __future__ import annotations

import re
from typing import Any

from evals.dataset import Case

SAMPLES = ("不明です", "ありません", "対象外です", "提供されていません", "AWS 製", "g5")
"""Texts that the patterns of the datasets look for."""


def perfect(case: Case, factor: float = 1) -> dict[str, Any]:
    """An Answer JSON with all that is expected, every figure multiplied by a factor."""
    expect = case.expect
    start = {"yes": ("はい。", "Yes. "), "no": ("いいえ。", "No. "), None: ("", "")}[expect.verdict]
    shown = [f"{figure.value * factor:.10g} {figure.unit}" for figure in expect.figures]
    named = [_spelling(group) for group in expect.names]
    filler = "これについてお答えするとこうなります。" if case.language == "ja" else "Here it is."
    text = start[case.language == "en"] + "\n".join([filler, *shown, *named])
    return {
        "answer": text,
        "language": case.language,
        "abstained": bool(expect.abstain),
        "reason": None,
        "citations": [{"id": "a"}],
        "warnings": [],
        "tool_calls": [{"name": name, "ok": True} for name in expect.tools],
        "artifacts": [{"path": "bundle.zip"}] if expect.artifact else [],
    }


def _spelling(group: tuple[str, ...]) -> str:
    plain = [name for name in group if not name.startswith("re:")]
    if plain:
        return plain[0]
    return next(text for text in SAMPLES if re.search(group[0].removeprefix("re:"), text))
