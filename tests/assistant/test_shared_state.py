"""The shared database: several processes, kills, crashes, and clear errors while it is away."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.errors import (
    AssistantError,
    AuthenticationError,
    NotConfiguredError,
    UnreachableError,
)
from assistant.settings import Settings
from benchmarks.team_load import Load, soak
from knowledge.ec2.catalogue import Catalogue
from tests.postgres import PostgresServer
from ui.cli import run

pytest.importorskip("psycopg", reason="needs the extra postgres")

from assistant.postgres import SharedPool, shared_pool

ROOT = Path(__file__).parents[2]
ASK_ONCE = """
import sys
from pathlib import Path
from assistant import Settings, build_assistant
assistant = build_assistant(Settings(state_url=sys.argv[1], data_dir=Path(sys.argv[2])))
print(assistant.ask("g5.xlargeの料金は?", thread_id=sys.argv[3]).answer_id)
"""


@pytest.fixture
def own_server() -> Generator[PostgresServer]:
    """A server that the test may stop."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after a second instead of fifteen."""
    monkeypatch.setattr(SharedPool.__init__, "__defaults__", (1.0,))
    shared_pool.cache_clear()


def assistant_on(url: str, folder: Path, catalogue: Catalogue) -> Assistant:
    return Assistant(Settings(state_url=url, data_dir=folder), catalogue=catalogue)


# -- errors --------------------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("ASK_STATE_URL", f"postgresql://ask:hunter2@127.0.0.1:{port}/ask")
    started = time.monotonic()
    assert run(["log"]) == UnreachableError.exit_code
    assert time.monotonic() - started < 15, "the first connection does not wait"
    shown = capsys.readouterr()
    assert "状態データベースに接続できません" in shown.err
    assert "hunter2" not in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("postgres@", "nobody@"), AuthenticationError),
        (("/ask_", "/missing_"), NotConfiguredError),
        (("postgresql://", "mysql://"), NotConfiguredError),
        (("/ask_", "?colour=red&x="), NotConfiguredError),
    ],
)
def test_a_wrong_address_says_what_is_wrong(
    postgres: PostgresServer,
    tmp_path: Path,
    catalogue: Catalogue,
    change: tuple[str, str],
    error: type[AssistantError],
) -> None:
    url = postgres.new_database().replace(*change)
    with pytest.raises(error) as caught:
        assistant_on(url, tmp_path, catalogue).ask("g5は?")
    assert caught.value.message_ja != caught.value.message_en


def test_an_assistant_recovers_by_itself(
    own_server: PostgresServer, tmp_path: Path, catalogue: Catalogue, impatient: None
) -> None:
    assistant = assistant_on(own_server.new_database(), tmp_path, catalogue)
    first = assistant.ask("g5.xlargeの料金は?", "t")
    own_server.stop()
    with pytest.raises(UnreachableError):
        assistant.ask("バージニア北部だと?", "t")
    with pytest.raises(UnreachableError):
        assistant.history.get(first.answer_id)
    own_server.start()
    assert "1.006" in assistant.ask("バージニア北部だと?", "t").answer
    assert assistant.history.get(first.answer_id) == first


def test_a_short_restart_is_not_noticed(
    own_server: PostgresServer, tmp_path: Path, catalogue: Catalogue
) -> None:
    assistant = assistant_on(own_server.new_database(), tmp_path, catalogue)
    assistant.ask("g5.xlargeの料金は?", "t")
    own_server.stop()
    restart = threading.Timer(1.0, own_server.start)
    restart.start()
    assert "1.006" in assistant.ask("バージニア北部だと?", "t").answer
    restart.join()


# -- processes -----------------------------------------------------------------------------------


def test_processes_that_start_together_migrate_once(
    postgres: PostgresServer, tmp_path: Path, catalogue: Catalogue
) -> None:
    url = postgres.new_database()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASK_ONCE, url, str(tmp_path / name), name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b", "c")
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert all(process.returncode == 0 for process in processes), outputs
    assistant = assistant_on(url, tmp_path / "here", catalogue)
    for (out, _), thread in zip(outputs, ("a", "b", "c"), strict=True):
        answer = assistant.history.get(out.strip())
        assert answer
        assert answer.thread_id == thread
        assert "1.006" in assistant.ask("バージニア北部だと?", thread).answer


def test_kills_and_a_crash_of_the_database_lose_nothing(
    own_server: PostgresServer, tmp_path: Path
) -> None:
    """A short soak; benchmarks/team_load.py has the long one."""

    def outage() -> None:
        own_server.stop()
        time.sleep(1)
        own_server.start()

    load = Load(
        seconds=6, conversations=8, turns=4, inbox_questions=8, processes=2, inbox_processes=1,
        kill_every_seconds=3,
    )  # fmt: skip
    found = soak(own_server.new_database(), tmp_path, load, outage)
    assert found.is_clean, found
    assert found.turns >= 32
    assert found.kills >= 1
    assert found.outages >= 1
