"""Start-up of the command line, beside its bars. Run: python benchmarks/cli.py [pairs].

Runs alternate between the program and what it is measured against, so that a change of the
machine's load meets both; the ratio is the median of the pairs' ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASK = [sys.executable, "-c", "from ui.cli import main; main()"]
FRAMEWORK = [sys.executable, "-c", "import langchain.agents"]
QUESTION = "G5とG4dnの違いは?"
COLD_RATIO = 1.25  # of importing the agent framework
HELP_SECONDS = 0.3


def main(arguments: Sequence[str]) -> int:
    """Print each figure beside its bar; return 1 if one is missed."""
    pairs = int(arguments[0]) if arguments else 9
    with tempfile.TemporaryDirectory() as data:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "ASK_DATA_DIR": data}
        measured = [
            (seconds([*ASK, QUESTION], env), seconds(FRAMEWORK, env)) for _ in range(pairs + 1)
        ][1:]  # the first pair warms the file cache
        helped = [seconds([*ASK, "--help"], env) for _ in range(pairs)]
    ratio = statistics.median(ours / theirs for ours, theirs in measured)
    cold, framework = (statistics.median(column) for column in zip(*measured, strict=True))
    shown = statistics.median(helped)
    rows = (
        (f'cold `ask "{QUESTION}"`', f"{cold:.2f} s", ""),
        ("`import langchain.agents`", f"{framework:.2f} s", ""),
        (f"ratio, median of {pairs} pairs", f"{ratio:.2f}", bar(ratio, COLD_RATIO)),
        ("`ask --help`", f"{shown:.2f} s", bar(shown, HELP_SECONDS)),
    )
    for name, value, verdict in rows:
        sys.stdout.write(f"{name:<34} {value:>7}  {verdict}".rstrip() + "\n")
    return 0 if ratio <= COLD_RATIO and shown <= HELP_SECONDS else 1


def seconds(command: Sequence[str], env: dict[str, str]) -> float:
    """Return the wall time of one run, which must succeed."""
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return time.perf_counter() - started


def bar(value: float, limit: float) -> str:
    """Return the bar and whether a figure reaches it."""
    return f"bar <= {limit}  {'ok' if value <= limit else 'MISSED'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
