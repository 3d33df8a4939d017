"""Time the parts of an answer by themselves, beside their bars.

python -m benchmarks.parts
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from assistant.grounding import NumberLock
from assistant.planner.compose import compose_result
from knowledge.ec2.catalogue import load_catalogue
from tools.cost import CostRequest, estimate
from tools.sizing.architectures import resolve_model
from tools.sizing.memory import training_memory
from tools.sizing.setup import TrainingSetup

ROOT = Path(__file__).parents[1]
LOOKUP = """
import sys, json, re, hashlib, dataclasses, functools, pathlib, unicodedata, typing, time
begin = time.perf_counter()
from knowledge.glossary_index import load_glossary
load_glossary().find("イーエフエー")
print((time.perf_counter() - begin) * 1000)
"""


def main() -> int:
    """Print every part with its bar and return 1 if one was missed."""
    catalogue = load_catalogue()
    lock = NumberLock(catalogue)
    request = CostRequest.model_validate(
        {"lines": [{"name": "g5.xlarge", "hours": 160}], "region": "ap-northeast-1"}
    )

    def cost_answer() -> None:
        result = estimate(catalogue, request)
        said = compose_result(result, "ja", regions=catalogue.regions, today=date(2026, 11, 24))
        lock.check(said.text, [result], quoted=said.quoted)

    spec = resolve_model("llama-3-8b")
    setup = TrainingSetup(engine="deepspeed", zero_stage=3, gpus=8, checkpointing=True)
    rows = (
        ("cost answer, warm", median_ms(cost_answer), 15.0),
        ("cost estimate alone", median_ms(lambda: estimate(catalogue, request)), 15.0),
        ("training memory breakdown", median_ms(lambda: training_memory(spec, setup, 79.1)), 0.2),
        ("glossary look-up, cold", min(cold_lookup_ms() for _ in range(5)), 15.0),
    )
    for name, value, bar in rows:
        verdict = "ok" if value <= bar else "MISSED"
        sys.stdout.write(f"{name:<28} {value:8.3f} ms  bar <= {bar:g} ms  {verdict}\n")
    return 0 if all(value <= bar for _, value, bar in rows) else 1


def median_ms(run: Callable[[], object], times: int = 51) -> float:
    """Return the median milliseconds of a call, after a first one that does not count."""
    run()
    found: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)


def cold_lookup_ms() -> float:
    """Return the milliseconds of a look-up in a process of its own, the interpreter aside."""
    command = [sys.executable, "-c", LOOKUP]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
