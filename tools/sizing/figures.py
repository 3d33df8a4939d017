"""Figures of sizing results as (subject, attribute, value, unit, region), for the number lock.

Attributes begin with `size:`. The whole result is the subject `sizing`; what belongs to a machine
stands under its name, so that no figure of one alternative passes for another's.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from tools.figure import FigureMaker, Figures, ResultFigure
from tools.sizing.model_memory import ModelMemory
from tools.sizing.models import (
    HOURS_PER_MONTH,
    Diagnosis,
    InferencePlan,
    InferenceRefusal,
    InferenceSummary,
    MemoryBreakdown,
    ModelSpec,
    Placement,
    PlanSummary,
    Range,
    TrainingPlan,
    TrainingRefusal,
)

SIZE = "sizing"
"""Subject of the figures of a result as a whole."""
SizingResult = (
    TrainingPlan | TrainingRefusal | InferencePlan | InferenceRefusal | ModelMemory | Diagnosis
)
_ABOUT_MODELS = (TrainingPlan, TrainingRefusal, InferencePlan, InferenceRefusal, ModelMemory)
_HOURS_PER_DAY = 24


def sizing_groups(result: SizingResult) -> dict[str, list[FigureMaker]]:
    """Return, by subject, functions that make the subject's figures."""
    groups: dict[str, list[FigureMaker]] = {SIZE: [partial(_whole, result)]}
    if isinstance(result, TrainingPlan | InferencePlan):
        name = result.placement.instance.name
        groups[name] = [partial(_placed, result, name)]
    if not isinstance(result, ModelMemory | Diagnosis):
        for item in result.alternatives:
            groups.setdefault(item.instance, []).append(partial(_alternative, item))
    return groups


def model_names(result: object) -> tuple[str, ...]:
    """Return the names of the model in a sizing result: digits in them are no figures."""
    if not isinstance(result, _ABOUT_MODELS):
        return ()
    spec = result.model
    asked = result.request.model
    return tuple(name for name in (spec.name, spec.hf_id, asked) if name and len(name) <= 80)


def _whole(result: SizingResult) -> Figures:
    match result:
        case TrainingPlan():
            yield from _model(result.model)
            yield from _training(result, SIZE)
            yield from _memory(result.memory, SIZE)
            yield from _request(result.request)
        case InferencePlan():
            yield from _model(result.model)
            yield from _inference(result, SIZE)
            yield from _memory(result.memory, SIZE)
            yield from _request(result.request)
        case TrainingRefusal() | InferenceRefusal():
            yield from _model(result.model)
            yield from _request(result.request)
            if result.memory:
                yield from _memory(result.memory, SIZE)
        case ModelMemory():
            yield from _model(result.model)
            yield from _by_itself(result)
        case Diagnosis():
            for name, value in result.figures.items():
                stem, _, unit = name.rpartition("_")
                known = unit in _SUFFIXES
                yield _of(SIZE, stem if known else name, value, _SUFFIXES.get(unit, ""))


_SUFFIXES = {"gib": "GiB", "gb": "GB", "percent": "%", "b": "B", "tokens": "トークン"}


def _placed(result: TrainingPlan | InferencePlan, name: str) -> Figures:
    """Yield the figures of the plan under its machine's name."""
    yield from _memory(result.memory, name)
    if isinstance(result, TrainingPlan):
        yield from _training(result, name)
    else:
        yield from _inference(result, name)


def _of(subject: str, name: str, value: Any, unit: str, region: str | None = None) -> ResultFigure:
    return ResultFigure(subject, f"size:{name}", Decimal(str(value)), unit, region)


def _range(subject: str, name: str, value: Range | None, unit: str, scale: float = 1) -> Figures:
    if value is not None:
        for edge in (value.low, value.expected, value.high):
            yield _of(subject, name, edge * scale, unit)


def _model(spec: ModelSpec) -> Figures:
    yield _of(SIZE, "parameters", spec.parameters / 1e9, "B")
    yield _of(SIZE, "active_parameters", spec.active_parameters / 1e9, "B")
    if spec.max_positions:
        yield _of(SIZE, "length", spec.max_positions, "トークン")


