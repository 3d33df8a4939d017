"""`ask feedback` lists votes and exports them with their answers."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant import build_assistant
from assistant.answer import Answer
from assistant.settings import Settings
from ui.call import Session, build_real_assistant
from ui.cli import run

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a function that runs a command line over two answers with votes."""
    assistant = build_assistant(Settings(data_dir=tmp_path / "data"))
    for number, vote in ((1, "up"), (2, "down")):
        answer = Answer(
            question=f"質問{number}",
            answer=f"答え{number}",
            language="ja",
            answer_id=f"answer{number}",
            elapsed_ms=1,
        )
        assistant.history.add(answer)
        assistant.feedback(f"answer{number}", vote, "料金が古い" if vote == "down" else "")  # type: ignore[arg-type]

    def call(*argv: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
        return run(argv, Session(build_real_assistant)), capsys.readouterr().out

    return call


def test_votes_are_listed_with_reason_and_question(ask: Run) -> None:
    code, out = ask("feedback", "list")
    first, second = out.splitlines()
    assert code == 0
    assert first.startswith("👍") and "answer1" in first and "質問1" in first
    assert second.startswith("👎") and "「料金が古い」" in second


def test_only_low_votes_on_request(ask: Run) -> None:
    assert [line[0] for line in ask("feedback", "list", "--down")[1].splitlines()] == ["👎"]


def test_the_export_holds_question_and_answer(ask: Run) -> None:
    rows = [json.loads(line) for line in ask("feedback", "export")[1].splitlines()]
    assert [row["vote"] for row in rows] == ["up", "down"]
    assert rows[1]["question"] == "質問2" and rows[1]["answer"] == "答え2"
    assert rows[1]["reason"] == "料金が古い"
