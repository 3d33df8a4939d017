"""State in files and in a shared database: the same promises, one suite."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.answer import Answer
from assistant.app import Assistant
from assistant.database import SqliteDatabase
from assistant.feedback_queue import queue
from assistant.history import STORE, History
from assistant.inbox import STORE as INBOX
from assistant.inbox import Arrival, Inbox, StoredInbox, build_inbox
from assistant.settings import Settings
from assistant.stores import open_store
from knowledge.ec2.catalogue import Catalogue


@pytest.fixture
def assistant(state: Settings, catalogue: Catalogue) -> Assistant:
    return Assistant(state, catalogue=catalogue)


@pytest.fixture
def inbox(state: Settings) -> Inbox:
    return build_inbox(state)


def arrival(number: int, thread: str = "t", event: str | None = None) -> Arrival:
    return Arrival(
        f"{thread}:{number}", event or f"{thread}-{number}", thread, "taro", f"質問{number}"
    )


# -- conversations -------------------------------------------------------------------------------


def test_another_assistant_goes_on_with_the_thread(
    assistant: Assistant, state: Settings, catalogue: Catalogue
) -> None:
    assistant.ask("g5.xlargeの料金は?", thread_id="t")
    answer = Assistant(state, catalogue=catalogue).ask("バージニア北部だと?", thread_id="t")
    assert "g5.xlarge" in answer.answer
    assert "1.006" in answer.answer


def test_threads_do_not_mix(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeのメモリは?", thread_id="a")
    assistant.ask("p5.48xlargeのメモリは?", thread_id="b")
    answer = assistant.ask("東京の料金は?", thread_id="a")
    assert "g5.xlarge" in answer.answer
    assert "p5" not in answer.answer


def test_a_branch_goes_on_from_its_turn(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeの料金は?", "t")
    assistant.ask("g6.xlargeの料金は?", "t")
    assert "g5.xlarge" in assistant.ask("バージニア北部だと?", assistant.branch("t", 1)).answer


def test_many_conversations_at_once_keep_their_subjects(assistant: Assistant) -> None:
    names = ("g5.xlarge", "g6.xlarge", "g4dn.xlarge", "p5.48xlarge", "c6i.large", "c7g.large")
    assistant.warm_up()

    def talk(name: str) -> list[str]:
        questions = (f"{name}の料金は?", "バージニア北部だと?", "東京だと?")
        return [assistant.ask(question, thread_id=name).answer for question in questions]

    with ThreadPoolExecutor(6) as pool:
        for name, answers in zip(names, pool.map(talk, names), strict=True):
            assert all(name in answer for answer in answers), answers


# -- answers and votes ---------------------------------------------------------------------------


def test_answers_are_listed_oldest_first_and_found_by_id(assistant: Assistant) -> None:
    given = [assistant.ask(f"{name}のメモリは?", name) for name in ("g5.xlarge", "g6.xlarge", "p5")]
    assert assistant.history.list(2) == given[1:]
    assert assistant.history.get(given[0].answer_id) == given[0]
    assert assistant.history.get("nothing") is None
    assert assistant.threads.latest() == "p5"


def test_an_answer_that_is_kept_twice_stands_once(assistant: Assistant) -> None:
    answer = assistant.ask("g5.xlargeのメモリは?")
    assistant.history.add(answer)
    assert len(assistant.history.list(9)) == 1


def test_a_user_has_one_vote_an_answer_and_keeps_the_reason(assistant: Assistant) -> None:
    answer = assistant.ask("g5.xlargeの料金は?")
    assistant.feedback(answer.answer_id, "down", "古い", user="a", front="web")
    assistant.feedback(answer.answer_id, "down", user="a", front="web")
    assistant.feedback(answer.answer_id, "up", user="b", front="slack")
    votes = {(vote.user, vote.vote, vote.reason) for vote in assistant.votes.list()}
    assert votes == {("a", "down", "古い"), ("b", "up", "")}
    assert [vote.user for vote in assistant.votes.list(1)] == ["b"]


# -- waiting questions ---------------------------------------------------------------------------


def test_a_question_is_kept_once_however_often_it_is_delivered(inbox: Inbox) -> None:
    assert inbox.add(arrival(1))
    assert not inbox.add(arrival(1))
    assert not inbox.add(arrival(2, event="t-1"))
    assert inbox.unfinished() == 1


def test_questions_of_a_thread_are_claimed_in_order_one_at_a_time(inbox: Inbox) -> None:
    for number in (1, 2):
        inbox.add(arrival(number))
    inbox.add(arrival(1, "u"))
    first = inbox.claim("w1", 60)
    other = inbox.claim("w2", 60)
    assert first
    assert other
    assert (first.payload, other.thread) == ("質問1", "u")
    assert inbox.claim("w3", 60) is None
    assert inbox.finish(first.key, "w1")
    second = inbox.claim("w3", 60)
    assert second
    assert second.payload == "質問2"


def test_a_claim_ends_with_its_lease_and_keeps_its_progress(state: Settings) -> None:
    now = [1000.0]
    inbox = StoredInbox(open_store(state, INBOX, state.inbox_path), lambda: now[0])
    inbox.add(arrival(1))
    claim = inbox.claim("dead", 10)
    assert claim
    assert inbox.save(claim.key, "dead", "半分")
    assert inbox.claim("w", 10) is None
    now[0] += 11
    taken = inbox.claim("w", 10)
    assert taken
    assert (taken.progress, taken.attempts, taken.orphaned) == ("半分", 1, True)
    assert not inbox.finish(claim.key, "dead")
    assert not inbox.renew(claim.key, "dead", 10)
    assert inbox.renew(taken.key, "w", 10)
    assert inbox.release(taken.key, "w", 5)
    assert inbox.claim("w", 10) is None
    now[0] += 6
    again = inbox.claim("w", 10)
    assert again
    assert not again.orphaned


def test_no_question_is_claimed_twice_by_many_workers(state: Settings) -> None:
    inbox = build_inbox(state)
    for number in range(40):
        inbox.add(arrival(number, thread=f"t{number % 20}"))

    def work(worker: int) -> list[str]:
        own, claimed = build_inbox(state), list[str]()
        while own.unfinished():
            if claim := own.claim(f"w{worker}", 60):
                claimed.append(claim.key)
                assert own.finish(claim.key, f"w{worker}")
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [key for keys in pool.map(work, range(4)) for key in keys]
    assert sorted(claimed) == sorted({f"t{n % 20}:{n}" for n in range(40)})


def test_waiting_questions_are_told_once(inbox: Inbox) -> None:
    inbox.add(arrival(1))
    inbox.add(arrival(1, "u"))
    assert [(w.key, w.ahead) for w in inbox.waiting(-1, 9)] == [("t:1", 0), ("u:1", 1)]
    assert inbox.waiting(-1, 9) == []


def test_people_of_a_thread_are_counted_and_threads_close(inbox: Inbox) -> None:
    inbox.add(arrival(1))
    inbox.join("t", "hanako")
    inbox.join("t", "hanako")
    assert inbox.users("t") == {"taro", "hanako"}
    assert inbox.asked_since("taro", 0) == 1
    assert not inbox.is_closed("t")
    inbox.close_thread("t")
    inbox.close_thread("t")
    assert inbox.is_closed("t")
    inbox.open_thread("t")
    assert not inbox.is_closed("t")


# -- older files ---------------------------------------------------------------------------------


def test_a_file_of_an_earlier_version_is_migrated_and_keeps_its_answers(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    old = Answer(
        question='"abstained":true?', answer="a", language="ja", answer_id="old", elapsed_ms=1
    )
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE answers (number INTEGER PRIMARY KEY, answer_id TEXT UNIQUE NOT NULL,"
            " thread_id TEXT, answer TEXT NOT NULL)"
        )
        gap = old.model_copy(update={"answer_id": "gap", "abstained": True})
        for answer in (gap, old):
            connection.execute(
                "INSERT INTO answers (answer_id, answer) VALUES (?, ?)",
                (answer.answer_id, answer.model_dump_json()),
            )
    connection.close()
    history = History(SqliteDatabase(path, STORE))
    history.add(old.model_copy(update={"answer_id": "new"}))
    assert [answer.answer_id for answer in history.list(9)] == ["gap", "old", "new"]
    assert history.abstentions() == [("gap", None)], "found, though it was kept without a time"


def test_what_could_not_be_answered_is_found_by_the_whole_team(
    state: Settings, catalogue: Catalogue
) -> None:
    mine = Assistant(state, catalogue=catalogue)
    theirs = Assistant(replace(state, data_dir=state.data_dir / "b"), catalogue=catalogue)
    mine.ask("g5.xlargeのメモリは?")
    gap = theirs.ask("今日の天気は?")
    reader = mine if state.state_url else theirs
    (item,) = queue(reader.votes, reader.history)
    assert item.answer_id == gap.answer_id and item.vote is None
    assert item.at is not None and datetime.now(UTC) - item.at < timedelta(minutes=5)


def test_votes_and_gaps_are_in_the_order_of_time(assistant: Assistant) -> None:
    first = assistant.ask("今日の天気は?")
    second = assistant.ask("g5.xlargeのメモリは?")
    assistant.feedback(second.answer_id, "up")
    third = assistant.ask("明日の天気は?")
    order = [item.answer_id for item in queue(assistant.votes, assistant.history)]
    assert order == [first.answer_id, second.answer_id, third.answer_id]


def test_the_questions_of_a_conversation_reach_back_past_a_branch(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeの料金は?", "t")
    assistant.ask("g6.xlargeの料金は?", "t")
    copy = assistant.branch("t", 1)
    answer = assistant.ask("オハイオだと?", copy)
    assistant.ask("大阪だと?", copy)
    assert assistant.questions(answer) == ["g5.xlargeの料金は?", "オハイオだと?"]


def test_people_who_share_a_database_see_their_own_last_conversation(
    state: Settings, catalogue: Catalogue
) -> None:
    mine = Assistant(state, catalogue=catalogue)
    theirs = Assistant(replace(state, data_dir=state.data_dir / "b"), catalogue=catalogue)
    answer = mine.ask("g5.xlargeのメモリは?", "mine")
    theirs.ask("g6.xlargeのメモリは?", "theirs")
    assert mine.threads.latest() == "mine"
    assert [found.thread_id for found in mine.history.list(9)] == ["mine"]
    if state.state_url:
        assert theirs.history.get(answer.answer_id) == answer, "found by its id from anywhere"