def _memory(memory: MemoryBreakdown, subject: str) -> Figures:
    for term in memory.terms:
        yield _of(subject, f"memory_{term.key}", term.gib, "GiB")
    yield _of(subject, "peak", memory.peak_gib, "GiB")
    yield _of(subject, "usable", memory.usable_gib, "GiB")
    yield _of(subject, "budget", memory.budget_gib, "GiB")
    yield _of(subject, "headroom", abs(memory.headroom_gib), "GiB")
    yield _of(subject, "states", memory.states_gib, "GiB")
    yield _of(subject, "share", memory.share_percent, "%")


def _machine(placement: Placement, subject: str) -> Figures:
    region = placement.quote.region
    yield _of(subject, "instances", placement.instances, "台")
    yield _of(subject, "gpus", placement.gpus, "GPU")
    if placement.instance.gpu:
        yield _of(subject, "gpus_each", placement.instance.gpu.devices, "GPU")
    if placement.usd_per_hour is not None and placement.quote.usd_per_hour is not None:
        yield _of(subject, "usd_hour", placement.usd_per_hour, "USD", region)
        yield _of(subject, "usd_hour_each", placement.quote.usd_per_hour, "USD", region)
    if placement.usd_per_month is not None:
        yield _of(subject, "month_hours", HOURS_PER_MONTH, "時間")
        yield _of(subject, "one_month", 1, "か月")
        yield _of(subject, "usd_month", placement.usd_per_month, "USD", region)
    yield _of(subject, "host", placement.instance.memory_gib, "GiB")


def _training(plan: TrainingPlan, subject: str) -> Figures:
    yield from _machine(plan.placement, subject)
    yield _of(subject, "length", plan.sequence_length, "トークン")
    yield _of(subject, "micro_batch", plan.micro_batch, "")
    yield _of(subject, "accumulation", plan.accumulation, "")
    yield _of(subject, "global_batch", plan.global_batch, "")
    if plan.lora_rank:
        yield _of(subject, "rank", plan.lora_rank, "")
        yield _of(subject, "trainable", plan.trainable_parameters / 1e6, "M")
    yield _of(subject, "host", plan.host_ram_gib, "GiB")
    yield _of(subject, "nvme", plan.nvme_gb, "GB")
    run, region = plan.run, plan.placement.quote.region
    yield from _range(subject, "speed", run.tokens_per_second, "トークン/秒")
    yield from _range(subject, "mfu", run.mfu, "%", 100)
    yield from _timed(subject, run.hours, run.usd, region)
    if run.tokens:
        yield _of(subject, "tokens", run.tokens, "トークン")
    if plan.per_billion:
        yield _of(subject, "tokens", 10**9, "トークン")
        yield from _timed(subject, plan.per_billion.hours, plan.per_billion.usd, region)


def _timed(subject: str, hours: Range | None, usd: Range | None, region: str) -> Figures:
    yield from _range(subject, "hours", hours, "時間")
    yield from _range(subject, "days", hours, "日", 1 / _HOURS_PER_DAY)
    for figure in _range(subject, "usd", usd, "USD"):
        yield figure._replace(region=region)


def _request(request: Any) -> Figures:
    """Yield the numbers that the user gave: they count as echoed inputs only."""
    given: dict[str, tuple[str, str]] = {
        "tokens": ("tokens", "トークン"),
        "samples": ("samples", "件"),
        "epochs": ("epochs", ""),
        "sequence_length": ("length", "トークン"),
        "context": ("length", "トークン"),
        "micro_batch": ("micro_batch", ""),
        "global_batch": ("global_batch", ""),
        "instances": ("instances", "台"),
        "gpus": ("gpus", "GPU"),
        "concurrency": ("concurrency", "件"),
        "budget_usd": ("budget_usd", "USD"),
        "deadline_hours": ("deadline", "時間"),
    }
    for field, (name, unit) in given.items():
        value = getattr(request, field, None)
        if value is not None:
            yield _of(SIZE, name, value, unit)
            if field == "deadline_hours":
                yield _of(SIZE, name, value / _HOURS_PER_DAY, "日")


