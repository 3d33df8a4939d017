"""History and threads: what was said is found by another assistant and by another process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assistant.answer import Answer
from assistant.app import Assistant
from assistant.database import SqliteDatabase
from assistant.errors import NotConfiguredError
from assistant.history import STORE, History
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue

ROOT = Path(__file__).parents[2]
IN_ANOTHER_PROCESS = """
import json, sys
from pathlib import Path
from assistant import build_assistant
from assistant.settings import Settings
assistant = build_assistant(Settings(data_dir=Path(sys.argv[1])))
answer = assistant.ask(sys.argv[2], thread_id=sys.argv[3])
print(answer.model_dump_json())
"""
READ_CHECKPOINT = """
import json, sqlite3, sys
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from tools.facts import facts_of
from tools.results import restore
saver = SqliteSaver(sqlite3.connect(sys.argv[1]))
state = saver.get({"configurable": {"thread_id": sys.argv[2]}})
found = [m.artifact for m in state["channel_values"]["messages"] if isinstance(m, ToolMessage)]
assert all(type(artifact) is dict for artifact in found), found
print(json.dumps([restore(artifact).model_dump(mode="json") for artifact in found]))
print(json.dumps([fact.source for artifact in found for fact in facts_of(restore(artifact))]))
"""


def program(code: str, *argv: str) -> str:
    """Run a program in a process of its own and return what it printed."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))}
    command = [sys.executable, "-c", code, *argv]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that keep everything in a directory of the test."""
    return Settings(data_dir=tmp_path / "kept")


@pytest.fixture
def assistant(settings: Settings, catalogue: Catalogue) -> Assistant:
    """An assistant that keeps what it says."""
    return Assistant(settings, catalogue=catalogue)


def kept_in(path: Path) -> History:
    return History(SqliteDatabase(path, STORE))


def answer_named(answer_id: str, thread: str = "t") -> Answer:
    return Answer(
        question="質問", answer="答え", language="ja", thread_id=thread, answer_id=answer_id,
        elapsed_ms=1,
    )  # fmt: skip


# -- history -------------------------------------------------------------------------------------


def test_answers_are_listed_oldest_first(tmp_path: Path) -> None:
    history = kept_in(tmp_path / "a.sqlite")
    for number in range(5):
        history.add(answer_named(f"id{number}"))
    assert [a.answer_id for a in history.list(3)] == ["id2", "id3", "id4"]
    assert history.get("id1") == answer_named("id1")
    assert history.get("nothing") is None


def test_an_empty_history_makes_no_file(tmp_path: Path) -> None:
    history = kept_in(tmp_path / "a.sqlite")
    assert history.list(3) == []
    assert history.get("x") is None
    assert history.latest_thread() is None
    assert not (tmp_path / "a.sqlite").exists()


def test_without_a_path_nothing_is_kept() -> None:
    history = History(None)
    history.add(answer_named("x"))
    assert history.list(3) == []


def test_an_answer_reads_back_as_it_was_given(assistant: Assistant, settings: Settings) -> None:
    given = assistant.ask("G5とG4dnの違いは?")
    assert kept_in(settings.history_path).get(given.answer_id) == given


def test_the_latest_thread_is_the_one_used_last(assistant: Assistant) -> None:
    for thread in ("first", "second", "first"):
        assistant.ask("g5.xlargeのメモリは?", thread_id=thread)
        assert assistant.threads.latest() == thread


def test_nothing_is_written_when_logging_is_off(tmp_path: Path, catalogue: Catalogue) -> None:
    quiet = Assistant(Settings(data_dir=tmp_path / "no", log=False), catalogue=catalogue)
    quiet.ask("g5.xlargeのメモリは?")
    assert not (tmp_path / "no").exists()


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    kept_in(path).add(answer_named("before"))

    def write(worker: int) -> None:
        history = kept_in(path)
        for number in range(20):
            history.add(answer_named(f"{worker}-{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(kept_in(path).list(1000)) == 81


def test_a_data_directory_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    blocked = Assistant(Settings(data_dir=tmp_path / "file"))
    with pytest.raises(NotConfiguredError) as caught:
        blocked.ask("g5.xlargeのメモリは?")
    assert "ASK_DATA_DIR" in caught.value.message_ja
    assert "ASK_DATA_DIR" in caught.value.message_en


def test_a_damaged_history_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(NotConfiguredError):
        kept_in(path).list(3)


# -- threads -------------------------------------------------------------------------------------


def test_a_follow_up_is_read_with_the_question_before(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeの料金は?", thread_id="t")
    answer = assistant.ask("バージニア北部だと?", thread_id="t")
    assert "g5.xlarge" in answer.answer
    assert "1.006" in answer.answer


def test_a_follow_up_without_its_thread_is_not_guessed(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeの料金は?", thread_id="t")
    for other in ("u", None):
        answer = assistant.ask("バージニア北部だと?", thread_id=other)
        assert answer.abstained
        assert answer.figures == []


def test_a_second_assistant_continues_the_thread(
    assistant: Assistant, settings: Settings, catalogue: Catalogue
) -> None:
    assistant.ask("g5.xlargeのメモリは?", thread_id="t")
    second = Assistant(settings, catalogue=catalogue)
    assert second.threads.latest() == "t"
    answer = second.ask("g6.xlargeは?", thread_id="t")
    assert "g6.xlarge" in answer.answer
    assert "メモリ" in answer.answer
    assert [call.args["names"] for call in answer.tool_calls] == [["g6.xlarge"]]


def test_a_second_process_continues_the_thread(assistant: Assistant, settings: Settings) -> None:
    assistant.ask("g5.xlargeの料金は?", thread_id="t")
    printed = program(IN_ANOTHER_PROCESS, str(settings.data_dir), "バージニア北部だと?", "t")
    answer = Answer.model_validate_json(printed)
    assert "1.006" in answer.answer
    back = assistant.ask("大阪だと?", thread_id="t")
    assert "g5.xlarge" in back.answer
    assert [a.thread_id for a in assistant.history.list(9)] == ["t", "t", "t"]


def test_two_threads_do_not_mix(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeのメモリは?", thread_id="a")
    assistant.ask("p5.48xlargeのメモリは?", thread_id="b")
    answer = assistant.ask("東京の料金は?", thread_id="a")
    assert "g5.xlarge" in answer.answer
    assert "p5" not in answer.answer


QUESTIONS = {
    "G5とG4dnの違いは?": "comparison",
    "GPUメモリ80GB以上で一番安いのは?": "search",
    "p5.24xlargeの料金は?": "unknown_name",
    "g5.xlargeのメモリは?": "description",
}


def test_results_restore_in_a_second_process(assistant: Assistant, settings: Settings) -> None:
    """The artifacts of a real checkpoint file are plain dicts that become the same results."""
    from langchain_core.messages import ToolMessage
    from langgraph.checkpoint.sqlite import SqliteSaver

    sources: list[str] = []
    for question, kind in QUESTIONS.items():
        assistant.ask(question, thread_id=kind)
        saver = SqliteSaver(sqlite3.connect(settings.threads_path))
        state: Any = saver.get({"configurable": {"thread_id": kind}})
        messages = state["channel_values"]["messages"]
        here = [message.artifact for message in messages if isinstance(message, ToolMessage)]
        printed = program(READ_CHECKPOINT, str(settings.threads_path), kind).splitlines()
        assert json.loads(printed[0]) == here
        assert [item["kind"] for item in here] == [kind]
        sources += json.loads(printed[1])
    assert "g5.xlarge:memory_gib" in sources
    assert any(source.startswith("p5.48xlarge:usd_per_hour") for source in sources)


def test_a_thread_grows_by_its_own_turns_only(assistant: Assistant, settings: Settings) -> None:
    """One checkpoint a turn (durability `exit`), so that long conversations stay small."""
    for _ in range(3):
        assistant.ask("g5.xlargeのメモリは?", thread_id="t")
    rows = sqlite3.connect(settings.threads_path).execute("SELECT count(*) FROM checkpoints")
    assert rows.fetchone()[0] <= 4


def test_a_long_thread_still_answers(assistant: Assistant) -> None:
    for name in ("g5.xlarge", "g6.xlarge", "c6i.large") * 10:
        answer = assistant.ask(f"{name}のメモリは?", thread_id="long")
        assert name in answer.answer
        assert not answer.abstained
