"""Many users at once: sessions that ask, think and ask again, over the protocol of the page.

    python benchmarks/web_load.py [--sessions 100 --questions 10 --think 3]

Bars: no error, no cross-talk, p95 <= 2 s from sending to the complete answer, memory stays flat.
Each session asks about an instance type of its own and then follows up without naming it: an answer
about another type, or without the session's own, is cross-talk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
from web_server import Server, serving

TYPES = ("g5.xlarge", "g6.xlarge", "g4dn.xlarge", "c6i.4xlarge", "p4d.24xlarge", "g6e.xlarge")
FOLLOW_UPS = (
    "バージニア北部だと?",
    "オレゴンだと?",
    "東京だと?",
    "1か月だと?",
)


NAMED_EVERY = 8
"""Turns after which the type is named again: the planner looks back over a dozen."""


@dataclass
class Outcome:
    """What was measured."""

    seconds: list[float] = field(default_factory=list[float])
    errors: list[str] = field(default_factory=list[str])
    crossed: list[str] = field(default_factory=list[str])


async def ask(
    client: httpx.AsyncClient, session: str, fn: int, sent: dict[str, Any]
) -> tuple[str, float]:
    """Return the last payload of an answer, and when its text was complete (pictures follow)."""
    complete: float | None = None
    body = {
        "data": [None],
        "event_data": sent,
        "fn_index": fn,
        "session_hash": session,
        "trigger_id": None,
    }
    joined = await client.post("/gradio_api/queue/join", json=body)
    joined.raise_for_status()
    last: Any = None
    stream = client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session})
    async with stream as reply:
        async for line in reply.aiter_lines():
            if not line.startswith("data:"):
                continue
            message = json.loads(line[5:])
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise RuntimeError(str(message["output"])[:200])
                data = message["output"].get("data")
                return json.dumps(data[0] if data else last), complete or time.perf_counter()
            if message["msg"] == "process_generating":
                last = message["output"]["data"][0]
                if complete is None and '"done": true' in str(last):
                    complete = time.perf_counter()
            if message["msg"] in ("unexpected_error", "queue_full"):
                raise RuntimeError(line[:200])
    raise RuntimeError("the stream ended early")


async def run_session(
    url: str, fn: int, number: int, options: argparse.Namespace, outcome: Outcome
) -> None:
    """Ask, think, and ask again."""
    session, name = uuid.uuid4().hex[:11], TYPES[number % len(TYPES)]
    others = [other for other in TYPES if other != name]
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.sleep(random.uniform(0, options.think))
        for turn in range(options.questions):
            named = turn % NAMED_EVERY == 0
            question = f"{name}の料金は?" if named else FOLLOW_UPS[turn % len(FOLLOW_UPS)]
            began = time.perf_counter()
            try:
                payload, complete = await ask(
                    client, session, fn, {"text": question, "answers": []}
                )
            except (httpx.HTTPError, RuntimeError) as error:
                outcome.errors.append(f"{question}: {error!r}")
            else:
                outcome.seconds.append(complete - began)
                if '"problem' in payload.replace("\\", ""):
                    outcome.errors.append(payload[:300])
                    continue
                strange = [other for other in others if f"{other} " in payload]
                if name not in payload or strange:
                    outcome.crossed.append(f"{name} {question} {strange} {payload[-300:]}")
            await asyncio.sleep(options.think * random.uniform(0.5, 1.5))


async def measure(server: Server, options: argparse.Namespace) -> tuple[Outcome, list[float]]:
    """Run all sessions and return what happened, and the memory every few seconds."""
    config = httpx.get(f"{server.url}/config").json()
    fn = next(d["id"] for d in config["dependencies"] if d["targets"][0][1] == "ask")
    outcome, memory = Outcome(), [server.memory_mb]

    async def watch() -> None:
        while True:
            await asyncio.sleep(5)
            memory.append(server.memory_mb)

    watching = asyncio.create_task(watch())
    runs = (
        run_session(server.url, fn, number, options, outcome) for number in range(options.sessions)
    )
    await asyncio.gather(*runs)
    watching.cancel()
    memory.append(server.memory_mb)
    return outcome, memory


def main() -> None:
    """Print figures beside the bars."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--questions", type=int, default=10)
    parser.add_argument("--think", type=float, default=3.0)
    options = parser.parse_args()
    with serving() as server:
        began = time.perf_counter()
        outcome, memory = asyncio.run(measure(server, options))
        took = time.perf_counter() - began
    values = sorted(outcome.seconds)
    p95 = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else float("nan")
    print(f"answers {len(values)} in {took:.0f} s ({len(values) / took:.1f}/s)")
    print(f"errors {len(outcome.errors)} (bar 0)  cross-talk {len(outcome.crossed)} (bar 0)")
    print(
        f"seconds p50 {statistics.median(values):.2f}  p95 {p95:.2f} (bar 2)  max {values[-1]:.2f}"
    )
    at = [memory[round(part * (len(memory) - 1) / 4)] for part in range(5)]
    print("memory MB at 0, 25, 50, 75, 100 %: " + "  ".join(f"{value:.0f}" for value in at))
    for text in [*outcome.errors[:5], *outcome.crossed[:5]]:
        print("  ", text)


if __name__ == "__main__":
    main()
