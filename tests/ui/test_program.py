"""The program as the shell sees it: terminals, pipes, signals, encodings, start-up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fake_assistant import TABLE

pty = pytest.importorskip("pty", reason="needs a Unix terminal")
ROOT = Path(__file__).parents[2]
Start = Any


def on_terminal(
    program: list[str],
    *argv: str,
    keys: bytes = b"",
    interrupt_at: bytes = b"",
    environment: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Run the program on a terminal and return exit code and everything it showed."""
    env = {"COLUMNS": "80", **(environment or {})}
    env["PYTHONPATH"] = os.pathsep.join((str(ROOT), *sys.path))
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(env)
        os.execv(program[0], [*program, *argv])
    if keys:
        time.sleep(0.5)
        os.write(terminal, keys)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        shown += piece
        if interrupt_at and interrupt_at in shown:
            interrupt_at = b""
            time.sleep(0.3)
            os.write(terminal, b"\x03")
        if not piece:
            break
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode().replace("\r\n", "\n")


def test_terminal_gets_a_layout_and_colour(program: list[str]) -> None:
    """Steps are erased, the table is aligned."""
    code, shown = on_terminal(program, "G5は?")
    assert code == 0
    assert "\x1b[1mG5 は A10G" in shown
    assert "─────" in shown
    assert "|---|" not in shown
    assert shown.index("仕様を比較") < shown.rindex("\x1b[2K") < shown.index("A10G")


@pytest.mark.parametrize(
    ("argv", "environment"),
    [((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--color", "never"), {})],
)
def test_no_colour_when_it_is_refused(
    program: list[str], argv: Any, environment: dict[str, str]
) -> None:
    """NO_COLOR, TERM=dumb, --color never; a dumb terminal gets no cursor movement either."""
    _, shown = on_terminal(program, *argv, "G5は?", environment=environment)
    assert not [code for code in ("\x1b[1m", "\x1b[2m", "\x1b[4m") if code in shown]
    assert ("\x1b" in shown) == ("TERM" not in environment)
    assert "─────" in shown


def test_streamed_and_complete_answers_look_the_same(program: list[str]) -> None:
    """`--no-stream` changes when, not what."""
    _, streamed = on_terminal(program, "-q", "G5は?")
    _, complete = on_terminal(program, "-q", "--no-stream", "G5は?")
    assert streamed == complete


def test_conversation_on_a_terminal(program: list[str]) -> None:
    """Questions share a thread until /new; Ctrl-D leaves."""
    keys = "G5は?\n料金は?\n/new\nG6は?\n/bogus\n\x04".encode()
    code, shown = on_terminal(program, "chat", "-v", keys=keys, environment={"COLUMNS": "200"})
    assert code == 0
    assert [shown.count(f"会話 t{n}") for n in (1, 2, 3)] == [2, 0, 1]
    assert "/bogus" in shown


def test_ctrl_c_cancels_an_answer_and_the_conversation_goes_on(program: list[str]) -> None:
    """Only the answer is lost."""
    keys = b"slow\n"
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PYTHONPATH"] = os.pathsep.join((str(ROOT), *sys.path))
        os.execv(program[0], [*program, "chat"])
    time.sleep(0.6)
    os.write(terminal, keys)
    time.sleep(0.6)
    os.write(terminal, b"\x03")
    time.sleep(0.4)
    os.write(terminal, "G5は?\n/exit\n".encode())
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert "中断しました" in shown.decode()
    assert "A10G" in shown.decode()


def test_conversation_from_a_pipe(start: Start) -> None:
    """Lines of a pipe are questions of one conversation."""
    out, err = start("chat").communicate("G5は?\n料金は?\n".encode(), timeout=20)
    assert out.decode() == (TABLE + "\n") * 2
    assert err == b""


def test_ctrl_c_during_a_question_is_130(program: list[str]) -> None:
    """Quietly, without a traceback."""
    code, shown = on_terminal(program, "slow", interrupt_at="仕様を比較".encode())
    assert code == 130
    assert "Traceback" not in shown


def test_ctrl_c_leaves_whole_lines_in_a_batch(start: Start, tmp_path: Path) -> None:
    """What was written before the interruption is valid."""
    target = tmp_path / "out.jsonl"
    lines = [{"id": n, "question": "G5は?"} for n in range(20)] + [{"id": 20, "question": "slow"}]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    process = start("batch", str(source), "-o", str(target))
    limit = time.monotonic() + 20
    while time.monotonic() < limit and not (target.exists() and b'"id":19' in target.read_bytes()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == list(range(20))


def test_a_reader_that_leaves_is_no_error(start: Start, tmp_path: Path) -> None:
    """`ask batch … | head -1` is quiet."""
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": 1, "question": "G5は?"}) + "\n" * 1, "utf-8")
    source.write_text(source.read_text("utf-8") * 3000, "utf-8")
    process = start("batch", str(source), "-o", "-")
    process.stdout.readline()
    process.stdout.close()
    process.stdin.close()
    assert process.wait(timeout=20) == 0
    assert process.stderr.read() == b""


@pytest.mark.parametrize("argv", [("G5は?",), ("--json", "G5は?"), ("--help",), ("--bogus",)])
def test_output_is_utf8_whatever_the_locale(start: Start, argv: Any) -> None:
    """A C locale or another encoding does not break Japanese."""
    process = start(*argv, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    out, err = process.communicate(b"", timeout=20)
    assert "\ufffd" not in (out + err).decode("utf-8")
    assert b"Traceback" not in err
    assert (out + err).decode("utf-8").strip()


def test_waiting_for_a_silent_pipe_is_explained(start: Start) -> None:
    """Otherwise an inherited pipe looks like a program that hangs."""
    process = start("G5は?")
    assert "標準入力" in process.stderr.readline().decode()
    out, _ = process.communicate(b"", timeout=20)
    assert out.decode() == TABLE + "\n"


def test_help_imports_nothing_heavy() -> None:
    """Neither pydantic nor a model framework is needed to show help."""
    code = (
        "import sys; from ui.cli import run; run(['--help']); "
        "print([m for m in ('pydantic', 'langchain', 'rich', 'chromadb') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert out.stdout.decode().splitlines()[-1] == "[]"
