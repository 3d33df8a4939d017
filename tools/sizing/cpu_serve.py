"""Plan serving a model on the CPU of a C instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType, NotOffered, Term
from tools.errors import UnknownNameError
from tools.names import Names
from tools.profiles import Quote, profiler
from tools.sizing.cpu import cpu_memory, cpu_run
from tools.sizing.inference import Serving
from tools.sizing.models import (
    InferencePlan,
    InferenceRefusal,
    InferenceRequest,
    InferenceRun,
    InferenceSummary,
    MemoryBreakdown,
    ModelSpec,
    Placement,
)
from tools.sizing.plan_build import MAX_OTHERS, dollars, significant
from tools.sizing.plan_charts import memory_chart, placement_chart
from tools.sizing.plan_words import chose, gib, largest, text
from tools.sizing.serve_build import rounded_serving
from tools.sizing.weights import kv_bytes_per_token


@dataclass(frozen=True, slots=True)
class CpuMachine:
    """An instance type without accelerators, as sold in a region."""

    item: InstanceType
    quote: Quote

    @property
    def order(self) -> tuple[float, str]:
        """Cheapest first."""
        usd = self.quote.usd_per_hour
        return (float("inf") if usd is None else float(usd), self.item.name)


@dataclass(frozen=True, slots=True)
class _Option:
    machine: CpuMachine
    memory: MemoryBreakdown
    run: InferenceRun


def cpu_machines(
    catalogue: Catalogue, name: str, region: str, term: Term
) -> tuple[CpuMachine, ...]:
    """Return the CPU machines that a name means, cheapest first; none if it has accelerators."""
    try:
        subjects = Names(catalogue).resolve(name)
    except UnknownNameError:
        return ()
    keys = {subject.key for subject in subjects if subject.kind in ("instance", "family")}
    found = [
        CpuMachine(item, profiler(catalogue, region).quote(item.name, region, term))
        for item in catalogue.types.values()
        if {item.name, item.family} & keys and not item.gpu and not item.neuron
    ]
    return tuple(sorted(found, key=lambda machine: machine.order))


def plan_cpu(
    catalogue: Catalogue,
    spec: ModelSpec,
    request: InferenceRequest,
    machines: Sequence[CpuMachine],
) -> InferencePlan | InferenceRefusal:
    """Return how the cheapest of the machines that fits serves the model, or why none does."""
    serving = Serving(
        weights=request.weights or "int4",
        kv_format=request.kv_format or "fp16",
        context=request.context or 4096,
        concurrency=request.concurrency or 1,
    )
    found = [o for m in machines if (o := _option(spec, serving, request, m))]
    fitting = [o for o in found if o.memory.fits]
    sold = [o for o in fitting if not isinstance(o.machine.quote.purchase, NotOffered)]
    if sold:
        return _plan(catalogue, spec, request, serving, sold)
    largest_option = max(found, key=lambda o: o.machine.item.memory_mib, default=None)
    memory = largest_option.memory if largest_option else None
    if fitting:
        reason = text(
            f"{fitting[0].machine.item.name} はこのリージョンでは提供されていません",
            f"{fitting[0].machine.item.name} is not offered in this region",
        )
        memory = None
    elif memory is not None:
        part = largest(memory.dominating)
        reason = text(
            f"メモリ {gib(memory.usable_gib)} GiB に対して {gib(memory.peak_gib)} GiB が必要です。"
            f"{part.ja}",
            f"{gib(memory.peak_gib)} GiB are needed and there are {gib(memory.usable_gib)} GiB; "
            f"{part.en}",
        )
    else:
        reason = text(
            "この CPU のメモリ帯域の資料がないため、見積もれません",
            "the memory bandwidth of this processor is not known",
        )
    return InferenceRefusal(
        request=request,
        model=spec,
        reason=reason,
        memory=memory,
        smallest_change=None,
        alternatives=(),
        charts=(memory_chart(memory),) if memory else (),
    )


def _option(
    spec: ModelSpec, serving: Serving, request: InferenceRequest, machine: CpuMachine
) -> _Option | None:
    run = cpu_run(
        spec,
        serving,
        machine.item,
        prompt_tokens=request.prompt_tokens,
        usd_per_hour=machine.quote.usd_per_hour,
    )
    memory = cpu_memory(spec, serving, machine.item)
    return _Option(machine, memory, run) if run else None


def _plan(
    catalogue: Catalogue,
    spec: ModelSpec,
    request: InferenceRequest,
    serving: Serving,
    options: Sequence[_Option],
) -> InferencePlan:
    best = options[0]
    item, quote = best.machine.item, best.machine.quote
    rest = tuple(_summary(option, serving) for option in options[1 : 1 + MAX_OTHERS])
    return InferencePlan(
        request=request,
        model=spec,
        placement=Placement(instance=item, gpu=None, instances=1, gpus=0, quote=quote, efa=False),
        weights=serving.weights,
        kv_format=serving.kv_format,
        tensor_parallel=0,
        max_model_len=serving.context,
        gpu_memory_utilization=0.0,
        memory=best.memory,
        kv_bytes_per_token=kv_bytes_per_token(spec, serving.kv_format),
        run=rounded_serving(best.run),
        choices=(
            chose(
                f"重みは {serving.weights}",
                f"weights in {serving.weights}",
                "CPU の生成速度はメモリ帯域で決まり、重みが小さいほど速くなります",
                "decoding on a CPU is bound by memory bandwidth: smaller weights are faster",
            ),
        ),
        rejected=(),
        alternatives=rest,
        sources=(catalogue.source(item.source),),
        charts=(memory_chart(best.memory), *placement_chart([_summary(best, serving), *rest])),
    )


def _summary(option: _Option, serving: Serving) -> InferenceSummary:
    usd = option.run.usd_per_million_tokens
    return InferenceSummary(
        instance=option.machine.item.name,
        gpu=None,
        gpus=0,
        weights=serving.weights,
        tensor_parallel=0,
        max_concurrency=option.run.max_concurrency,
        tokens_per_second_total=significant(option.run.tokens_per_second_total.expected),
        usd_per_hour=option.machine.quote.usd_per_hour,
        usd_per_million_tokens=dollars(usd.expected) if usd else None,
    )
