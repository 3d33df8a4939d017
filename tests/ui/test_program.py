"""The program as the shell sees it: terminals, pipes, signals, encodings, start-up."""

from __future__ import annotations

import json
import os
import select
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


DEADLINE_SECONDS = 60
# A session leader that opens a terminal gets it as its controlling one, so that ^C reaches it.
# No Python runs between fork and exec: this process has threads of native libraries, on which a
# bare fork hangs.
TAKE_TERMINAL = (
    "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


def open_terminal(
    program: list[str], *argv: str, environment: dict[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the program on a terminal; return its process and our end of the terminal."""
    env = os.environ | {"COLUMNS": "80"} | (environment or {})
    env["PYTHONPATH"] = os.pathsep.join((str(ROOT), *sys.path))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", TAKE_TERMINAL, *program, *argv]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    )
    os.close(theirs)
    return process, ours


def read_to_end(
    process: subprocess.Popen[bytes], terminal: int, interrupt_at: bytes = b""
) -> tuple[int, str]:
    """Return exit code and everything that is shown; ^C is typed when `interrupt_at` appears."""
    shown = b""
    end = time.monotonic() + DEADLINE_SECONDS
    while select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
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
    else:
        process.kill()
    os.close(terminal)
    return process.wait(timeout=10), shown.decode().replace("\r\n", "\n")


def on_terminal(
    program: list[str],
    *argv: str,
    keys: bytes = b"",
    interrupt_at: bytes = b"",
    environment: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Run the program on a terminal and return exit code and everything it showed."""
    process, terminal = open_terminal(program, *argv, environment=environment)
    if keys:
        time.sleep(0.5)
        os.write(terminal, keys)
    return read_to_end(process, terminal, interrupt_at)


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
    process, terminal = open_terminal(program, "chat")
    time.sleep(0.6)
    os.write(terminal, keys)
    time.sleep(0.6)
    os.write(terminal, b"\x03")
    time.sleep(0.4)
    os.write(terminal, "G5は?\n/exit\n".encode())
    code, shown = read_to_end(process, terminal)
    assert code == 0
    assert "中断しました" in shown
    assert "A10G" in shown


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
