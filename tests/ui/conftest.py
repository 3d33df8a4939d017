"""A command line over a scripted assistant, in process and as a program of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))  # fake_assistant is shared with the program that tests start

from fake_assistant import FakeAssistant, stand_in  # noqa: E402

from ui.call import Session  # noqa: E402
from ui.cli import run  # noqa: E402


@dataclass(frozen=True)
class Outcome:
    """What one command line did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings of the machine out of the tests."""
    for name in list(os.environ):
        if name.startswith(("ASK_", "AWS_")) or name in ("NO_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ASK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def fake() -> FakeAssistant:
    """Return a scripted assistant."""
    return FakeAssistant()


@pytest.fixture
def cli(
    fake: FakeAssistant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cli]:
    """Return a function that runs one command line in process."""

    def call(*argv: str, stdin: bytes = b"", assistant: FakeAssistant | None = None) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        code = run(argv, Session(lambda settings: stand_in(assistant or fake.under(settings))))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    yield call


@pytest.fixture
def program() -> list[str]:
    """Return the start of a command line that runs as a program of its own."""
    return [sys.executable, str(HERE / "fake_ask.py")]


@pytest.fixture
def start(program: list[str]) -> Callable[..., subprocess.Popen[bytes]]:
    """Return a function that starts the program with pipes."""

    def launch(*argv: str, **environment: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path)), **environment}
        pipe = subprocess.PIPE
        return subprocess.Popen([*program, *argv], stdin=pipe, stdout=pipe, stderr=pipe, env=env)

    return launch
