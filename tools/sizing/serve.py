"""Plan serving a model: the machine, weights, tensor parallel degree and why, or a refusal.

GPUs are planned for vLLM 0.33, C instances for a llama.cpp-like CPU server. One replica is planned;
GPUs that it leaves over can run more of the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Term
from tools.charts import Text
from tools.errors import NoGpuError
from tools.sizing.architectures import resolve_model
from tools.sizing.cpu_serve import cpu_machines, plan_cpu
from tools.sizing.limits import not_offered, serving_limit
from tools.sizing.models import (
    InferencePlan,
    InferenceRefusal,
    InferenceRequest,
    ModelSpec,
)
from tools.sizing.placements import (
    Machine,
    groups,
    machines,
    named_machines,
    offered_machines,
)
from tools.sizing.serve_build import (
    build_inference_plan,
    build_inference_refusal,
    does_not_serve,
)
from tools.sizing.serve_options import DEFAULT_CONTEXT, Option, every_option, fits, options


def plan_inference(
    catalogue: Catalogue, request: InferenceRequest
) -> InferencePlan | InferenceRefusal:
    """Return a way to serve that fits, or why there is none. Raises ToolInputError."""
    spec = resolve_model(request.model)
    term: Term = "spot" if request.spot else "on-demand"
    offered = machines(catalogue, request.region, term)
    if request.instance is None:
        return _chosen(catalogue, spec, request, offered, offered)
    if cpus := cpu_machines(catalogue, request.instance, request.region, term):
        return plan_cpu(catalogue, spec, _settled(spec, request), cpus)
    try:
        named = named_machines(catalogue, request.instance, request.region, term)
    except NoGpuError as error:
        return _refused(
            catalogue, spec, request, offered, reason=Text(ja=error.message_ja, en=error.message_en)
        )
    here = offered_machines(named)
    if not here:
        reason = not_offered(catalogue, request.instance, named, request.region)
        return _refused(catalogue, spec, request, offered, reason=reason)
    limits = [serving_limit(request, machine) for machine in here]
    if all(limits) and limits[0]:
        reason, change = limits[0]
        return _refused(catalogue, spec, request, offered, reason=reason, change=change)
    return _chosen(catalogue, spec, request, here, offered)


def _chosen(
    catalogue: Catalogue,
    spec: ModelSpec,
    request: InferenceRequest,
    among: Sequence[Machine],
    offered: Sequence[Machine],
) -> InferencePlan | InferenceRefusal:
    found = every_option(spec, request, among)
    if not found:
        closest = min(
            (option for m in groups(tuple(among)) for option in options(spec, request, m[0])),
            key=lambda option: option.memory.peak_gib / option.machine.usable_gib,
            default=None,
        )
        return _refused(catalogue, spec, request, offered, closest=closest)
    best, rest = found[0], found[1:]
    if request.instance is not None:
        free = request.model_copy(update={"instance": None, "gpus": None, "tensor_parallel": None})
        rest = [o for o in every_option(spec, free, offered) if o.machine.name != best.machine.name]
    return build_inference_plan(catalogue, request, best, rest)


def _settled(spec: ModelSpec, request: InferenceRequest) -> InferenceRequest:
    """Return the request with its context filled in."""
    context = request.context or min(DEFAULT_CONTEXT, spec.max_positions or DEFAULT_CONTEXT)
    return request.model_copy(update={"context": context})


def _refused(
    catalogue: Catalogue,
    spec: ModelSpec,
    request: InferenceRequest,
    offered: Sequence[Machine],
    *,
    reason: Text | None = None,
    change: Text | None = None,
    closest: Option | None = None,
) -> InferenceRefusal:
    free = request.model_copy(update={"instance": None, "gpus": None, "tensor_parallel": None})
    others = every_option(spec, free, offered)
    if change is None and closest is not None:
        change = _smallest_change(spec, request, closest, offered)
    return build_inference_refusal(
        catalogue,
        spec,
        request,
        reason=reason or does_not_serve(closest),
        change=change,
        closest=closest,
        others=others,
    )


def _smallest_change(
    spec: ModelSpec, request: InferenceRequest, closest: Option, offered: Sequence[Machine]
) -> Text | None:
    """Return the smallest change that makes the model fit, computed anew."""
    for what, changes in _candidates(request, closest):
        changed = request.model_copy(update=changes)
        if any(fits(option) for option in options(spec, changed, closest.machine)):
            return what
    family = [m for m in offered if m.item.family == closest.machine.item.family]
    larger = every_option(spec, request.model_copy(update={"gpus": None}), family)
    if not larger:
        return None
    name = larger[0].machine.name
    return Text(ja=f"{name} にする", en=f"use {name}")


def _candidates(
    request: InferenceRequest, closest: Option
) -> Iterator[tuple[Text, dict[str, object]]]:
    gpu, context = closest.machine.gpu, closest.serving.context
    if gpu.fp8 and closest.serving.kv_format in ("bf16", "fp16"):
        yield (
            Text(ja="KV キャッシュを fp8 にする", en="keep the KV cache in fp8"),
            {"kv_format": "fp8"},
        )
    if request.concurrency and request.concurrency > 1 and closest.most >= 1:
        most = closest.most
        yield (
            Text(ja=f"同時リクエスト数を {most} にする", en=f"allow {most} requests at once"),
            {"concurrency": most},
        )
    while context > 1024:
        context //= 2
        yield (
            Text(ja=f"文脈長を {context:,} にする", en=f"use a context of {context:,}"),
            {"context": context},
        )
    heavy = closest.serving.weights in ("fp32", "bf16", "fp16")
    if heavy and gpu.fp8:
        yield Text(ja="重みを fp8 にする", en="use fp8 weights"), {"weights": "fp8"}
    if heavy:
        yield Text(ja="重みを int8 にする", en="use int8 weights"), {"weights": "int8"}
    if closest.serving.weights not in ("int4", "awq", "gptq", "nf4"):
        yield (
            Text(ja="重みを int4(AWQ など)にする", en="use int4 weights (AWQ, …)"),
            {"weights": "int4"},
        )
