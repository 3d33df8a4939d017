"""Build plans and refusals from trials: summaries, reasons, warnings, environment, charts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import floor, log10

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Source
from tools.charts import Text
from tools.sizing.changes import smallest_change
from tools.sizing.limits import Limit
from tools.sizing.models import (
    ModelSpec,
    PlanSummary,
    Range,
    Run,
    RunCost,
    TrainingPlan,
    TrainingRefusal,
    TrainingRequest,
)
from tools.sizing.placements import Machine
from tools.sizing.plan_charts import memory_chart, placement_chart
from tools.sizing.plan_reasons import choices_of, placement_choice, rejections_of
from tools.sizing.plan_warnings import warnings_of
from tools.sizing.plan_words import EXPERTS_STAY, gib, largest, text
from tools.sizing.setup import lora_parameters
from tools.sizing.training_search import Miss, every_placement, ordered
from tools.sizing.trial import PROBE_TOKENS, Trial

MAX_OTHERS = 3
_DIGITS = 3


def build_plan(
    catalogue: Catalogue, request: TrainingRequest, trial: Trial, others: Sequence[Trial]
) -> TrainingPlan:
    """Return the plan of a trial that fits; `others` are further placements, cheapest first."""
    setup, spec, memory = trial.setup, trial.spec, trial.memory
    tokens = request.tokens
    summaries = _listed(request, others)
    adapters = request.method != "full"
    own = summary(trial, tokens)
    return TrainingPlan(
        request=request,
        model=spec,
        placement=trial.machine.placement(trial.count, setup.gpus),
        method=setup.method,
        engine=setup.engine,
        precision=setup.precision,
        attention=setup.attention,
        optimizer=setup.optimizer,
        zero_stage=setup.zero_stage,
        offload=setup.offload,
        checkpointing=setup.checkpointing,
        liger=setup.liger,
        sequence_length=setup.sequence_length,
        micro_batch=setup.micro_batch,
        accumulation=setup.accumulation,
        global_batch=setup.micro_batch * setup.accumulation * setup.gpus,
        lora_rank=setup.lora_rank if adapters else None,
        trainable_parameters=lora_parameters(spec, setup),
        memory=memory,
        host_ram_gib=trial.host_gib,
        nvme_gb=trial.nvme_gb,
        run=rounded_run(trial.run_for(tokens)),
        per_billion=None if tokens else _per_billion(trial),
        choices=(*placement_choice(trial, request, others), *choices_of(trial, request)),
        rejected=rejections_of(trial, request),
        warnings=warnings_of(trial, request, others),
        environment=environment_of(trial),
        alternatives=summaries,
        sources=sources_of(catalogue, trial.machine),
        charts=(memory_chart(memory), *placement_chart([own, *summaries])),
    )


def build_refusal(
    catalogue: Catalogue,
    spec: ModelSpec,
    request: TrainingRequest,
    offered: Sequence[Machine],
    *,
    reason: Text | None = None,
    miss: Miss | None = None,
    limit: Limit | None = None,
) -> TrainingRefusal:
    """Return a refusal: for a given reason, or because `miss` does not fit."""
    free = request.model_copy(update={"instance": None, "instances": None, "gpus": None})
    found = ordered(request, every_placement(spec, free, offered))
    closest = miss.closest if miss is not None else None
    memory = closest.memory if closest is not None else None
    change = limit.change if limit else None
    if change is None and closest is not None and reason is None:
        change = smallest_change(spec, request, closest, offered)
    return TrainingRefusal(
        request=request,
        model=spec,
        reason=reason or _does_not_fit(miss),
        memory=memory,
        smallest_change=change,
        alternatives=_listed(request, found),
        sources=sources_of(catalogue, closest.machine) if closest else (),
        charts=(memory_chart(memory),) if memory else (),
    )


def _does_not_fit(miss: Miss | None) -> Text:
    if miss is None:
        return text(
            "条件に合う GPU インスタンスがありません", "no GPU instance meets the conditions"
        )
    trial = miss.closest
    memory, where = trial.memory, trial.machine.name
    part = largest(memory.dominating)
    count_ja = f"{where} {trial.count} 台" if trial.count > 1 else where
    count_en = f"{trial.count} × {where}" if trial.count > 1 else where
    if trial.fits_gpu:
        return _host_short(trial, count_ja, count_en)
    host_ja, host_en = _host_words(miss.starved)
    if trial.setup.method == "qlora" and trial.spec.experts:
        host_ja, host_en = f"。{EXPERTS_STAY.ja}{host_ja}", f"; {EXPERTS_STAY.en}{host_en}"
    return text(
        f"{count_ja}では、最も節約した構成でも GPU 1 枚あたり {gib(memory.peak_gib)} GiB が必要で、"
        f"安全に使える {gib(memory.budget_gib)} GiB を超えます。{part.ja}{host_ja}",
        f"on {count_en} even the most frugal configuration needs {gib(memory.peak_gib)} GiB on "
        f"each GPU, more than the {gib(memory.budget_gib)} GiB that is safe to use; "
        f"{part.en}{host_en}",
    )


def _host_short(trial: Trial, count_ja: str, count_en: str) -> Text:
    """Return that the GPUs would hold the run, and what of the host does not."""
    ja, en = _host_needs(trial)
    return text(
        f"{count_ja}では、GPU には収まりますが(1 枚あたり {gib(trial.peak_gib)} GiB)、{ja}",
        f"on {count_en} the GPUs would hold it ({gib(trial.peak_gib)} GiB each), but {en}",
    )


def _host_needs(trial: Trial) -> tuple[str, str]:
    """Return what a host is short of: memory, or else local NVMe."""
    need, has, machine = gib(trial.host_gib), gib(trial.machine.host_gib), trial.machine
    if trial.host_gib > machine.host_gib or trial.nvme_gb <= machine.nvme_gb:
        return (
            f"オフロードには {need} GiB のホストメモリが要り、{has} GiB しかありません",
            f"offload needs {need} GiB of host memory and there are {has} GiB",
        )
    need, has = f"{trial.nvme_gb:,.0f}", f"{machine.nvme_gb:,.0f}"
    return (
        f"オフロードには {need} GB のローカル NVMe が要り、{has} GB しかありません",
        f"offload needs {need} GB of local NVMe and there are {has} GB",
    )


def _host_words(starved: Trial | None) -> tuple[str, str]:
    """Say why offload does not help, where the GPU would have room but the host has not."""
    if starved is None:
        return "", ""
    ja, en = _host_needs(starved)
    return f"。{ja}", f"; {en}"


def summary(trial: Trial, tokens: int | None) -> PlanSummary:
    """Return a trial in short."""
    hours = significant(trial.hours(tokens)) if tokens else None
    hourly = trial.usd_per_hour
    each = trial.machine.usd_per_hour
    return PlanSummary(
        instance=trial.machine.name,
        instances=trial.count,
        gpu=trial.machine.gpu.key,
        gpus=trial.setup.gpus,
        zero_stage=trial.setup.zero_stage,
        offload=trial.setup.offload,
        micro_batch=trial.setup.micro_batch,
        peak_gib=trial.memory.peak_gib,
        usable_gib=trial.machine.usable_gib,
        tokens_per_second=significant(trial.tokens_per_second),
        usd_per_hour=None if each is None else each * trial.count,
        usd=dollars(hourly * hours) if hourly is not None and hours else None,
        hours=hours,
        usd_per_billion=None if hourly is None else dollars(trial.usd_per_token * PROBE_TOKENS),
    )


def _listed(request: TrainingRequest, trials: Sequence[Trial]) -> tuple[PlanSummary, ...]:
    """Return the first placements of a ranking in short, in the order that their caption names."""
    chosen = _priced_first(trials)[:MAX_OTHERS]
    if any(trial.count > 1 for trial in chosen):
        chosen.sort(key=lambda trial: trial.usd_per_token)
    return tuple(summary(trial, request.tokens) for trial in chosen)


def _priced_first(trials: Sequence[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: trial.usd_per_hour is None)


def _per_billion(trial: Trial) -> RunCost | None:
    run = trial.run_for(PROBE_TOKENS)
    if run.hours is None:
        return None
    return RunCost(hours=rounded(run.hours), usd=rounded(run.usd) if run.usd else None)


def significant(value: float) -> float:
    """Return a value with three significant digits: estimates are no better."""
    if value == 0:
        return 0.0
    return round(value, _DIGITS - 1 - floor(log10(abs(value))))


def dollars(value: float) -> Decimal:
    """Return an estimated amount with three significant digits."""
    return Decimal(str(significant(value)))


def rounded(value: Range) -> Range:
    """Return a range with three significant digits."""
    return Range(
        low=significant(value.low),
        expected=significant(value.expected),
        high=significant(value.high),
    )


def rounded_run(run: Run) -> Run:
    """Return a run whose estimates have three significant digits."""
    names = ("tokens_per_second", "mfu", "hours", "usd")
    values = {name: getattr(run, name) for name in names}
    return run.model_copy(update={k: rounded(v) for k, v in values.items() if v is not None})


def sources_of(catalogue: Catalogue, machine: Machine) -> tuple[Source, ...]:
    """Return the sources of a machine's facts."""
    ids = dict.fromkeys((machine.item.source, machine.gpu.source))
    return tuple(catalogue.source(source) for source in ids)


def environment_of(trial: Trial) -> dict[str, str]:
    """Return the variables that the launch script sets.

    What aws-ofi-nccl and libfabric choose by themselves (FI_PROVIDER, NCCL_PROTO, …) is left alone.
    """
    found = {"PYTORCH_ALLOC_CONF": "expandable_segments:True"}
    if trial.setup.gpus > 1:
        found["NCCL_DEBUG"] = "WARN"
        if trial.machine.gpu.key in ("A10G", "L4"):
            found["NCCL_SHM_USE_CUDA_MEMCPY"] = "1"  # no peer-to-peer: about twice the bandwidth
    if trial.count > 1:
        found["NCCL_SOCKET_IFNAME"] = "en"
    return found
