"""Several processes on one PostgreSQL: throughput of 1, 2 and 4, and a soak with kills.

    python -m benchmarks.team_load                      throughput and a short soak, own server
    python -m benchmarks.team_load --repeats 0 --soak-seconds 1800 --conversations 2000
                                   --kill-every 60
    python -m benchmarks.team_load --url postgresql://…  on a database that exists already

The processes answer with the planner, as `ask web`, `ask slack` and `ask mcp` do: an assistant over
the shared state. Some answer conversations (each turn goes to any process), some claim questions
from the inbox. In the soak, processes are killed with SIGKILL and the database crashes and comes
back; a turn whose process died is asked again, as a user would. Counted are

    lost      turns that were answered and are not in the thread or not in the log
    crossed   answers about the subject of another conversation
    double    inbox questions that were answered twice;   open: not at all

Bars: 0 of each.
"""

from __future__ import annotations

import argparse
import os
import queue
import random
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assistant import Settings, build_assistant
from assistant.inbox import Arrival, Inbox, build_inbox
from benchmarks.team_worker import FOLLOW_UPS, SUBJECTS, Died, Worker, postgres_seconds

# -- throughput ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Throughput:
    """What some processes did in some seconds."""

    processes: int
    per_second: float
    p50_ms: float
    p99_ms: float
    worker_ms: float
    """Processor time of the answering processes for one question."""
    postgres_ms: float
    """Processor time of PostgreSQL for one question."""
    cores: float
    """Cores that both used together; the rest of the machine was idle, or others'."""


def measure(url: str, folder: Path, processes: int, seconds: float) -> Throughput:
    """Let each process hold conversations, one question at a time, and return the rate."""
    workers = [Worker(url, folder) for _ in range(processes)]
    try:
        for worker in workers:
            worker.wait_ready()
        times: list[float] = []
        before = sum(worker.cpu_seconds() for worker in workers), postgres_seconds()
        started = time.perf_counter()

        def converse(worker: Worker) -> None:
            while time.perf_counter() < started + seconds:
                thread, subject = uuid.uuid4().hex, random.choice(SUBJECTS)
                for question in (f"{subject}の料金は?", *FOLLOW_UPS):
                    begun = time.perf_counter()
                    reply = worker.ask(thread, question)
                    times.append(time.perf_counter() - begun)
                    assert subject in reply["answer"], reply

        _in_threads(converse, workers)
        elapsed = time.perf_counter() - started
        after = sum(worker.cpu_seconds() for worker in workers), postgres_seconds()
    finally:
        for worker in workers:
            worker.close()
    ordered = sorted(times)
    return Throughput(
        processes,
        len(times) / elapsed,
        statistics.median(ordered) * 1000,
        ordered[int(len(ordered) * 0.99)] * 1000,
        (after[0] - before[0]) / len(times) * 1000,
        (after[1] - before[1]) / len(times) * 1000,
        (sum(after) - sum(before)) / elapsed,
    )


def _in_threads(work: Callable[[Worker], None], workers: list[Worker]) -> None:
    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# -- soak ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Conversation:
    """Questions about one subject, and the answers that came."""

    subject: str
    thread: str = field(default_factory=lambda: uuid.uuid4().hex)
    asked: int = 0
    answer_ids: list[str] = field(default_factory=list[str])

    @property
    def question(self) -> str:
        """The next question."""
        return f"{self.subject}の料金は?" if self.asked == 0 else FOLLOW_UPS[self.asked % 3]


@dataclass(slots=True)
class Soak:
    """What happened in a soak."""

    turns: int = 0
    inbox_questions: int = 0
    kills: int = 0
    outages: int = 0
    asked_again: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])
    lost: int = 0
    crossed: int = 0
    double: int = 0
    open: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, crossed, answered twice or not at all."""
        return not (self.lost or self.crossed or self.double or self.open)


@dataclass(frozen=True, slots=True)
class Load:
    """How hard a soak is."""

    seconds: float = 60.0
    conversations: int = 60
    turns: int = 5
    """Of each conversation."""
    inbox_questions: int = 60
    processes: int = 4
    inbox_processes: int = 2
    kill_every_seconds: float = 10.0


def soak(url: str, folder: Path, load: Load, outage: Callable[[], None] | None = None) -> Soak:
    """Hold conversations and answer an inbox while processes die; `outage` is the database's."""
    found = Soak()
    settings = Settings(state_url=url, data_dir=folder / "watch")
    inbox = build_inbox(settings)
    answering = [Worker(url, folder) for _ in range(load.processes)]
    claiming = [Worker(url, folder, "--inbox") for _ in range(load.inbox_processes)]
    for worker in (*answering, *claiming):
        worker.wait_ready()
    talks = [Conversation(SUBJECTS[n % len(SUBJECTS)]) for n in range(load.conversations)]
    waiting: queue.SimpleQueue[Conversation | None] = queue.SimpleQueue()
    for talk in talks:
        waiting.put(talk)
    stopping, finished = threading.Event(), Counter[str]()
    left = threading.Semaphore(0)
    helpers = [
        threading.Thread(target=_hold, args=(worker, waiting, left, load, found))
        for worker in answering
    ]
    helpers += [
        threading.Thread(target=_listen, args=(worker, stopping, finished, found))
        for worker in claiming
    ]
    helpers.append(
        threading.Thread(
            target=_disturb, args=([*answering, *claiming], load, stopping, found, outage)
        )
    )
    for helper in helpers:
        helper.start()
    _fill_inbox(inbox, load, found)
    for _ in talks:
        left.acquire()
    for _ in answering:
        waiting.put(None)
    end = time.monotonic() + 120
    while inbox.unfinished() and time.monotonic() < end:
        time.sleep(0.2)
    stopping.set()
    time.sleep(0.5)
    for worker in (*answering, *claiming):
        worker.close()
    for helper in helpers:
        helper.join(30)
    found.open = inbox.unfinished()
    found.double = sum(count - 1 for count in finished.values())
    found.lost = _count_lost(settings, talks)
    return found


