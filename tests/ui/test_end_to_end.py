"""The command line over the real assistant: the questions that the program was made for."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from assistant import Answer
from ui.call import Session, build_real_assistant
from ui.cli import run


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs a command line and returns exit code, stdout and stderr."""

    def call(*argv: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        code = run(argv, Session(build=build_real_assistant))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("G5とG4dnの違いは?", ("A10G", "T4", "24 GB", "16 GB", "1.459", "0.71", "出典")),
        ("c6i.4xlagreのメモリ", ("c6i.4xlarge", "32 GiB")),
        ("p5.24xlargeの料金は?", ("p5.48xlarge",)),
        ("P4dはH100だよね?", ("A100",)),
    ],
)
def test_questions_are_answered(ask: Any, question: str, expected: tuple[str, ...]) -> None:
    """The facts are in the answer, nothing is on stderr."""
    code, out, err = ask(question)
    assert code == 0
    assert [word for word in expected if word not in out] == []
    assert err == ""


def test_out_of_scope_is_declined(ask: Any) -> None:
    """Declining is an answer unless asked otherwise."""
    assert ask("今日の東京の天気は?")[0] == 0
    assert ask("--fail-on-abstain", "今日の東京の天気は?")[0] == 10


def test_json_answer_validates(ask: Any) -> None:
    """What is printed is the contract's Answer."""
    answer = Answer.model_validate_json(ask("--json", "g5.xlargeのvCPU数は?")[1])
    assert answer.figures
    assert answer.citations


def test_a_conversation_continues_in_the_next_run(ask: Any) -> None:
    """`-c` remembers what was talked about."""
    ask("g5.xlargeのGPUは?")
    code, out, _ = ask("-c", "g6.xlargeだと?")
    assert code == 0
    assert "L4" in out


def test_unlogged_questions_leave_no_trace(ask: Any, tmp_path: Path) -> None:
    """`-n` writes nothing."""
    ask("-n", "G5は?")
    assert ask("log")[1] == ""
    assert not list((tmp_path / "data").glob("*.sqlite"))


def test_spec_commands_show_the_catalogue(ask: Any) -> None:
    """Fractional GPUs, counts, corrections."""
    out = ask("spec", "show", "g6f.large")[1]
    assert "1/8" in out
    assert re.search(r"2\.(79|8) GiB", out)
    found = ask("spec", "find", "--gpu", "H100", "--gpu-count", "1", "--csv")[1]
    assert [row["type.name"] for row in csv.DictReader(io.StringIO(found))] == ["p5.4xlarge"]
    code, out, err = ask("spec", "show", "p5.24xlarge")
    assert (code, out) == (2, "")
    assert "p5.48xlarge" in err
    assert json.loads(ask("spec", "compare", "g5", "g6", "--json")[1])["kind"] == "comparison"


def test_spec_find_conditions_hold(ask: Any) -> None:
    """Every filter of the command line reaches the catalogue."""
    out = ask(
        *("spec", "find", "--gpu-memory-gb", "24", "--max-price", "2", "--region", "us-east-1"),
        *("--bf16", "--arch", "x86_64", "--sort", "vcpus", "--desc", "--csv"),
    )[1]
    rows = list(csv.DictReader(io.StringIO(out)))
    assert rows
    assert all(float(row["usd_per_hour.on-demand.us-east-1"]) <= 2 for row in rows)
    assert all(float(row["gpu.memory_gb"]) >= 24 for row in rows)
    vcpus = [int(row["type.vcpus"]) for row in rows]
    assert vcpus == sorted(vcpus, reverse=True)


def test_unknown_region_and_item_are_usage_errors(ask: Any) -> None:
    """The message names what is known."""
    assert ask("spec", "show", "g5.xlarge", "--region", "mars-1")[0] == 2
    code, _, err = ask("spec", "find", "--sort", "beauty")
    assert code == 2
    assert "usd_per_hour" in err


def test_batch_survives_everything(ask: Any, tmp_path: Path) -> None:
    """One line out for each line in, whatever is in it."""
    lines = [
        json.dumps({"id": 1, "question": "G5とG4dnの違いは?"}).encode(),
        b"\xff\x00junk",
        json.dumps({"id": 2, "question": ""}).encode(),
        json.dumps({"id": 3, "question": "G5" * 50_000}).encode(),
        json.dumps({"id": 4, "turns": ["g5.xlargeのGPUは?", "g6.xlargeだと?"]}).encode(),
    ]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(lines) + b"\n")
    target = tmp_path / "out.jsonl"
    assert ask("batch", str(source), "-o", str(target))[0] == 0
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == [1, None, 2, 3, 4]
    assert rows[1]["error"]["code"] == "usage"
    assert [rows[2]["reason"], rows[3]["reason"]] == ["empty", "too_long"]
    assert "L4" in rows[4]["answer"]
