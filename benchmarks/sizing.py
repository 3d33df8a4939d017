"""Predicted against published memory and throughput of training runs, beside the bars.

Run: python benchmarks/sizing.py [--rows] [--no-estimators]

Every row is compared in its own metric: `static` (allocated between steps), `allocated` and
`reserved` (peaks of the PyTorch allocator) or `driver` (nvidia-smi). Constants in tools/sizing name
their sources; the five that were fitted are listed in FITTED, with the sources they were fitted on;
the other sources are reported apart. Rows share tables and hardware: a model is judged by source.
"""

# DeepSpeed and accelerate carry no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.sizing_cases import DATA, Case, build_case, cases, rows  # noqa: E402
from tools.sizing.activations import QUANTIZED_KEPT  # noqa: E402
from tools.sizing.memory import static_gib, training_memory  # noqa: E402
from tools.sizing.throughput import (  # noqa: E402
    CPU_ADAM_PER_VCPU,
    LAUNCH_SECONDS,
    TRAFFIC,
    training_run,
)

MEMORY_MEDIAN, MEMORY_P90, RAN_SHARE, MEMORY_ROWS = 0.08, 0.20, 0.90, 160
SPEED_MEDIAN, SPEED_P90 = 0.15, 0.30
FITTED = {
    "activations.QUANTIZED_KEPT": QUANTIZED_KEPT,
    "throughput.TRAFFIC[transformers]": TRAFFIC["transformers"],
    "throughput.TRAFFIC[tuned]": TRAFFIC["tuned"],
    "throughput.LAUNCH_SECONDS": LAUNCH_SECONDS,
    "throughput.CPU_ADAM_PER_VCPU": CPU_ADAM_PER_VCPU,
}
FITTED_ON = frozenset(
    {
        # memory
        "Lightning-AI/litgpt config_hub",
        "Lightning-AI/litgpt resource-tables.md",
        # throughput
        "mosaicml/llm-foundry",
        "QwenLM/Qwen README (speed)",
        "stas00/ml-engineering when-to-upgrade-gpus (speed)",
        "NVIDIA-NeMo/Megatron-Bridge",
        "NVIDIA/DeepLearningExamples BERT",
    }
)
Estimator = Callable[[Case], float]


class Result(NamedTuple):
    """One row: what was published and what was predicted."""

    case: Case
    published: float
    predicted: float

    @property
    def error(self) -> float:
        """Relative error, positive where too much was predicted."""
        return self.predicted / self.published - 1


class Summary(NamedTuple):
    """Errors over sources and rows."""

    median: float
    """Median over sources of the source's median absolute error."""
    p90: float
    """90th percentile of the rows' absolute errors."""
    rows: int
    sources: int


def memory_results(predict: Callable[[Case], float] | None = None) -> list[Result]:
    """Return every memory row that has a figure."""
    predict = predict or predicted_gib
    return [
        Result(case, float(case.row["gib"]), predict(case))
        for case in cases("published_memory.csv")
        if case.row["gib"]
    ]


def predicted_gib(case: Case) -> float:
    """Return our figure in the row's metric."""
    if case.row["metric"] == "static":
        return static_gib(case.spec, case.setup)
    memory = training_memory(case.spec, case.setup, case.gpu.usable_gib or case.gpu.memory_gib)
    return {
        "allocated": memory.allocated_gib,
        "reserved": memory.reserved_gib,
        "driver": memory.peak_gib,
    }[case.row["metric"]]


def fit_results() -> tuple[list[Case], int, int]:
    """Return the out-of-memory rows that are called a fit, and (fits, all) of the rows that ran."""
    wrong: list[Case] = []
    fits = ran = 0
    for case in cases("published_memory.csv"):
        usable = case.gpu.usable_gib or case.gpu.memory_gib
        fit = training_memory(case.spec, case.setup, usable).fits
        if case.row["outcome"] == "oom":
            wrong += [case] if fit else []
        else:
            ran, fits = ran + 1, fits + fit
    return wrong, fits, ran


