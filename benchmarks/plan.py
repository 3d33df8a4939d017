"""How long plans take: one placement (bar 50 ms) and the whole search (bar 300 ms).

    python -m benchmarks.plan [--repeat 7]

Each figure is the median processor time of `--repeat` runs after a first run that loads the
catalogue and the list of models: a plan waits for nothing, and a busy machine must not count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from knowledge.ec2.catalogue import load_catalogue
from tools.sizing.models import InferenceRequest, TrainingRequest
from tools.sizing.plan import plan_training
from tools.sizing.serve import plan_inference

REGION = "ap-northeast-1"
BAR_PLAN_MS, BAR_SEARCH_MS = 50, 300
NAMED: tuple[dict[str, Any], ...] = (
    {"model": "7B", "method": "qlora", "instance": "g5.xlarge"},
    {"model": "7B", "instance": "g5.xlarge"},
    {"model": "llama-3-8b", "instance": "p4d.24xlarge", "tokens": 10**10},
    {"model": "llama-3-70b", "instance": "p5.48xlarge"},
    {"model": "llama-3-70b", "method": "lora", "instance": "p4d.24xlarge"},
)
SEARCHES: tuple[dict[str, Any], ...] = (
    {"model": "7B", "method": "qlora"},
    {"model": "llama-3-8b"},
    {"model": "llama-3-70b"},
    {"model": "llama-3.1-405b"},
    {"model": "llama-3-8b", "tokens": 10**11, "deadline_hours": 48},
)
SERVING: tuple[dict[str, Any], ...] = (
    {"model": "qwen2.5-7b", "instance": "g6.xlarge"},
    {"model": "70B", "weights": "fp16"},
)


def main() -> None:
    """Print a line per request, its median and the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    catalogue = load_catalogue()

    def train(given: dict[str, Any]) -> object:
        request = TrainingRequest.model_validate({"region": REGION, **given})
        return plan_training(catalogue, request)

    def serve(given: dict[str, Any]) -> object:
        request = InferenceRequest.model_validate({"region": REGION, **given})
        return plan_inference(catalogue, request)

    print(f"{'request':72} {'median ms':>10} {'bar':>5}")
    for given in NAMED:
        _line(given, _median_ms(lambda g=given: train(g), repeat), BAR_PLAN_MS)
    for given in SEARCHES:
        _line(given, _median_ms(lambda g=given: train(g), repeat), BAR_SEARCH_MS)
    for given in SERVING:
        bar = BAR_PLAN_MS if "instance" in given else BAR_SEARCH_MS
        _line(given, _median_ms(lambda g=given: serve(g), repeat), bar)


def _median_ms(run: Callable[[], object], repeat: int) -> float:
    run()
    times: list[float] = []
    for _ in range(repeat):
        started = time.process_time()
        run()
        times.append((time.process_time() - started) * 1000)
    return statistics.median(times)


def _line(given: dict[str, Any], median_ms: float, bar_ms: int) -> None:
    label = " ".join(f"{key}={value}" for key, value in given.items())
    mark = "" if median_ms <= bar_ms else "  over the bar"
    print(f"{label:72} {median_ms:10.1f} {bar_ms:5}{mark}")


if __name__ == "__main__":
    main()
