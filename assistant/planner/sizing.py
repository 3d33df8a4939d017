"""Sizing questions: when a clause is one, and what a follow-up keeps of the question before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.planner.mentions import Entities
from assistant.planner.request import SIZING, Intent, Request
from assistant.planner.usage import Usage
from assistant.planner.usage import continued as continued_usage
from assistant.planner.workload import Workload, continued
from tools.names import Subject

_EXPLAINS = re.compile(
    r"とは|って何(?!が|の|枚|基|g|台|人|ドル|円|日|時間|秒|トークン|b)|意味|仕組み|コツ|手順|やり方|方法|ベストプラクティス|注意点|違い|"
    r"what is (?:a |an |the )?(?:lora|qlora|zero|fsdp|kv)|how do(?:es)? \w+ work|best practice|"
    r"difference"
)
_MACHINE = re.compile(r"インスタンス|マシン|構成|機種|instance|machine")
_FOLLOW_UP_LENGTH = 40
_SERVING = frozenset(
    {"fit", "count", "memory", "cost", "users", "which", "speed", "kv", "weights", "adam"}
)
"""Questions that a model's name makes a question about serving it, or about the model itself."""
_MORE = frozenset({"cost", "time", "speed", "memory", "users", "count", "states", "kv", "weights"})
"""What a follow-up may ask about the workload before it."""
_CORPUS = 10**7
"""From this many tokens on, a question about training without a model is about a whole run."""


def sizing_intent(
    found: Entities, cues: frozenset[str], text: str, context: Request | None
) -> Intent | None:
    """Return the sizing intent of a clause, or None if it is about something else."""
    workload = found.workload
    if context is not None and context.intent in SIZING and _follows(found, cues, text):
        return _continued_intent(workload, context)
    if _EXPLAINS.search(text):
        return None
    if workload.model is None:
        return _without_model(workload, found)
    if workload.task:
        return "size_train" if workload.task == "train" else "size_infer"
    if (workload.tokens or 0) >= _CORPUS and workload.asks & {"time", "cost"}:
        return "size_train"
    asked = workload.asks & _SERVING
    named = any(s.kind in ("instance", "family", "gpu") for s in found.subjects)
    return "size_infer" if asked or named else None


def _continued_intent(workload: Workload, context: Request) -> Intent:
    """Return the intent of a clause that goes on with a workload."""
    before = context.workload
    tokens = workload.tokens or before.tokens or 0
    if not (workload.model or before.model) and tokens < _CORPUS:
        return "decline_sizing"
    tasks: dict[str | None, Intent] = {"train": "size_train", "infer": "size_infer"}
    return tasks.get(workload.task or before.task, context.intent)


def _without_model(workload: Workload, found: Entities) -> Intent | None:
    """Return the intent of a clause that names no model: a whole run, or a question for it."""
    if workload.task == "train" and (workload.tokens or 0) >= _CORPUS:
        return "size_train"
    machine = any(s.kind in ("instance", "gpu") for s in found.subjects)
    tuned = workload.method is not None and (machine or "count" in workload.asks)
    return "decline_sizing" if tuned and workload.asks & {"fit", "count"} else None


def _follows(found: Entities, cues: frozenset[str], text: str) -> bool:
    """Whether a clause changes or asks more about the workload before it (`LoRAなら?`)."""
    specific = [key for key in found.attributes if key != "usd_per_hour"]
    if len(text) > _FOLLOW_UP_LENGTH or "compare" in cues or _EXPLAINS.search(text):
        return False
    if found.workload.task or found.workload.said.keys() - {"precision", "weights"}:
        return True
    machines = any(s.kind in ("instance", "family", "gpu") for s in found.subjects)
    if found.unknown or (machines and specific):
        return False
    if machines:
        return "more" in cues or bool(found.workload.asks) or len(text) <= _FOLLOW_UP_LENGTH // 2
    if found.workload.asks & {"which"} and _MACHINE.search(text) and not specific:
        return not (found.quantities or found.filters)
    asked = found.workload.asks & _MORE
    usage = found.usage
    said = usage.count or usage.gpus or usage.terms or usage.has_budget or usage.lasts
    return bool(found.workload.said or asked or said or found.regions)


