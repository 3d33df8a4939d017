"""The Slack bot under load, beside its bars.

Run: python benchmarks/slack_load.py [seconds] [planner]

Two bots, processes of their own, share one inbox and answer a local Slack: 50 events a second with
mention twins, repeated deliveries, follow-ups and direct messages, while bots are killed (SIGKILL)
and started again, connections are refreshed and cut, calls get 429 or 503, and replies get lost
after the call took effect. Then every thread is read: each question must stand answered once.
"""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "ui" / "slack"
sys.path[:0] = [str(ROOT), str(TESTS)]

from slack_server import BOT, Fault, Pace, SlackServer  # noqa: E402

from ui.slack.client import member  # noqa: E402

EVENTS_PER_SECOND = 50
ACK_P95_SECONDS = 1.0
LEASE_SECONDS = 4.0
KILL_EVERY, REFRESH_EVERY, CUT_EVERY = 11.0, 7.0, 17.0
CHANNELS = [f"C{number}" for number in range(20)]
QUESTIONS = ("g5.xlargeのメモリは?", "p4dのGPUは?", "c6i.4xlargeのvCPUは?", "H100のメモリは?")


@dataclass
class Load:
    """What was asked, and what was done to the bots."""

    asked: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Channel, thread and timestamp of every question."""
    kills: int = 0
    refreshes: int = 0
    cuts: int = 0


class Bots:
    """Two bots that can be killed."""

    def __init__(self, slack: SlackServer, data: str, model: str) -> None:
        """Start them."""
        arguments = [slack.base_url, data, str(LEASE_SECONDS), "0.02", model]
        self._command = [sys.executable, str(TESTS / "slack_bot.py"), *filter(None, arguments)]
        self._running = [subprocess.Popen(self._command) for _ in range(2)]

    def kill_one(self, place: int) -> None:
        """Kill a bot without warning and start it again."""
        bot = self._running[place % 2]
        bot.send_signal(signal.SIGKILL)
        bot.wait()
        self._running[place % 2] = subprocess.Popen(self._command)

    def stop(self) -> None:
        """End both."""
        for bot in self._running:
            bot.terminate()
        for bot in self._running:
            bot.wait(40)


def main(arguments: list[str]) -> int:
    """Print the counts beside the bars; return 1 if one is missed."""
    seconds = float(arguments[0]) if arguments else 60.0
    model = "planner" if "planner" in arguments else ""
    pace = Pace(ack_seconds=3.0, retry_delays=(0.2, 5.0, 15.0))
    with tempfile.TemporaryDirectory() as data, SlackServer(pace, seed=7) as slack:
        slack.keep_log = False
        bots = Bots(slack, data, model)
        try:
            assert slack.wait_for(lambda: slack.connections >= 2, 60)
            slack.fault = weather(random.Random(11))
            load = storm(slack, bots, seconds)
            slack.fault = lambda _method, _arguments: None
            settled = slack.wait_for(lambda: not unanswered(slack, load), 120)
            time.sleep(2)  # a second answer would come now
        finally:
            bots.stop()
        return report(slack, load, settled=settled)


def weather(dice: random.Random) -> Any:
    """Return what goes wrong: 429 storms, 503, and replies lost after the fact."""

    def fault(method: str, _: Any) -> Fault | None:
        if method in ("auth.test", "apps.connections.open"):
            return None
        draw = dice.random()
        if int(time.monotonic()) % 20 == 0 and draw < 0.5:  # a storm of a second
            return Fault(status=429, retry_after=1)
        if draw < 0.01:
            return Fault(status=503)
        return Fault(lose_reply=True) if draw < 0.02 and method == "chat.postMessage" else None

    return fault


def storm(slack: SlackServer, bots: Bots, seconds: float) -> Load:
    """Ask for this long, and make life hard."""
    load, dice = Load(), random.Random(5)
    began = time.monotonic()
    events = 0
    due = {"kill": KILL_EVERY, "refresh": REFRESH_EVERY, "cut": CUT_EVERY}
    while (now := time.monotonic() - began) < seconds:
        if now * EVENTS_PER_SECOND > events:
            events += ask(slack, load, dice)
        else:
            time.sleep(0.002)
        if now > due["kill"]:
            bots.kill_one(load.kills)
            load.kills, due["kill"] = load.kills + 1, now + KILL_EVERY
        if now > due["refresh"]:
            slack.disconnect("refresh_requested")
            load.refreshes, due["refresh"] = load.refreshes + 1, now + REFRESH_EVERY
        if now > due["cut"]:
            slack.cut()
            load.cuts, due["cut"] = load.cuts + 1, now + CUT_EVERY
    return load


def ask(slack: SlackServer, load: Load, dice: random.Random) -> int:
    """Ask one question in one of the ways there are; return the number of its events."""
    text, user = dice.choice(QUESTIONS), f"U{dice.randrange(30)}"
    forced = 3 if dice.random() < 0.03 else 1 if dice.random() < 0.1 else 0
    draw = dice.random()
    if draw < 0.2:
        channel, root = f"D{user}", ""
    elif draw < 0.4 and len(load.asked) > 20:
        channel, root, _ = dice.choice(load.asked[-200:])
    else:
        channel, root = dice.choice(CHANNELS), ""
    direct = channel.startswith("D")
    words = text if direct else f"<@{BOT}> {text}"
    ts = slack.say(channel, user, words, thread_ts=root, forced_retries=forced)
    load.asked.append((channel, root or ts, ts))
    return 1 if direct else 2


def answers(slack: SlackServer) -> Counter[tuple[str, str]]:
    """Return how often each question (by key) stands answered, and in which thread."""
    found: Counter[tuple[str, str]] = Counter()
    for channel, messages in list(slack.messages.items()):
        for message in list(messages):
            payload = member(member(message, "metadata"), "event_payload")
            if payload.get("part") == "m0" and not message.get("deleted"):
                found[payload["key"], f"{channel}:{message.get('thread_ts')}"] += 1
    return found


def expected(load: Load) -> set[tuple[str, str]]:
    """Return the key of every question with the thread its answer belongs to."""
    return {(f"T0TEAM:{c}:{ts}", f"{c}:{root}") for c, root, ts in load.asked}


def unanswered(slack: SlackServer, load: Load) -> set[tuple[str, str]]:
    """Return the questions without an answer in their thread."""
    time.sleep(0.5)
    return expected(load) - set(answers(slack))


def report(slack: SlackServer, load: Load, *, settled: bool) -> int:
    """Print what happened and return the exit code."""
    found = answers(slack)
    twice = [key for key, times in found.items() if times > 1]
    strange = set(found) - expected(load)
    missing = expected(load) - set(found)
    acks = [d.acked_after for d in slack.deliveries if d.acked_after is not None]
    attempts = sum(d.attempts for d in slack.deliveries)
    p50, p95 = (statistics.quantiles(acks, n=100)[i] for i in (49, 94))
    streams = sum(bool(m.get("streaming")) for ms in slack.messages.values() for m in ms)
    print(f"questions {len(load.asked)}, events {len(slack.deliveries)}, deliveries {attempts}")
    print(f"kills {load.kills}, refreshes {load.refreshes}, cuts {load.cuts}")
    print(f"calls {sum(slack.calls.values())}: {dict(slack.calls.most_common(5))}")
    print(f"answered once {len(found) - len(twice)}, twice {len(twice)} (bar 0)")
    print(f"in a wrong thread {len(strange)} (bar 0), missing {len(missing)} (bar 0)")
    print(f"events given up by Slack {len(slack.lost)}, half streams {streams}")
    print(f"payloads that Slack refuses {len(slack.violations)} (bar 0)")
    print(f"ack p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms (bar {ACK_P95_SECONDS:.0f} s)")
    good = settled and not (twice or strange or missing or slack.violations)
    return 0 if good and p95 <= ACK_P95_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
