"""`ask batch`: order, survival, conversations, resuming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_assistant import FakeAssistant, failing

from assistant.errors import AuthenticationError, UpstreamError

Cli = Any


def batch(cli: Cli, *lines: bytes | dict[str, Any], **options: Any) -> tuple[Any, list[Any]]:
    """Run a batch over stdin and return the outcome and the output lines."""
    raw = [json.dumps(line).encode() if isinstance(line, dict) else line for line in lines]
    result = cli("batch", "-", stdin=b"\n".join(raw) + b"\n", **options)
    return result, [json.loads(line) for line in result.out.splitlines()]


def question(number: int, text: str = "G5は?") -> dict[str, Any]:
    """Return one input line."""
    return {"id": number, "question": text}


def test_answers_keep_order_and_ids(cli: Cli) -> None:
    """Every line carries its id and an answer."""
    result, rows = batch(cli, *(question(n) for n in range(50)))
    assert result.code == 0
    assert [row["id"] for row in rows] == list(range(50))
    assert all(row["schema_version"] == 1 for row in rows)


MALFORMED = [
    b"not json",
    b"[1]",
    b'"G5?"',
    b"null",
    b"{}",
    b'{"id": 7}',
    b'{"id": 7, "question": 5}',
    b'{"id": 7, "turns": []}',
    b'{"id": 7, "turns": "x"}',
    b'{"id": 7, "turns": ["x", 1]}',
    b'{"id": 7, "question": "x", "turns": ["y"]}',
    b'{"turns": ["a"], "turns": ["b"]}',
    b'{"id": NaN, "question": "x"}',
    b'{"id": {}, "question": "x"}',
    b"\xff\xfe\x00\x01junk",
    b"[" * 100_000,
    b'{"id": 1' + b"0" * 5000 + b', "question": "x"}',
    bytes(range(11, 256)),
]


@pytest.mark.parametrize("line", MALFORMED)
def test_malformed_lines_become_error_objects_in_place(cli: Cli, line: bytes) -> None:
    """The neighbours are answered; the exit code stays 0."""
    result, rows = batch(cli, question(1), line, question(3))
    assert result.code == 0
    assert [row.get("answer_id") for row in rows] == ["a1", None, "a2"]
    assert rows[1]["line"] == 2
    assert rows[1]["error"]["code"] == "usage"
    assert rows[1]["error"]["message"]


def test_the_id_of_a_wrong_line_is_kept_where_it_can_be_read(cli: Cli) -> None:
    """An id helps to find the line."""
    _, rows = batch(cli, b'{"id": "q7", "question": 5}', b"junk")
    assert [row["id"] for row in rows] == ["q7", None]


def test_blank_lines_are_skipped_but_counted(cli: Cli) -> None:
    """Line numbers are those of the file."""
    _, rows = batch(cli, b"", question(1), b"   ", b"junk")
    assert [row.get("line") for row in rows] == [None, 4]


def test_strange_questions_do_not_stop_the_run(cli: Cli) -> None:
    """Empty, long, lone surrogates, failing: one line each."""
    lines = [question(1, ""), question(2, "長" * 100_000), question(4, "boom"), question(5)]
    result, rows = batch(cli, *lines, b'{"id": "\\udc83", "question": "\\ud800"}')
    assert [("error" in row) for row in rows] == [True, False, True, False, False]
    assert rows[0]["error"]["code"] == "usage"
    assert rows[2]["error"]["code"] == "internal"
    assert result.code == 1


def test_turns_are_a_conversation_of_their_own(cli: Cli, fake: FakeAssistant) -> None:
    """Equal turns in two lines do not share a thread; the last answer is printed."""
    turns = {"id": "a", "turns": ["G5は?", "G5は?", "料金は?"]}
    _, rows = batch(cli, turns, {**turns, "id": "b"})
    threads = [thread for _, thread, _ in fake.asked]
    assert threads == [None, "t1", "t1", None, "t4", "t4"]
    assert [row["question"] for row in rows] == ["料金は?", "料金は?"]


def test_the_same_input_gives_the_same_output(cli: Cli) -> None:
    """Nothing of the run itself enters the lines."""
    lines = [question(n, f"G{n}は?") for n in range(5)]
    first = batch(cli, *lines, assistant=FakeAssistant())[0].out
    assert batch(cli, *lines, assistant=FakeAssistant())[0].out == first


def test_upstream_failures_are_lines_and_the_exit_code(cli: Cli) -> None:
    """A provider that fails may work for the next line."""
    result, rows = batch(cli, question(1), question(2), assistant=failing(UpstreamError))
    assert [row["error"]["code"] for row in rows] == ["upstream", "upstream"]
    assert result.code == 8


def test_refused_credentials_end_the_run(cli: Cli) -> None:
    """Every further line would fail in the same way."""
    result, rows = batch(cli, question(1), question(2), assistant=failing(AuthenticationError))
    assert len(rows) == 1
    assert result.code == 4


def test_file_to_file_and_resume(cli: Cli, tmp_path: Path, fake: FakeAssistant) -> None:
    """`--resume` drops an unfinished line and goes on behind the whole ones."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps(question(n)) + "\n" for n in range(4)), "utf-8")
    assert cli("batch", str(source), "-o", str(target)).out == ""
    whole = target.read_bytes().splitlines(keepends=True)
    target.write_bytes(b"".join(whole[:2]) + whole[2][:30])
    fake.asked.clear()
    assert cli("batch", str(source), "-o", str(target), "--resume").code == 0
    rows = [json.loads(line) for line in target.read_bytes().splitlines()]
    assert [row["id"] for row in rows] == [0, 1, 2, 3]
    assert len(fake.asked) == 2


def test_input_is_never_overwritten(cli: Cli, tmp_path: Path) -> None:
    """`-o` with the input's own name is refused."""
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(question(1)), "utf-8")
    assert cli("batch", str(source), "-o", str(source)).code == 2
    assert json.loads(source.read_text("utf-8")) == question(1)


def test_errors_are_counted_on_stderr_and_silence_can_be_asked_for(cli: Cli) -> None:
    """Nobody should need to search the output for errors."""
    line = json.dumps(question(1)).encode()
    assert "エラー 1" in cli("batch", "-", stdin=line + b"\njunk\n").err
    assert cli("batch", "-", "-q", stdin=line + b"\njunk\n").err == ""
    assert cli("batch", "-", stdin=line).err == ""
