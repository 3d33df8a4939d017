"""`ask feedback` lists votes and gaps, exports them with their answers and makes drafts."""

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
    """Return a function that runs a command line over two answers with votes and a gap."""
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

    assistant.history.add(
        Answer(
            question="Rubinは\nいつ?",
            answer="わかりません。",
            language="ja",
            abstained=True,
            reason="not_covered",
            answer_id="answer3",
            elapsed_ms=1,
        )
    )

    def call(*argv: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
        return run(argv, Session(build_real_assistant)), capsys.readouterr().out

    return call


def test_votes_are_listed_with_reason_and_question(ask: Run) -> None:
    code, out = ask("feedback", "list")
    first, second, third = out.splitlines()
    assert code == 0
    assert first.startswith("👍") and "answer1" in first and "質問1" in first
    assert second.startswith("👎") and "「料金が古い」" in second
    assert third.startswith("— ") and "answer3" in third and "(データなし) Rubinは いつ?" in third


def test_only_low_votes_on_request(ask: Run) -> None:
    assert [line[0] for line in ask("feedback", "list", "--down")[1].splitlines()] == ["👎"]


def test_only_unanswered_questions_on_request(ask: Run) -> None:
    assert [line[0] for line in ask("feedback", "list", "--abstained")[1].splitlines()] == ["—"]
    both = ask("feedback", "list", "--abstained", "--down")[1]
    assert [line[0] for line in both.splitlines()] == ["👎", "—"]


def test_an_unanswered_question_with_a_vote_is_listed_once(ask: Run, tmp_path: Path) -> None:
    build_assistant(Settings(data_dir=tmp_path / "data")).feedback("answer3", "down")
    lines = [line for line in ask("feedback", "list")[1].splitlines() if "answer3" in line]
    assert len(lines) == 1 and lines[0].startswith("👎") and "(データなし)" in lines[0]


def test_the_export_holds_question_and_answer(ask: Run) -> None:
    rows = [json.loads(line) for line in ask("feedback", "export")[1].splitlines()]
    assert [row["vote"] for row in rows] == ["up", "down", None]
    assert [row["abstained"] for row in rows] == [None, None, "not_covered"]
    assert rows[1]["question"] == "質問2" and rows[1]["answer"] == "答え2"
    assert rows[1]["reason"] == "料金が古い"


def test_a_draft_of_a_gap_is_a_case_and_an_entry(ask: Run, tmp_path: Path) -> None:
    folder = tmp_path / "draft"
    code, out = ask("feedback", "draft", "answer3", "-o", str(folder))
    assert code == 0
    assert out.splitlines() == [str(folder / "case.jsonl"), str(folder / "entry.md")]
    assert json.loads((folder / "case.jsonl").read_text("utf-8"))["question"] == "Rubinは\nいつ?"
    assert '- "Rubinは いつ?"' in (folder / "entry.md").read_text("utf-8")


def test_the_reason_of_a_vote_is_in_the_note_of_the_draft(ask: Run, tmp_path: Path) -> None:
    ask("feedback", "draft", "answer2", "-o", str(tmp_path))
    case = json.loads((tmp_path / "case.jsonl").read_text("utf-8"))
    assert case["note"].startswith("要確認") and "down: 料金が古い" in case["note"]
    assert not (tmp_path / "entry.md").exists(), "neither a gap nor a concept"


def test_a_draft_overwrites_only_on_request(ask: Run, tmp_path: Path) -> None:
    (tmp_path / "entry.md").write_text("mine", "utf-8")
    arguments = ("feedback", "draft", "answer3", "-o", str(tmp_path))
    assert ask(*arguments)[0] == 2
    assert (tmp_path / "entry.md").read_text("utf-8") == "mine"
    assert not (tmp_path / "case.jsonl").exists()
    assert ask(*arguments, "--force")[0] == 0
    assert (tmp_path / "entry.md").read_text("utf-8") != "mine"


def test_a_draft_of_an_unknown_answer_is_a_clear_error(
    ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ask("feedback", "draft", "nosuch")[0] == 2
    assert not (tmp_path / "draft-nosuch").exists()
