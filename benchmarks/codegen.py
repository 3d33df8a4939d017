"""Generation of bundles without running them: median over requests, beside the bar.

Run: python -m benchmarks.codegen
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from tools.codegen.generation import generate
from tools.codegen.spec import BundleRequest

BAR_MS = 300
ROUNDS = 20
REQUESTS: tuple[dict[str, Any], ...] = (
    {"model": "gpt2-xl", "instance": "p4d.24xlarge"},
    {"model": "gpt2-xl", "instance": "p4d.24xlarge", "engine": "trainer"},
    {"model": "llama-3-8b", "instance": "g5.xlarge", "method": "qlora"},
    {"model": "llama-3.1-70b", "instance": "p5.48xlarge", "instances": 4},
    {"model": "llama-3-8b", "method": "lora"},
    {"model": "gpt2-xl", "instance": "p4d.24xlarge", "spot": True, "checkpoint_s3": "s3://abc/x"},
)


def main() -> None:
    """Print the medians."""
    catalogue = Catalogue()
    started = time.perf_counter()
    generate(catalogue, _request(REQUESTS[0]))
    print(f"first, catalogue included: {1000 * (time.perf_counter() - started):.0f} ms")
    for options in REQUESTS:
        times = [_once(catalogue, options) for _ in range(ROUNDS)]
        median, worst = statistics.median(times), max(times)
        verdict = "ok" if median <= BAR_MS else "MISSED"
        print(f"{median:6.1f} ms median, {worst:6.1f} worst (bar {BAR_MS}) {verdict}: {options}")


def _request(options: dict[str, Any]) -> BundleRequest:
    return BundleRequest(workload="llm-train", region="us-east-1", options=options)


def _once(catalogue: Catalogue, options: dict[str, Any]) -> float:
    started = time.perf_counter()
    assert generate(catalogue, _request(options)).kind == "bundle"
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