def _inference(plan: InferencePlan, subject: str) -> Figures:
    yield from _machine(plan.placement, subject)
    run, region = plan.run, plan.placement.quote.region
    yield _of(subject, "concurrency", run.max_concurrency, "件")
    yield _of(subject, "context_limit", run.max_context, "トークン")
    yield _of(subject, "length", plan.max_model_len, "トークン")
    yield _of(subject, "tensor_parallel", plan.tensor_parallel, "")
    yield _of(subject, "utilization", plan.gpu_memory_utilization, "")
    yield _of(subject, "kv_token", plan.kv_bytes_per_token / 2**30, "GiB")
    yield _of(subject, "kv_request", plan.kv_request_gib, "GiB")
    yield from _range(subject, "speed_user", run.tokens_per_second_user, "トークン/秒")
    yield from _range(subject, "speed", run.tokens_per_second_total, "トークン/秒")
    yield from _range(subject, "first_token", run.time_to_first_token_ms, "ms")
    yield from _range(subject, "first_token", run.time_to_first_token_ms, "秒", 0.001)
    for figure in _range(subject, "usd_million", run.usd_per_million_tokens, "USD"):
        yield figure._replace(region=region)


def _alternative(item: PlanSummary | InferenceSummary) -> Iterator[ResultFigure]:
    name = item.instance
    yield _of(name, "gpus", item.gpus, "GPU")
    if item.usd_per_hour is not None:
        yield _of(name, "usd_hour", item.usd_per_hour, "USD")
    if isinstance(item, InferenceSummary):
        yield _of(name, "concurrency", item.max_concurrency, "件")
        yield _of(name, "speed", item.tokens_per_second_total, "トークン/秒")
        if item.usd_per_million_tokens is not None:
            yield _of(name, "usd_million", item.usd_per_million_tokens, "USD")
        return
    yield _of(name, "instances", item.instances, "台")
    yield _of(name, "peak", item.peak_gib, "GiB")
    yield _of(name, "usable", item.usable_gib, "GiB")
    yield _of(name, "speed", item.tokens_per_second, "トークン/秒")
    if item.hours is not None:
        yield _of(name, "hours", item.hours, "時間")
        yield _of(name, "days", item.hours / _HOURS_PER_DAY, "日")
    if item.usd is not None:
        yield _of(name, "usd", item.usd, "USD")
    if item.usd_per_billion is not None:
        yield _of(name, "usd_billion", item.usd_per_billion, "USD")


def _by_itself(result: ModelMemory) -> Figures:
    for size in result.weights:
        yield _of(SIZE, f"weights_{size.format}", size.gib, "GiB")
        yield _of(SIZE, f"weights_{size.format}", size.gb, "GB")
        yield _of(SIZE, f"bytes_{size.format}", size.bytes_each, "バイト")
    yield _of(SIZE, "length", result.context, "トークン")
    yield _of(SIZE, "concurrency", result.request.concurrency, "件")
    yield _of(SIZE, "gpus", result.request.gpus, "GPU")
    yield _of(SIZE, "kv_token", result.kv_bytes_per_token / 2**30, "GiB")
    yield _of(SIZE, "kv_request", result.kv_gib, "GiB")
    if result.gpus_needed:
        yield _of(SIZE, "gpus", result.gpus_needed, "GPU")
    for state in result.states:
        yield _of(SIZE, f"zero{state.stage}", state.gib, "GiB")
        yield _of(SIZE, f"zero{state.stage}", state.gb, "GB")
    yield _of(SIZE, "adam", result.adam_gib, "GiB")
    yield _of(SIZE, "adam", result.adam_gb, "GB")
    yield _of(SIZE, "kv_request", result.kv_gb, "GB")
    yield _of(SIZE, "checkpointed", result.checkpointed_gb, "GB")
    yield _of(SIZE, "logits", result.logits_gb, "GB")