def speed_results() -> list[Result]:
    """Return every throughput row, in tokens per second and GPU."""
    found: list[Result] = []
    for case in cases("published_throughput.csv"):
        run = training_run(
            case.spec,
            case.setup,
            case.gpu,
            case.host,
            stack=case.stack,
            fp8=case.row["fp8"] == "true",
            flash=case.flash,
        )
        predicted = run.tokens_per_second.expected / case.setup.gpus
        found.append(Result(case, float(case.row["tokens_per_s_per_gpu"]), predicted))
    return found


def by_source(results: Iterable[Result]) -> dict[str, list[float]]:
    """Return the errors of each source."""
    grouped: dict[str, list[float]] = defaultdict(list)
    for result in results:
        grouped[result.case.source].append(result.error)
    return dict(grouped)


def summarise(results: Iterable[Result]) -> Summary:
    """Return the figures that have bars."""
    grouped = by_source(results)
    medians = [statistics.median(map(abs, errors)) for errors in grouped.values()]
    absolute = sorted(abs(error) for errors in grouped.values() for error in errors)
    p90 = absolute[min(int(0.9 * len(absolute)), len(absolute) - 1)]
    return Summary(statistics.median(medians), p90, len(absolute), len(medians))


def split(results: list[Result], speed: bool) -> tuple[list[Result], list[Result]]:
    """Return the results of the sources that constants were fitted on, and of the others."""

    def fitted(result: Result) -> bool:
        return bool(
            {result.case.source, f"{result.case.source} (speed)" if speed else ""} & FITTED_ON
        )

    return [item for item in results if fitted(item)], [
        item for item in results if not fitted(item)
    ]


def estimators() -> dict[str, Estimator]:
    """Return what others predict for the same rows, in GiB."""
    from accelerate.commands.estimate import estimate_training_usage
    from deepspeed.runtime.zero.stage3 import estimate_zero3_model_states_mem_needs
    from deepspeed.runtime.zero.stage_1_and_2 import estimate_zero2_model_states_mem_needs

    def deepspeed(case: Case) -> float:
        setup, spec = case.setup, case.spec
        per_node = min(setup.gpus, setup.gpus_per_node)
        if setup.stage == 3:
            largest = max(spec.block_parameters, spec.vocab * spec.hidden)
            figures = estimate_zero3_model_states_mem_needs(
                spec.parameters,
                largest,
                cpu_offload=setup.offloads_optimizer,
                cpu_offload_params=setup.offloads_parameters,
                num_gpus_per_node=per_node,
                num_nodes=setup.nodes,
            )
        else:
            figures = estimate_zero2_model_states_mem_needs(
                spec.parameters,
                cpu_offload=setup.offloads_optimizer,
                num_gpus_per_node=per_node,
                num_nodes=setup.nodes,
            )
        return figures[1] / 2**30

    def accelerate(case: Case) -> float:
        usage = estimate_training_usage(4 * case.spec.parameters, "bfloat16")
        return max(usage.values()) / 2**30

    return {
        "DeepSpeed estimators": deepspeed,
        "accelerate estimate-memory": accelerate,
        "16 bytes per parameter": lambda case: 16 * case.spec.parameters / case.setup.gpus / 2**30,
    }


def print_rows(results: Iterable[Result], unit: str) -> None:
    """Print every row."""
    for result in results:
        case, setup = result.case, result.case.setup
        what = f"{case.spec.name} {setup.method}/{setup.engine}-{setup.stage} {setup.offload}"
        size = f"{setup.micro_batch}x{setup.sequence_length} on {setup.gpus} {case.gpu.key}"
        figures = f"{result.published:9.1f} {result.predicted:9.1f} {unit} {result.error:+7.1%}"
        print(
            f"  {case.row['id']:>5} {case.source[:28]:28} {what:48} {size:26} "
            f"{case.row.get('metric', ''):9} {figures}"
        )


def print_sources(results: list[Result]) -> None:
    """Print a line for each source."""
    for source, errors in by_source(results).items():
        middle = statistics.median(map(abs, errors))
        print(
            f"  {source[:46]:46} {len(errors):4} rows   median {middle:6.1%}   "
            f"bias {statistics.median(errors):+6.1%}   worst {min(errors):+.0%} {max(errors):+.0%}"
        )


