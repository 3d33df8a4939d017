"""Speed of the planner, beside its bars. Run: python benchmarks/planner.py [questions].

Warm answers are timed in process, with conversations kept on disk as in daily use; the batch is the
command line itself, start-up aside, on one core where the system lets a process choose.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

P50_MS, P99_MS, BATCH_PER_SECOND = 10.0, 60.0, 100.0
QUESTIONS = (
    "G5とG4dnの違いは?",
    "p5.48xlargeの料金は?",
    "A100が載っているインスタンスは?",
    "GPUメモリが24GB以上で一番安いのは?",
    "g6f.largeのGPUは?",
    "P4dはH100だよね?",
    "c6i.4xlagreのメモリ",
    "p5.24xlargeの料金は?",
    "今日の東京の天気は?",
    "ｇ５．ｘｌａｒｇｅのvCPU数は?",
    "What is the difference between g6 and g6e?",
    "Which instances have 8 H100 GPUs?",
    "EFAに対応したGシリーズは?",
    "bf16に対応する一番安いGPUインスタンスは?",
    "c7g.4xlargeはarm?",
    "H100とH200を比較して",
    "g4dn.xlargeを米国東部で",
    "P5のサイズ一覧",
    "8GPUで一番安いのは?",
    "p4d.24xlargeのネットワーク帯域は?",
)


def main(arguments: Sequence[str]) -> int:
    """Print each figure beside its bar; return 1 if one is missed."""
    count = int(arguments[0]) if arguments else 1000
    with tempfile.TemporaryDirectory() as data:
        times = sorted(warm_times(Path(data), count))
        rate = batch_rate(Path(data), count)
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    rows = (
        (f"warm p50 over {count} questions", p50, "ms", P50_MS, p50 <= P50_MS),
        (f"warm p99 over {count} questions", p99, "ms", P99_MS, p99 <= P99_MS),
        (
            f"`ask batch` of {count} questions",
            rate,
            "/s",
            BATCH_PER_SECOND,
            rate >= BATCH_PER_SECOND,
        ),
    )
    for name, value, unit, bar, reached in rows:
        sign = ">=" if unit == "/s" else "<="
        verdict = "ok" if reached else "MISSED"
        sys.stdout.write(f"{name:<34} {value:7.1f} {unit}  bar {sign} {bar:g} {unit}  {verdict}\n")
    return 0 if all(row[-1] for row in rows) else 1


def warm_times(data: Path, count: int) -> list[float]:
    """Return the milliseconds of each answer after every kind of question was seen once."""
    from assistant import build_assistant
    from assistant.settings import load_settings

    assistant = build_assistant(load_settings({"data_dir": str(data)}))
    for question in QUESTIONS:
        assistant.ask(question)
    times: list[float] = []
    for question in itertools.islice(itertools.cycle(QUESTIONS), count):
        started = time.perf_counter()
        assistant.ask(question)
        times.append((time.perf_counter() - started) * 1000)
    return times


def batch_rate(data: Path, count: int) -> float:
    """Return the questions a second of one `ask batch`, start-up aside."""
    several, one = data / "several.jsonl", data / "one.jsonl"
    several.write_text(lines(count), "utf-8")
    one.write_text(lines(1), "utf-8")
    start_up = run_batch(one, data)
    return (count - 1) / (run_batch(several, data) - start_up)


def lines(count: int) -> str:
    """Return the input of a batch."""
    questions = enumerate(itertools.islice(itertools.cycle(QUESTIONS), count))
    return "".join(json.dumps({"id": n, "question": text}) + "\n" for n, text in questions)


def run_batch(source: Path, data: Path) -> float:
    """Return the wall time of one batch; its output must be whole."""
    target = source.with_suffix(".out")
    command = [
        sys.executable,
        "-c",
        "from ui.cli import main; main()",
        "batch",
        str(source),
        "-o",
        str(target),
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ASK_DATA_DIR": str(data)}
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, preexec_fn=_stay_on_one_core)
    elapsed = time.perf_counter() - started
    asked, answered = (len(path.read_bytes().splitlines()) for path in (source, target))
    assert asked == answered, f"{answered} answers to {asked} questions"
    return elapsed


def _stay_on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