def _fill_inbox(inbox: Inbox, load: Load, found: Soak) -> None:
    """Deliver questions over the time of the soak, each twice."""
    for number in range(load.inbox_questions):
        subject = SUBJECTS[number % len(SUBJECTS)]
        arrival = Arrival(f"q{number}", f"e{number}", f"inbox-{number}", "u", f"{subject}の料金は?")
        inbox.add(arrival)
        inbox.add(arrival)
        found.inbox_questions += 1
        time.sleep(load.seconds / load.inbox_questions)


def _hold(
    worker: Worker,
    waiting: queue.SimpleQueue[Conversation | None],
    left: threading.Semaphore,
    load: Load,
    found: Soak,
) -> None:
    """Ask the next question of whichever conversation waits, until all are over."""
    pause = load.seconds * load.processes / (load.conversations * load.turns)
    while (talk := waiting.get()) is not None:
        begun = time.monotonic()
        try:
            reply = worker.ask(talk.thread, talk.question)
        except Died:
            found.asked_again += 1
            waiting.put(talk)
            worker.start()
            worker.wait_ready()
            continue
        if "error" in reply:
            found.errors[reply["error"]] += 1
            found.asked_again += 1
            waiting.put(talk)
            continue
        found.turns += 1
        found.crossed += talk.subject not in reply["answer"]
        talk.answer_ids.append(reply["answer_id"])
        talk.asked += 1
        if talk.asked < load.turns:
            waiting.put(talk)
        else:
            left.release()
        time.sleep(max(0.0, pause - (time.monotonic() - begun)))


def _listen(worker: Worker, stopping: threading.Event, finished: Counter[str], found: Soak) -> None:
    while not stopping.is_set():
        try:
            said = worker.read()
        except Died:
            if not stopping.is_set():
                worker.start()
                worker.wait_ready()
            continue
        if "key" in said:
            finished[said["key"]] += 1
            number = int(said["key"].removeprefix("q"))
            found.crossed += SUBJECTS[number % len(SUBJECTS)] not in said["answer"]
        else:
            found.errors[said["error"]] += 1


def _disturb(
    workers: list[Worker],
    load: Load,
    stopping: threading.Event,
    found: Soak,
    outage: Callable[[], None] | None,
) -> None:
    """Kill a process now and then; every third time the database goes down, too."""
    while not stopping.wait(load.kill_every_seconds):
        random.choice(workers).kill()
        found.kills += 1
        if outage and found.kills % 3 == 1:
            outage()
            found.outages += 1


def _count_lost(settings: Settings, talks: list[Conversation]) -> int:
    """Return how many answered turns are missing in the log or in their thread."""
    from assistant.threads import build_checkpointer

    assistant, saver = build_assistant(settings), build_checkpointer(settings)
    lost = 0
    for talk in talks:
        state: Any = saver.get({"configurable": {"thread_id": talk.thread}})
        messages: list[Any] = state["channel_values"]["messages"] if state else []
        asked = sum(message.type == "human" for message in messages)
        lost += max(0, len(talk.answer_ids) - asked)
        lost += sum(assistant.history.get(answer_id) is None for answer_id in talk.answer_ids)
    return lost


# -- the program ---------------------------------------------------------------------------------


@contextmanager
def _database(url: str) -> Generator[tuple[str, Callable[[], None] | None]]:
    """Yield an address, and what makes the database crash and come back (its own server only)."""
    if url:
        yield url, None
        return
    from tests.postgres import PostgresServer

    server = PostgresServer()

    def outage() -> None:
        server.stop("immediate")
        time.sleep(2)
        server.start()

    try:
        yield server.new_database(), outage
    finally:
        server.close()


def main() -> None:
    """Print throughput and the outcome of a soak."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--url", default="")
    parser.add_argument("--seconds", type=float, default=8, help="of each throughput run")
    parser.add_argument("--repeats", type=int, default=3, help="of throughput runs; 0: none")
    parser.add_argument("--soak-seconds", type=float, default=60)
    parser.add_argument("--conversations", type=int, default=60)
    parser.add_argument("--turns", type=int, default=5, help="of each conversation")
    parser.add_argument("--kill-every", type=float, default=10, help="seconds")
    given = parser.parse_args()
    load = Load(
        turns=given.turns,
        kill_every_seconds=given.kill_every,
        seconds=given.soak_seconds,
        conversations=given.conversations,
        inbox_questions=given.conversations,
    )
    with _database(given.url) as (url, outage), TemporaryDirectory() as name:
        print(f"{os.cpu_count()} cores; questions a second, medians of {given.repeats}")
        for processes in (1, 2, 4) if given.repeats else ():
            runs = [
                measure(url, Path(name), processes, given.seconds) for _ in range(given.repeats)
            ]
            one = sorted(runs, key=lambda run: run.per_second)[len(runs) // 2]
            print(
                f"{processes} processes: {one.per_second:6.1f}/s  p50 {one.p50_ms:.1f} ms  "
                f"p99 {one.p99_ms:.0f} ms  processor a question: ask {one.worker_ms:.1f} ms, "
                f"PostgreSQL {one.postgres_ms:.1f} ms  cores used {one.cores:.2f}"
            )
        found = soak(url, Path(name), load, outage)
        print(found)
        print("bars (0 lost, 0 crossed, 0 double, 0 open):", "met" if found.is_clean else "MISSED")


if __name__ == "__main__":
    main()
