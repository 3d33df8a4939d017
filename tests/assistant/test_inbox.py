"""Questions wait in the inbox: none is lost, none is claimed twice, order within a thread."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.database import SqliteDatabase
from assistant.inbox import KEPT_SECONDS, STORE, Arrival, StoredInbox, build_inbox
from assistant.settings import Settings


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def opened(path: Path, clock: Callable[[], float] = time.time) -> StoredInbox:
    """An inbox with a connection of its own, as each process has."""
    return StoredInbox(SqliteDatabase(path, STORE), clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(tmp_path: Path, clock: Clock) -> StoredInbox:
    return opened(tmp_path / "inbox.sqlite", clock)


def arrival(key: str, thread: str = "", event_id: str | None = None, user: str = "U1") -> Arrival:
    return Arrival(key, event_id, thread or key, user, f"text of {key}")


def test_a_question_is_kept_once_by_key_and_by_event(inbox: StoredInbox) -> None:
    assert inbox.add(arrival("a", event_id="E1"))
    assert not inbox.add(arrival("a", event_id="E2"))  # the twin of a mention
    assert not inbox.add(arrival("b", event_id="E1"))
    assert inbox.unfinished() == 1


def test_a_finished_question_stays_known_without_its_text(
    inbox: StoredInbox, tmp_path: Path
) -> None:
    inbox.add(arrival("a"))
    claim = inbox.claim("w", 10)
    assert claim and claim.payload == "text of a" and inbox.finish("a", "w")
    assert not inbox.add(arrival("a")) and inbox.claim("w", 10) is None
    rows = sqlite3.connect(tmp_path / "inbox.sqlite").execute("SELECT * FROM inbox").fetchall()
    assert "text of a" not in str(rows)


def test_a_lease_that_ended_lets_another_worker_succeed(inbox: StoredInbox, clock: Clock) -> None:
    inbox.add(arrival("a"))
    first = inbox.claim("dead", 10)
    assert first and not first.orphaned and inbox.save("a", "dead", "half")
    assert inbox.claim("next", 10) is None
    clock.now += 11
    second = inbox.claim("next", 10)
    assert second and second.orphaned and second.progress == "half" and second.attempts == 1
    for late in (inbox.save("a", "dead", "x"), inbox.finish("a", "dead")):
        assert not late
    assert not inbox.renew("a", "dead", 10) and inbox.finish("a", "next")


def test_a_renewed_lease_is_kept(inbox: StoredInbox, clock: Clock) -> None:
    inbox.add(arrival("a"))
    inbox.claim("w", 10)
    clock.now += 8
    assert inbox.renew("a", "w", 10)
    clock.now += 8
    assert inbox.claim("other", 10) is None


def test_a_released_question_comes_back_after_its_delay(inbox: StoredInbox, clock: Clock) -> None:
    inbox.add(arrival("a"))
    inbox.claim("w", 10)
    assert inbox.release("a", "w", 5)
    assert inbox.claim("w", 10) is None
    clock.now += 6
    again = inbox.claim("w", 10)
    assert again and not again.orphaned and again.attempts == 1


def test_questions_of_a_thread_are_claimed_in_order_one_at_a_time(inbox: StoredInbox) -> None:
    for key in ("a", "b", "c"):
        inbox.add(arrival(key, "t"))
    inbox.add(arrival("other"))
    first, second = inbox.claim("w", 10), inbox.claim("w", 10)
    assert first and first.key == "a" and second and second.key == "other"
    assert inbox.claim("w", 10) is None
    inbox.finish("a", "w")
    third = inbox.claim("w", 10)
    assert third and third.key == "b"


def test_many_workers_claim_each_question_once(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    filler = opened(path)
    for number in range(120):
        filler.add(arrival(str(number)))
    claimed: Counter[str] = Counter()

    def work(owner: str) -> None:
        mine = opened(path)  # a connection each, as processes have
        while claim := mine.claim(owner, 60):
            claimed[claim.key] += 1
            assert mine.finish(claim.key, owner)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 120 and set(claimed.values()) == {1}


def test_those_who_wait_are_told_once_how_many_are_before(inbox: StoredInbox, clock: Clock) -> None:
    inbox.add(arrival("a"))
    inbox.add(arrival("b"))
    inbox.claim("w", 60)
    assert inbox.waiting(3, 10) == []
    clock.now += 4
    (waiting,) = inbox.waiting(3, 10)
    assert waiting.key == "b" and waiting.ahead == 1
    assert inbox.waiting(3, 10) == []


def test_who_takes_part_how_much_was_asked_and_what_is_over(
    inbox: StoredInbox, clock: Clock
) -> None:
    inbox.add(arrival("a", "t"))
    inbox.join("t", "U2")
    assert inbox.users("t") == {"U1", "U2"} and inbox.users("x") == set()
    assert inbox.asked_since("U1", clock.now) == 1
    assert inbox.asked_since("U1", clock.now + 1) == 0
    inbox.close_thread("t")
    inbox.close_thread("t")
    assert inbox.is_closed("t")
    inbox.open_thread("t")
    assert not inbox.is_closed("t")


def test_finished_questions_are_forgotten_after_a_month(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "inbox.sqlite"
    inbox = opened(path, clock)
    inbox.add(arrival("done"))
    inbox.claim("w", 10)
    inbox.finish("done", "w")
    inbox.add(arrival("open"))
    clock.now += KEPT_SECONDS + 1
    later = opened(path, clock)
    assert later.add(arrival("done")) and not later.add(arrival("open"))


def test_where_nothing_is_kept_the_inbox_is_in_memory(tmp_path: Path) -> None:
    build_inbox(Settings(data_dir=tmp_path, log=False)).add(arrival("a"))
    assert list(tmp_path.iterdir()) == []
