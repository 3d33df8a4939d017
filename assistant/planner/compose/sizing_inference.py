"""Compose serving plans and refusals, and the memory of a model by itself."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import number
from assistant.planner.compose.sizing_training import model_notes
from assistant.planner.compose.sizing_words import MAX_REASONS, SizeWords, dollars, gib, size
from assistant.planner.request import Request
from tools.sizing.model_memory import KV_BYTES, ModelMemory
from tools.sizing.models import InferencePlan, InferenceRefusal, InferenceSummary, Range

_LONG_MS = 1000
_SHOWN_FORMATS = ("fp32", "bf16", "int8", "int4")


def inference_plan(draft: Draft, request: Request, plan: InferencePlan) -> None:
    """Write a way to serve a model."""
    words = SizeWords(draft)
    draft.add(_lead(words, request, plan))
    model_notes(words, plan.model, named=bool(request.workload.model) or not request.text)
    draft.add(_money(words, plan))
    words.memory_table(plan.memory, cpu=plan.placement.gpu is None)
    draft.add(_setup(words, plan))
    words.bullets("reasons", plan.choices[:MAX_REASONS])
    words.bullets("rejected", plan.rejected[:MAX_REASONS])
    _others(words, "others", plan.alternatives, plan.placement.quote.region)
    for warning in plan.warnings:
        draft.phrase_text(words.plain(warning))
    draft.cite(plan.sources)
    if plan.weights in ("bf16", "fp16"):
        draft.suggestions.append(words("next_int4"))
    draft.suggestions.append(words("next_context"))
    draft.suggestions.append(words("next_spot"))


def inference_refusal(draft: Draft, request: Request, result: InferenceRefusal) -> None:
    """Write that the model cannot be served so, and what would do."""
    words = SizeWords(draft)
    key = "no_fit" if result.memory else "no_way"
    lead = words(key, reason=words.plain(result.reason))
    draft.phrase_text(lead)
    model_notes(words, result.model, named=bool(request.workload.model) or not request.text)
    if result.memory:
        words.memory_table(result.memory)
    if result.smallest_change:
        draft.phrase_text(words("change", text=words.plain(result.smallest_change)))
    region = result.request.region
    if result.alternatives:
        _others(words, "instead", result.alternatives, region)
    else:
        draft.add(words("no_other", region=words.say.region(region)))
    draft.cite(result.sources)
    draft.suggestions.append(words("next_int4"))


def _lead(words: SizeWords, request: Request, plan: InferencePlan) -> str:
    place = plan.placement
    values = {
        "model": plan.model.name,
        "weights": plan.weights,
        "thing": words.thing(place),
        "gpus": words.gpus(place),
        "region": words.say.region(place.quote.region),
        "context": f"{plan.max_model_len:,}",
        "users": f"{plan.run.max_concurrency:,}",
    }
    if not plan.request.instance:
        return words("serve_best", **values)
    if plan.placement.gpu is None:
        return words("serve_cpu", **values)
    if "users" in request.workload.asks:
        return words("serve_users", **values)
    return words("serve_yes", **values)


def _money(words: SizeWords, plan: InferencePlan) -> str:
    run = plan.run
    one, total, first = (
        run.tokens_per_second_user,
        run.tokens_per_second_total,
        run.time_to_first_token_ms,
    )
    parts = [
        words(
            "serve_speed_one" if one == total else "serve_speed",
            low=number(one.low),
            high=number(one.high),
            total_low=number(total.low),
            total_high=number(total.high),
        ),
        _first_token(words, first),
        words.price(plan.placement),
    ]
    if run.usd_per_million_tokens:
        usd = run.usd_per_million_tokens
        parts.append(words("serve_million", low=dollars(usd.low), high=dollars(usd.high)))
    return words.gap.join(parts)


def _first_token(words: SizeWords, first: Range) -> str:
    """Return the time to the first token, in seconds where it is long."""
    if first.expected < _LONG_MS:
        return words("serve_ttft_ms", low=number(first.low), high=number(first.high))
    return words("serve_ttft", low=number(first.low / 1000), high=number(first.high / 1000))


def _setup(words: SizeWords, plan: InferencePlan) -> str:
    cache = words("serve_kv", format=plan.kv_format, size=size(plan.kv_request_gib))
    parts = ["vLLM" if plan.placement.gpu else "llama.cpp", plan.weights]
    if plan.tensor_parallel > 1:
        parts.append(words("serve_tp", n=plan.tensor_parallel))
    parts += [words("serve_len", length=f"{plan.max_model_len:,}"), cache]
    if plan.placement.gpu:
        parts.append(words("serve_util", value=number(plan.gpu_memory_utilization)))
    return words("serve_setup", parts=words("sep").join(parts))


def _others(words: SizeWords, title: str, items: Sequence[InferenceSummary], region: str) -> None:
    if not items:
        return
    header = (
        words("col_name"),
        words("col_gpus"),
        words("col_users"),
        words("col_speed"),
        words("col_rate", region=words.say.region(region)),
        words("col_million"),
    )
    words.draft.add(words(title, order=words("order_hour")))
    words.draft.table(header, [_other(words, item) for item in items])


def _other(words: SizeWords, item: InferenceSummary) -> tuple[str, ...]:
    unpriced, rate, million = words("cell_unpriced"), item.usd_per_hour, item.usd_per_million_tokens
    unit = "件" if words.say.language == "ja" else "requests"
    return (
        item.instance,
        words("gpus", gpu=item.gpu, count=item.gpus) if item.gpu else "CPU",
        f"{item.max_concurrency:,} {unit}",
        words("cell_speed", n=number(item.tokens_per_second_total)),
        unpriced if rate is None else words("per_hour", usd=number(rate, money=True)),
        unpriced if million is None else f"{dollars(million)} USD",
    )


# -- a model by itself -------------------------------------------------------------------------


def model_memory(draft: Draft, request: Request, result: ModelMemory) -> None:
    """Write what a model takes by itself: states, KV cache or weights, as asked."""
    words = SizeWords(draft)
    asks = request.workload.asks
    if "adam" in asks:
        gb, size = number(result.adam_gb), gib(result.adam_gib)
        draft.add(words("adam_lead", model=result.model.name, gb=gb, gib=size))
    elif request.intent == "size_train":
        _states(words, request, result)
    elif "kv" in asks:
        _cache(words, result)
    else:
        _weights(words, result)
    model_notes(words, result.model, named=True)
    draft.suggestions.append(words("next_infer" if request.intent == "size_train" else "next_lora"))


def _states(words: SizeWords, request: Request, result: ModelMemory) -> None:
    stages = {state.stage: state for state in result.states}
    stage = request.workload.zero_stage
    chosen = stages[stage if stage in stages else 3 if result.request.gpus > 1 else 0]
    gpus = result.request.gpus
    name = words("stage_n", stage=chosen.stage) if chosen.stage else words("stage_0")
    key = "states_lead" if gpus > 1 else "states_lead_one"
    gb, size = number(chosen.gb), gib(chosen.gib)
    words.draft.add(words(key, zero=name, model=result.model.name, gpus=gpus, gb=gb, gib=size))
    rows: list[tuple[str, ...]] = []
    for state in result.states:
        label = words("stage_n", stage=state.stage) if state.stage else words("stage_0")
        formula = f"`{words.plain(state.formula)}`"
        words.draft.quoted.append(formula)
        rows.append((label, f"{number(state.gb)} GB", formula))
    words.draft.table((words("col_stage"), words("col_states"), words("col_formula")), rows)
    words.draft.phrase_text(words("states_note"))


def _cache(words: SizeWords, result: ModelMemory) -> None:
    asked, spec = result.request, result.model
    many = asked.concurrency > 1
    words.draft.add(
        words(
            "kv_lead_many" if many else "kv_lead",
            model=spec.name,
            length=f"{result.context:,}",
            count=asked.concurrency,
            gib=gib(result.kv_gib),
            gb=number(result.kv_gb),
        )
    )
    note = words(
        "kv_note",
        kib=number(result.kv_bytes_per_token / 1024),
        format=asked.kv_format,
        layers=spec.layers,
        heads=spec.kv_heads,
        dim=spec.head_dim,
        width=KV_BYTES[asked.kv_format],
    )
    if not spec.kv_lora_rank:
        words.draft.phrase_text(note)


def _weights(words: SizeWords, result: ModelMemory) -> None:
    sizes = {size.format: size for size in result.weights}
    chosen = sizes[result.request.weights or result.model.checkpoint_dtype]
    if result.gpus_needed:
        words.draft.add(
            words(
                "weights_gpus",
                model=result.model.name,
                format=chosen.format,
                gb=number(chosen.gb),
                gpu=result.gpu,
                count=result.gpus_needed,
            )
        )
    words.draft.add(
        words(
            "weights_lead",
            model=result.model.name,
            format=chosen.format,
            gb=number(chosen.gb),
            gib=gib(chosen.gib),
        )
    )
    shown = dict.fromkeys((chosen.format, *_SHOWN_FORMATS))
    rows = [(name, f"{number(sizes[name].gb)} GB", f"{gib(sizes[name].gib)} GiB") for name in shown]
    words.draft.table((words("col_format"), words("col_weights"), "GiB"), rows)
    words.draft.phrase_text(words("quantized_note"))
