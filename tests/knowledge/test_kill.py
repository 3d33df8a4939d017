"""kill -9 at any moment of an ingest leaves the old or the new state, never a mixture."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

KILLS = 50
OLD = {
    f"d{i}": f"# 旧 {i}\n\n" + "\n\n".join(f"## {n}\n\n旧い本文 {i}-{n}" for n in range(20))
    for i in range(4)
}
NEW = {name: text.replace("旧", "新") for name, text in OLD.items()}

CONTEXT = multiprocessing.get_context("forkserver")


def write(folder: Path, ready: Connection, new: bool) -> None:
    """Put one state into the store; say when the work begins and when it ended."""
    from tests.knowledge.stores import open_store, put

    store = open_store(folder)
    ready.send("begin")
    put(store, **(NEW if new else OLD))
    ready.send("end")


def inspect(folder: Path, answer: Connection) -> None:
    """Check the store's consistency and say which state it is in."""
    from tests.knowledge.stores import check, open_store, texts

    store = open_store(folder)
    assert store.current
    check(store.current)
    kinds = {text[0] for text in texts(store).values()}
    complete = len(texts(store)) == len(OLD) and store.current.count == 80
    answer.send("mixture" if len(kinds) != 1 or not complete else kinds.pop())


def state_of(folder: Path) -> str:
    """Return the state that another process finds."""
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=inspect, args=(folder, there))
    process.start()
    answer = here.recv() if here.poll(60) else "nothing"
    process.join(60)
    assert process.exitcode == 0
    return str(answer)


def killed(folder: Path, *, new: bool, after: float | None) -> float:
    """Write a state and kill the writer after some seconds (None: never); return its time."""
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=write, args=(folder, there, new))
    process.start()
    assert here.poll(60) and here.recv() == "begin"
    began = time.perf_counter()
    if after is None:
        assert here.poll(60) and here.recv() == "end"
    else:
        time.sleep(after)
        process.kill()
    process.join(60)
    return time.perf_counter() - began


def test_a_kill_during_ingest_never_breaks_the_store(tmp_path: Path) -> None:
    CONTEXT.set_forkserver_preload(
        ["chromadb", "tests.knowledge.stores", "knowledge.postings", "filelock"]
    )
    killed(tmp_path, new=False, after=None)
    whole = killed(tmp_path, new=False, after=None)
    rng, seen, state = random.Random(11), dict[str, int](), "旧"
    for _ in range(KILLS):
        wanted = "新" if state == "旧" else "旧"
        killed(tmp_path, new=wanted == "新", after=rng.uniform(0, whole * 1.1))
        found = state_of(tmp_path)
        assert found in (state, wanted)
        seen["after" if found == wanted else "before"] = (
            seen.get("after" if found == wanted else "before", 0) + 1
        )
        state = found
    assert seen.get("before", 0) >= 5, f"the kills came too late to test anything: {seen}"