def complete_sizing(request: Request, found: Entities, context: Request | None) -> Request:
    """Return a sizing request, with what it leaves unsaid taken from a sizing request before."""
    workload, usage = found.workload, _cards(found.usage, request)
    if context is None or context.intent not in SIZING:
        machines = _meant(request, context)
        return replace(request, workload=workload, usage=usage, subjects=machines)
    subjects = request.subjects
    machines = tuple(s for s in subjects if s.kind in ("instance", "family", "gpu"))
    merged = continued(workload, context.workload)
    if machines and usage.gpus is None and workload.gpus is None:
        merged = replace(merged, gpus=None)  # another machine has its own number of GPUs
    before = context.usage or Usage()
    if machines:
        before = replace(before, count=None, gpus=None)
    return replace(
        request,
        subjects=machines or context.subjects,
        regions=request.regions or context.regions,
        workload=merged,
        usage=continued_usage(None if usage.empty else usage, before),
    )


_THAT = re.compile(
    r"(?:それ|そこ|そいつ|これ|この|その|that|it)(?:で|に|だと|なら|1台|インスタンス|マシン|機種|\b)"
)


def _meant(request: Request, context: Request | None) -> tuple[Subject, ...]:
    """Return the machines of a clause; `それで動かせる?` means those of the clause before."""
    if context is None or request.subjects or not _THAT.search(request.text):
        return request.subjects
    return tuple(s for s in context.subjects if s.kind in ("instance", "family", "gpu"))


def _cards(usage: Usage, request: Request) -> Usage:
    """Return what was said about machines, `A100×8` read as eight GPUs."""
    only_gpus = bool(request.subjects) and all(s.kind == "gpu" for s in request.subjects)
    if not usage.count or not only_gpus or re.search(r"台|ノード|node|instance", request.text):
        return usage
    return replace(usage, count=None, gpus=usage.count)


def _refines(last: Request, request: Request) -> bool:
    """Whether a clause only adds a condition to the one before (`7Bは載る?fp16で推論`)."""
    before, said = last.workload.said, request.workload.said
    return (
        request.intent in SIZING
        and last.intent in SIZING
        and said.items() >= before.items()
        and (_silent(last) or (said != before and request.workload.asks == last.workload.asks))
        and (request.subjects == last.subjects or not last.subjects)
        and (_silent(last) or not _ALTERNATIVE.search(request.text))
    )


def _silent(request: Request) -> bool:
    """Whether a clause only says what is planned (`20BをZeRO-3、16枚のGPUで`)."""
    return not request.workload.asks - {"which"}


_ALTERNATIVE = re.compile(
    r"なら|だと|場合|したら|すると|ては$|では$|は$|what about|how about|\bif\b"
)


def join_sizing(requests: Sequence[Request]) -> list[Request]:
    """Join sizing requests that only ask more about the same workload (`何台? いくら?`)."""
    kept: list[Request] = []
    for request in requests:
        last = kept[-1] if kept else None
        if last is not None and request.intent in SIZING and _same(last, request):
            asks = last.workload.asks | request.workload.asks
            kept[-1] = replace(last, workload=replace(last.workload, asks=asks))
        elif last is not None and _refines(last, request):
            kept[-1] = request
        else:
            kept.append(request)
    return kept


def _same(last: Request, request: Request) -> bool:
    return (
        last.intent == request.intent
        and last.subjects == request.subjects
        and last.regions == request.regions
        and last.workload.said == request.workload.said
        and _counted(last) == _counted(request)
    )


def _counted(request: Request) -> tuple[object, ...]:
    usage = request.usage or Usage()
    return usage.count, usage.gpus, usage.budget_usd, usage.terms, tuple(usage.schedule.items())
