"""The processes of benchmarks/team_load.py: one that answers, or that claims from the inbox.

python -m benchmarks.team_worker --answer      JSON lines {"thread", "question"} on stdin
python -m benchmarks.team_worker --inbox       what is in the inbox
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from assistant import AssistantError, build_assistant
from assistant.inbox import build_inbox

ROOT = Path(__file__).parents[1]
SUBJECTS = ("g5.xlarge", "g6.xlarge", "g4dn.xlarge", "p5.48xlarge", "c6i.large", "g6e.xlarge")
FOLLOW_UPS = ("バージニア北部だと?", "大阪だと?", "東京だと?")
LEASE_SECONDS = 5.0
TICKS = os.sysconf("SC_CLK_TCK")


# -- in the worker processes ---------------------------------------------------------------------


def answer_lines() -> None:
    """Answer the questions that come as JSON lines on stdin."""
    assistant = build_assistant()
    assistant.warm_up()
    _say({"ready": True})
    for line in sys.stdin:
        task = json.loads(line)
        try:
            answer = assistant.ask(task["question"], thread_id=task["thread"])
        except AssistantError as error:
            _say({"error": type(error).__name__, "message": error.message_en})
            continue
        _say({"answer": answer.answer, "answer_id": answer.answer_id})


def answer_inbox() -> None:
    """Answer what is in the inbox, and say what was finished."""
    assistant, owner = build_assistant(), uuid.uuid4().hex
    assistant.warm_up()
    inbox = build_inbox(assistant.settings)
    _say({"ready": True})
    while True:
        try:
            claim = inbox.claim(owner, LEASE_SECONDS)
            if claim is None:
                time.sleep(0.05)
                continue
            answer = assistant.ask(claim.payload, thread_id=claim.thread)
            if inbox.finish(claim.key, owner):
                _say({"key": claim.key, "answer": answer.answer})
        except AssistantError as error:
            _say({"error": type(error).__name__, "message": error.message_en})


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


# -- processes, as this program sees them --------------------------------------------------------


class Died(Exception):
    """The process ended before it answered."""


class Worker:
    """A process that answers; started again when it died."""

    def __init__(self, url: str, folder: Path, role: str = "--answer") -> None:
        """Start it."""
        self._url, self._folder, self._role = url, folder, role
        self.start()

    def start(self) -> None:
        """Start a process (again) and wait until it is ready."""
        folder = self._folder / uuid.uuid4().hex[:8]
        env = {**os.environ, "ASK_STATE_URL": self._url, "ASK_DATA_DIR": str(folder)}
        command = [sys.executable, "-m", "benchmarks.team_worker", self._role]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=ROOT, env=env, text=True, encoding="utf-8",
        )  # fmt: skip

    def wait_ready(self) -> None:
        """Wait for its first line; start it again while it dies before that."""
        while True:
            try:
                self.read()
                return
            except Died:
                time.sleep(0.2)
                self.start()

    def ask(self, thread: str, question: str) -> dict[str, Any]:
        """Return the reply to a question. Raises Died."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps({"thread": thread, "question": question}) + "\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Died from error
        return self.read()

    def read(self) -> dict[str, Any]:
        """Return the next line it says. Raises Died."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            raise Died
        return json.loads(line)

    def cpu_seconds(self) -> float:
        """Return the processor time it has used."""
        return _cpu_seconds(self.process.pid)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(10)


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def postgres_seconds() -> float:
    """Return the processor time that all PostgreSQL processes of this machine have used."""
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return sum(_cpu_seconds(pid) for pid in pids if _name(pid) == "postgres")


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


if __name__ == "__main__":
    answer_inbox() if "--inbox" in sys.argv else answer_lines()