def verdict(ok: bool) -> str:
    """Return the word beside a bar."""
    return "ok" if ok else "MISSED"


def print_summary(results: list[Result], median: float, p90: float) -> None:
    """Print the figures that have bars."""
    total = summarise(results)
    print(
        f"  median over {total.sources} sources {total.median:.1%} (bar {median:.0%}) "
        f"{verdict(total.median <= median)}; 90th percentile of {total.rows} rows {total.p90:.1%} "
        f"(bar {p90:.0%}) {verdict(total.p90 <= p90)}"
    )


def report_memory(*, every_row: bool, others: bool) -> None:
    """Print the part about memory."""
    results = memory_results()
    every = rows("published_memory.csv")
    print(f"\nPeak training memory: {len(results)} rows with a figure of {len(every)}")
    if every_row:
        print_rows(results, "GiB")
    print_sources(results)
    print_summary(results, MEMORY_MEDIAN, MEMORY_P90)
    print(
        f"  rows with a figure {len(results)} (bar {MEMORY_ROWS}) "
        f"{verdict(len(results) >= MEMORY_ROWS)}"
    )
    report_split(results, speed=False)
    wrong, fits, ran = fit_results()
    ooms = sum(1 for case in cases("published_memory.csv") if case.row["outcome"] == "oom")
    print(
        f"  {ooms} runs out of memory called a fit: {len(wrong)} (bar 0) {verdict(not wrong)}; "
        f"runs that ran called a fit: {fits} of {ran} = {fits / ran:.1%} (bar {RAN_SHARE:.0%}) "
        f"{verdict(fits / ran >= RAN_SHARE)}"
    )
    report_excluded(every)
    if others:
        for name, estimator in estimators().items():
            other = summarise(memory_results(estimator))
            print(f"  {name:28} median over sources {other.median:.1%}, p90 {other.p90:.1%}")


def report_split(results: list[Result], *, speed: bool) -> None:
    """Print the sources that constants were fitted on, and the others, apart."""
    for name, part in zip(("fitted on", "held out"), split(results, speed), strict=True):
        found = summarise(part)
        print(
            f"  {name}: {found.sources} sources, {found.rows} rows: median {found.median:.1%}, "
            f"p90 {found.p90:.1%}"
        )


def report_excluded(every: list[dict[str, str]]) -> None:
    """Print how many rows are left out, and why."""
    reasons: dict[str, int] = defaultdict(int)
    for row in every:
        if row["excluded"]:
            reasons[row["excluded"]] += 1
    print(f"  excluded: {sum(reasons.values())}")
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        print(f"    {count:3}  {reason}")


def report_speed(*, every_row: bool) -> None:
    """Print the part about throughput."""
    results = speed_results()
    every = rows("published_throughput.csv")
    print(f"\nTraining throughput: {len(results)} rows of {len(every)}")
    if every_row:
        print_rows(results, "tok/s")
    print_sources(results)
    print_summary(results, SPEED_MEDIAN, SPEED_P90)
    report_split(results, speed=True)
    report_excluded(every)


def report_measured() -> None:
    """Print the errors on runs measured with benchmarks/measure_gpu.py, where there are any."""
    for path in sorted(DATA.glob("measured_*.csv")):
        results = [
            Result(case, float(case.row["gib"]), predicted_gib(case))
            for case in map(build_case, rows(path.name))
            if case.row["gib"]
        ]
        print(f"\n{path.name}")
        print_rows(results, "GiB")
        print_sources(results)


def report_time() -> None:
    """Print what one breakdown costs."""
    case = next(cases("published_memory.csv"))
    start = time.perf_counter()
    for _ in range(1000):
        training_memory(case.spec, case.setup, 79.1)
    print(f"\nOne memory breakdown: {(time.perf_counter() - start) * 1000:.0f} us")


def main() -> None:
    """Print everything."""
    every_row = "--rows" in sys.argv
    print("Fitted constants (at most five):")
    for name, value in FITTED.items():
        print(f"  {name} = {value:g}")
    report_memory(every_row=every_row, others="--no-estimators" not in sys.argv)
    report_speed(every_row=every_row)
    report_measured()
    report_time()


if __name__ == "__main__":
    main()
