"""What belongs to one tab stays apart and is removed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue
from ui.web.conversation import Conversation, restore
from ui.web.session import Sessions


@pytest.fixture
def assistant(tmp_path: Path, catalogue: Catalogue) -> Assistant:
    return Assistant(Settings(data_dir=tmp_path / "kept"), catalogue=catalogue)


def test_directories_are_apart_and_private(assistant: Assistant) -> None:
    sessions = Sessions(assistant)
    first, second = sessions.directory("a"), sessions.directory("b")
    assert first != second and first.parent == second.parent == sessions.root
    assert first.stat().st_mode & 0o077 == 0
    sessions.close_all()


@pytest.mark.parametrize("key", ["../../etc", "/etc", "a/b", "", "..", "\0"])
def test_no_key_leaves_the_root(assistant: Assistant, key: str) -> None:
    sessions = Sessions(assistant)
    assert sessions.directory(key).parent == sessions.root
    sessions.close_all()


def test_a_closed_tab_leaves_nothing(assistant: Assistant) -> None:
    sessions = Sessions(assistant)
    directory = sessions.directory("a")
    (directory / "file").write_text("x")
    sessions.close("a")
    assert not directory.exists()
    assert sessions.assistant("a") is assistant
    sessions.close_all()
    assert not sessions.root.exists()


def test_idle_tabs_are_swept_and_used_ones_stay(assistant: Assistant) -> None:
    sessions = Sessions(assistant, idle_seconds=0.05)
    idle = sessions.directory("idle")
    time.sleep(0.1)
    used = sessions.directory("used")
    sessions.sweep()
    assert not idle.exists() and used.exists()
    sessions.close_all()


def test_only_who_knows_the_thread_goes_on_in_it(assistant: Assistant) -> None:
    answer = assistant.ask("g5.xlargeの料金は?", "secret-thread")
    assert restore(assistant, "guessed", [answer.answer_id]) is None
    found = restore(assistant, "secret-thread", [answer.answer_id])
    assert found is not None and [t.question for t in found.turns] == ["g5.xlargeの料金は?"]


def test_going_back_forgets_the_later_turns(assistant: Assistant) -> None:
    conversation = Conversation()
    for question in ("g5.xlargeの料金は?", "g6.xlargeの料金は?"):
        turn = conversation.begin(assistant, question)
        turn.answer = assistant.ask(question, conversation.thread)
    conversation.rewind(assistant, conversation.turns[1].key)
    assert len(conversation.turns) == 1
    assert "g5.xlarge" in assistant.ask("バージニア北部だと?", conversation.thread).answer
