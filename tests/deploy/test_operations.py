"""The operations guide: its SQL runs, its drills work, its files exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import LiteralString, cast

import pytest

from assistant.app import Assistant
from assistant.inbox import build_inbox
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue
from tests.postgres import BINARIES, PostgresServer

psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations.ja.md").read_text("utf-8")
AGE = """
UPDATE checkpoints SET checkpoint = jsonb_set(checkpoint, '{ts}', '"2020-01-01T00:00:00+00:00"')
WHERE thread_id = 'old'
"""


def run_sql(url: str, statements: str) -> list[list[tuple[object, ...]]]:
    """Run statements one after another on one connection and return the rows of each."""
    found: list[list[tuple[object, ...]]] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in re.sub(r"--.*", "", statements).split(";"):
            if statement.strip():
                cursor = connection.execute(cast(LiteralString, statement))
                found.append(cursor.fetchall() if cursor.description else [])
    return found


@pytest.fixture
def settings(postgres: PostgresServer, tmp_path: Path) -> Settings:
    return Settings(state_url=postgres.new_database(), data_dir=tmp_path)


def test_what_is_counted_can_be_counted(settings: Settings, catalogue: Catalogue) -> None:
    assistant = Assistant(settings, catalogue=catalogue)
    answer = assistant.ask("g5.xlargeの料金は?")
    assistant.ask("今日の東京の天気は?")
    assistant.feedback(answer.answer_id, "up")
    build_inbox(settings)
    (block,) = re.findall(r"```sql\n(.*?)```", GUIDE, re.S)
    counts, abstained, slow, votes, waiting = run_sql(settings.state_url, block)
    assert counts == [(2,)]
    assert abstained == [(1, 2)]
    assert slow[0][0] is not None
    assert votes == [("up", 1)]
    assert waiting[0][0] == 0


def test_old_conversations_are_forgotten_and_others_go_on(
    settings: Settings, catalogue: Catalogue
) -> None:
    assistant = Assistant(settings, catalogue=catalogue)
    gone = assistant.ask("g5.xlargeの料金は?", "old")
    kept = assistant.ask("g5.xlargeの料金は?", "new")
    run_sql(settings.state_url, AGE)
    run_sql(settings.state_url, (ROOT / "deploy" / "prune.sql").read_text("utf-8"))
    assert assistant.history.get(gone.answer_id) is None
    assert assistant.history.get(kept.answer_id) == kept
    assert assistant.ask("バージニア北部だと?", "old").abstained
    assert "1.006" in assistant.ask("バージニア北部だと?", "new").answer


def test_a_backup_restores_into_another_database(
    settings: Settings, postgres: PostgresServer, tmp_path: Path, catalogue: Catalogue
) -> None:
    answer = Assistant(settings, catalogue=catalogue).ask("g5.xlargeの料金は?", "t")
    target, dump = postgres.new_database(), str(tmp_path / "ask.dump")
    tools = BINARIES[-1]
    subprocess.run([tools / "pg_dump", "-Fc", settings.state_url, "-f", dump], check=True)
    command = [tools / "pg_restore", "-d", target, "--clean", "--if-exists", dump]
    subprocess.run(command, check=True)
    restored = Assistant(Settings(state_url=target, data_dir=tmp_path), catalogue=catalogue)
    assert restored.history.get(answer.answer_id) == answer
    assert "1.006" in restored.ask("バージニア北部だと?", "t").answer
    assert restored.history.latest_thread() == "t", "numbers go on after the restored ones"


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"`?((?:deploy|docs)/[\w./-]+)", GUIDE):
        assert (ROOT / name.rstrip("/.")).exists(), name
