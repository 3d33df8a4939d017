"""Compose training plans and refusals: verdict first, then memory, time, money and reasons."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import number
from assistant.planner.compose.sizing_words import MAX_REASONS, SizeWords, dollars, gib
from assistant.planner.request import Request
from tools.sizing.models import ModelSpec, PlanSummary, TrainingPlan, TrainingRefusal


def training_plan(draft: Draft, request: Request, plan: TrainingPlan) -> None:
    """Write a plan that fits."""
    words = SizeWords(draft)
    draft.add(_lead(words, request, plan))
    model_notes(words, plan.model, named=bool(request.workload.model) or not request.text)
    draft.add(_money(words, request, plan))
    words.memory_table(plan.memory)
    draft.add(_setup(words, plan))
    if plan.host_ram_gib > 1 and plan.offload != "none":
        has = number(plan.placement.instance.memory_gib)
        name = plan.placement.instance.name
        draft.add(words("host", host=gib(plan.host_ram_gib), name=name, has=has))
    words.bullets("reasons", plan.choices[:MAX_REASONS])
    words.bullets("rejected", plan.rejected[:MAX_REASONS])
    _others(words, "others", plan.alternatives, plan.placement.quote.region)
    for warning in plan.warnings:
        draft.phrase_text(words.plain(warning))
    draft.cite(plan.sources)
    _next(words, request, plan)


def training_refusal(draft: Draft, request: Request, result: TrainingRefusal) -> None:
    """Write that the run does not fit, and what would."""
    words = SizeWords(draft)
    short = result.memory is not None and not result.memory.fits
    key = "no_fit" if short else "no_way"
    lead = words(key, reason=words.plain(result.reason))
    draft.phrase_text(lead)
    model_notes(words, result.model, named=bool(request.workload.model) or not request.text)
    if result.memory and short:
        words.memory_table(result.memory)
    if result.smallest_change:
        draft.phrase_text(words("change", text=words.plain(result.smallest_change)))
    region = result.request.region
    if result.alternatives:
        _others(words, "instead", result.alternatives, region)
    else:
        draft.add(words("no_other", region=words.say.region(region)))
    draft.cite(result.sources)
    further = {"full": ("next_lora", "next_qlora"), "lora": ("next_qlora",), "qlora": ()}
    draft.suggestions += [words(key) for key in further[result.request.method]]


def model_notes(words: SizeWords, model: ModelSpec, *, named: bool) -> None:
    """Say which model was assumed, or that its shape was."""
    draft = words.draft
    if not named:
        note = words("assumed_model", model=model.name)
    elif model.estimated:
        note = words("estimated_model", model=model.name, hidden=model.hidden, layers=model.layers)
    else:
        return
    draft.phrase_text(note)


def _lead(words: SizeWords, request: Request, plan: TrainingPlan) -> str:
    place = plan.placement
    values = {
        "model": plan.model.name,
        "method": words(f"method_{plan.method}"),
        "thing": words.thing(place),
        "name": place.instance.name,
        "count": place.instances,
        "gpus": words.gpus(place),
        "peak": gib(plan.memory.peak_gib),
        "usable": gib(plan.memory.usable_gib),
        "region": words.say.region(place.quote.region),
    }
    if "count" in request.workload.asks and plan.request.instances is None:
        return words("fits_count", **values)
    run = plan.run
    if _leads_with_run(request, plan) and run.hours and run.usd and run.tokens:
        spent = {
            "tokens": words.tokens(run.tokens),
            "time": words.hours(run.hours),
            "usd": words.usd(run.usd),
            "term": words.term(place),
        }
        return words("fits_run", **values, **spent)
    if plan.offload != "none" and plan.request.offload is None and plan.request.instance:
        return words("fits_offload", offload=words(f"offload_{plan.offload}"), **values)
    if plan.liger and not plan.request.liger and plan.request.instance and place.instances == 1:
        return words("fits_liger", **values)
    if place.instances > 1 and plan.request.instances is None and plan.request.instance:
        return words("fits_several", **values)
    if plan.request.instance:
        return words("fits_yes", **values)
    why = "why_cheapest" if place.instances == 1 and not plan.request.tokens else "why_per_token"
    return words("fits_best", why=words(why), **values)


def _leads_with_run(request: Request, plan: TrainingPlan) -> bool:
    """Whether time and cost of a number of tokens are what was asked for."""
    asked = request.workload.asks & {"cost", "time"}
    return bool(asked and plan.run.tokens and plan.run.usd)


def _money(words: SizeWords, request: Request, plan: TrainingPlan) -> str:
    run, place = plan.run, plan.placement
    asked = "cost" in request.workload.asks
    parts = [words.price(place, monthly=asked and not run.tokens)]
    timed = [(run.tokens, run.hours, run.usd)]
    if run.tokens is None and plan.per_billion:
        timed = [(10**9, plan.per_billion.hours, plan.per_billion.usd)]
    for tokens, hours, usd in timed:
        if tokens is None or hours is None or _leads_with_run(request, plan):
            continue
        values = {"tokens": words.tokens(tokens), "time": words.hours(hours)}
        if usd is None:
            parts.append(words("run_unpriced", **values))
        else:
            region = words.say.region(place.quote.region)
            term = words.term(place)
            parts.append(words("run", usd=words.usd(usd), region=region, term=term, **values))
    speed = run.tokens_per_second
    mfu = number(run.mfu.expected * 100)
    parts.append(words("speed", low=number(speed.low), high=number(speed.high), mfu=mfu))
    return words.gap.join(parts)


def _setup(words: SizeWords, plan: TrainingPlan) -> str:
    gpus = plan.placement.gpus
    if plan.engine == "deepspeed":
        engine = words("engine_deepspeed", stage=plan.zero_stage)
    elif plan.engine == "trainer" and gpus > 1:
        engine = words("engine_ddp")
    else:
        engine = words(f"engine_{plan.engine}")
    attention = {"flash_attention_2": "FlashAttention-2", "sdpa": "SDPA", "eager": "eager"}
    parts = [engine, plan.precision, attention[plan.attention]]
    if plan.offload != "none":
        parts.append(words(f"offload_{plan.offload}"))
    if plan.optimizer != "adamw":
        parts.append(words(f"optimizer_{plan.optimizer}"))
    parts.append(words("checkpointing_on" if plan.checkpointing else "checkpointing_off"))
    if plan.liger:
        parts.append(words("liger"))
    if plan.lora_rank:
        trainable = number(plan.trainable_parameters / 1e6)
        parts.append(words("lora_rank", rank=plan.lora_rank, trainable=trainable))
    key = "setup_batch" if gpus > 1 else "setup_batch_one"
    parts.append(
        words(
            key,
            micro=plan.micro_batch,
            steps=plan.accumulation,
            gpus=gpus,
            total=f"{plan.global_batch:,}",
        )
    )
    parts.append(words("setup_length", length=f"{plan.sequence_length:,}"))
    return words("setup", parts=words("sep").join(parts))


def _others(words: SizeWords, title: str, items: Sequence[PlanSummary], region: str) -> None:
    if not items:
        return
    say = words.say
    header = [
        words("col_name"),
        words("col_count"),
        words("col_gpus"),
        words("col_peak"),
        words("col_speed"),
        words("col_rate", region=say.region(region)),
    ]
    costed = any(item.usd is not None for item in items)
    by_token = costed or any(item.instances > 1 for item in items)
    rows = [_other(words, item, costed=costed) for item in items]
    words.draft.add(words(title, order=words("order_token" if by_token else "order_hour")))
    cost = words("col_cost") if costed else words("col_billion")
    words.draft.table([*header, cost], rows)


def _other(words: SizeWords, item: PlanSummary, *, costed: bool) -> list[str]:
    rate = item.usd_per_hour
    row = [
        item.instance,
        str(item.instances),
        words("gpus", gpu=item.gpu, count=item.gpus) if item.gpu else "CPU",
        f"{gib(item.peak_gib)} GiB / {gib(item.usable_gib)} GiB",
        words("cell_speed", n=number(item.tokens_per_second)),
        words("cell_unpriced") if rate is None else words("per_hour", usd=number(rate, money=True)),
    ]
    cost = item.usd if costed else item.usd_per_billion
    row.append(words("cell_unpriced") if cost is None else f"{dollars(cost)} USD")
    return row


def _next(words: SizeWords, request: Request, plan: TrainingPlan) -> None:
    suggestions = words.draft.suggestions
    if plan.run.tokens is None:
        suggestions.append(words("next_cost"))
    if plan.method == "full":
        suggestions.append(words("next_lora"))
    if not request.workload.length:
        suggestions.append(words("next_length"))
    if not plan.request.spot:
        suggestions.append(words("next_spot"))
