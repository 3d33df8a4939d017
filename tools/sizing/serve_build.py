"""Build serving plans and refusals from options: summaries, reasons, limits, charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from knowledge.ec2.catalogue import Catalogue
from tools.charts import Text
from tools.sizing.limits import gpu_note
from tools.sizing.models import (
    Choice,
    InferencePlan,
    InferenceRefusal,
    InferenceRequest,
    InferenceRun,
    InferenceSummary,
    ModelSpec,
    Range,
    Rejection,
)
from tools.sizing.plan_build import MAX_OTHERS, dollars, rounded, significant, sources_of
from tools.sizing.plan_charts import memory_chart, placement_chart
from tools.sizing.plan_words import chose, gib, largest, rejected, text
from tools.sizing.serve_options import Option
from tools.sizing.weights import kv_bytes_per_token


def build_inference_plan(
    catalogue: Catalogue, request: InferenceRequest, best: Option, others: Sequence[Option]
) -> InferencePlan:
    """Return the plan of an option that fits; `others` are further machines, cheapest first."""
    serving, memory = best.serving, best.memory
    summaries = tuple(summary(item, request) for item in _priced(others)[:MAX_OTHERS])
    own = summary(best, request)
    return InferencePlan(
        request=request,
        model=best.spec,
        placement=best.machine.placement(request.instances or 1),
        weights=serving.weights,
        kv_format=serving.kv_format,
        tensor_parallel=serving.tensor_parallel,
        max_model_len=serving.context,
        gpu_memory_utilization=serving.utilization,
        memory=memory,
        kv_bytes_per_token=kv_bytes_per_token(best.spec, serving.kv_format),
        run=rounded_serving(best.run(request.prompt_tokens, asked=request.concurrency)),
        choices=tuple(_choices(best, request)),
        rejected=tuple(_rejections(best)),
        warnings=tuple(_warnings(best)),
        alternatives=summaries,
        sources=sources_of(catalogue, best.machine),
        charts=(memory_chart(memory), *placement_chart([own, *summaries])),
    )


def build_inference_refusal(
    catalogue: Catalogue,
    spec: ModelSpec,
    request: InferenceRequest,
    *,
    reason: Text,
    change: Text | None,
    closest: Option | None,
    others: Sequence[Option],
) -> InferenceRefusal:
    """Return a refusal with what would fit instead."""
    memory = closest.memory if closest else None
    return InferenceRefusal(
        request=request,
        model=spec,
        reason=reason,
        memory=memory,
        smallest_change=change,
        alternatives=tuple(summary(item, request) for item in _priced(others)[:MAX_OTHERS]),
        sources=sources_of(catalogue, closest.machine) if closest else (),
        charts=(memory_chart(memory),) if memory else (),
    )


def does_not_serve(closest: Option | None) -> Text:
    """Return why the closest option does not fit."""
    if closest is None:
        return text(
            "この並列数で動かせる GPU インスタンスがありません",
            "no GPU instance runs it with this degree of parallelism",
        )
    memory, name, serving = closest.memory, closest.machine.name, closest.serving
    part, limit = largest(memory.dominating), gib(memory.budget_gib)
    needs_ja = f"GPU 1 枚あたり {gib(memory.peak_gib)} GiB が必要で"
    needs_en = f"each GPU needs {gib(memory.peak_gib)} GiB"
    return text(
        f"{name} では、{serving.weights} の重みと {serving.context:,} トークン × "
        f"{serving.concurrency} 件の KV キャッシュに{needs_ja}、使える {limit} GiB を超えます。"
        f"{part.ja}",
        f"on {name}, with {serving.weights} weights and the KV cache of {serving.concurrency} × "
        f"{serving.context:,} tokens, {needs_en}, more than the {limit} GiB that vLLM may use; "
        f"{part.en}",
    )


def summary(option: Option, request: InferenceRequest) -> InferenceSummary:
    """Return an option in short: of the whole instance, whose price stands beside it."""
    run = option.run(request.prompt_tokens, asked=request.concurrency)
    usd = run.usd_per_million_tokens
    replicas = option.machine.devices // option.serving.tensor_parallel
    filled = 1 if request.concurrency else replicas
    return InferenceSummary(
        instance=option.machine.name,
        gpu=option.machine.gpu.key,
        gpus=option.machine.devices,
        weights=option.serving.weights,
        tensor_parallel=option.serving.tensor_parallel,
        max_concurrency=option.most * replicas,
        tokens_per_second_total=significant(filled * run.tokens_per_second_total.expected),
        usd_per_hour=option.machine.usd_per_hour,
        usd_per_million_tokens=dollars(usd.expected) if usd else None,
    )


def rounded_serving(run: InferenceRun) -> InferenceRun:
    """Return a run whose estimates have three significant digits."""
    names = (
        "tokens_per_second_user",
        "tokens_per_second_total",
        "time_to_first_token_ms",
        "usd_per_million_tokens",
    )
    values: dict[str, Range | None] = {name: getattr(run, name) for name in names}
    return run.model_copy(update={k: rounded(v) for k, v in values.items() if v is not None})


def _priced(options: Sequence[Option]) -> list[Option]:
    return sorted(options, key=lambda option: option.machine.usd_per_hour is None)


def _choices(best: Option, request: InferenceRequest) -> Iterator[Choice]:
    gpu, serving, machine = best.machine.gpu, best.serving, best.machine
    if request.weights is None:
        why = ("品質を落とさず収まります", "it fits without loss of quality")
        if serving.weights not in ("bf16", "fp16"):
            why = ("公開されている形式です", "as published")
        elif not gpu.bf16:
            why = (f"{gpu.key} は bf16 に対応していません", f"the {gpu.key} has no bf16")
        name = serving.weights
        yield chose(f"重みは {name}", f"weights in {name}", *why)
    if serving.tensor_parallel > 1:
        degree = serving.tensor_parallel
        yield chose(
            f"テンソル並列 {degree}",
            f"tensor parallel {degree}",
            "重みと KV キャッシュが収まる最小の並列数です",
            "the smallest degree at which weights and KV cache fit",
        )
    left = machine.devices // serving.tensor_parallel
    if left > 1:
        yield chose(
            f"1 台で {left} 組",
            f"{left} replicas in an instance",
            "残りの GPU でも同じものを動かせます(速度と同時数は 1 組の値、費用は組の数で按分)",
            "the other GPUs can run the same (figures are of one replica, at its share of cost)",
        )
    if request.context is None:
        yield chose(
            f"文脈長 {serving.context:,}",
            f"a context of {serving.context:,}",
            "指定がないための仮定です",
            "assumed, as none was given",
        )


def _rejections(best: Option) -> Iterator[Rejection]:
    from tools.sizing.inference import inference_memory, tensor_parallel_degrees

    degrees = tensor_parallel_degrees(best.spec, best.serving.tensor_parallel)
    if len(degrees) > 1:
        lower = best.serving._replace(tensor_parallel=degrees[-2])
        memory = inference_memory(best.spec, lower, best.machine.usable_gib)
        if not memory.fits:
            yield rejected(
                f"テンソル並列 {degrees[-2]}",
                f"tensor parallel {degrees[-2]}",
                f"1 枚あたり {gib(memory.peak_gib)} GiB 必要です",
                f"each GPU would need {gib(memory.peak_gib)} GiB",
            )


def _warnings(best: Option) -> Iterator[Text]:
    note = gpu_note(best.machine.gpu)
    if note and not best.machine.gpu.bf16:
        yield note
    if best.serving.tensor_parallel > 1 and best.machine.gpu.nvlink_gb_s is None:
        yield text(
            f"{best.machine.gpu.key} には NVLink がなく、テンソル並列の通信は PCIe 経由です。",
            f"The {best.machine.gpu.key} has no NVLink: tensor parallel traffic goes over PCIe.",
        )
