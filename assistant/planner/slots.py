"""Slots: complete a clause from the request before it, and join clauses that ask the same thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from assistant.planner.generate import complete_generate, join_generate
from assistant.planner.lines import asks_difference
from assistant.planner.mentions import Entities
from assistant.planner.quantities import Quantity
from assistant.planner.request import SIZING, Intent, Request
from assistant.planner.sizing import complete_sizing, join_sizing
from assistant.planner.usage import continued
from tools.names import Subject

MAX_RECENT = 6
_COMPARABLE = ("instance", "family", "gpu")
_EVERYWHERE = re.compile(
    r"リージョン(?:を|は)?問わ|どのリージョンでも|全リージョン|世界(?:中|で)|any region|all regions"
)
_TALK = ("thanks", "greeting", "help", "empty", "unclear")
_LIMIT = re.compile(
    r"(?:上位|トップ|top|best)\s*(\d+)|(\d+)\s*(?:つ|個|種類|件|instances)(?!の?gpu|も)"
)


_ALL = re.compile(r"全部|すべて|全て|一覧|列挙|リスト|全種|全ファミリー|\ball\b|\bevery\b|\blist\b")
MOST = 50
"""How many matches a search shows at most."""


def complete(
    intent: Intent, found: Entities, cues: frozenset[str], text: str, context: Request | None
) -> Request:
    """Return the request of a clause, with what it leaves unsaid taken from `context`."""
    request = _completed(intent, found, cues, text, context)
    if intent == "generate":
        return complete_generate(request, found, context)
    if intent in SIZING:
        return complete_sizing(request, found, context)
    usage = None if found.usage.empty else found.usage
    if context is not None and context.usage and request.intent == "cost":
        usage = continued(usage, context.usage)
    return replace(request, usage=usage)


def _completed(
    intent: Intent, found: Entities, cues: frozenset[str], text: str, context: Request | None
) -> Request:
    sort, descending = _order(found, cues, text)
    if intent == "recommend":
        sort, descending = "usd_per_hour", False
    request = Request(
        intent=intent,
        subjects=found.subjects,
        unknown=tuple(found.unknown),
        repairs=tuple(found.repairs),
        regions=tuple(found.regions),
        attributes=tuple(found.attributes),
        quantities=tuple(found.quantities),
        filters=tuple(found.filters),
        excluded=tuple(found.excluded),
        sort=sort,
        descending=descending,
        limit=_limit(text),
        gpu_only="gpu_scope" in cues or "gpu" in text,
        text=text,
        rank=_rank(text),
        everywhere=bool(_EVERYWHERE.search(text)),
        sagemaker=found.sagemaker,
        usages=found.usages,
        usecase=found.usecase,
        recent=found.subjects,
        asserted="verify" in cues,
        relative=found.relative,
        premise=found.premise,
        claim=_comparative(found, text) if "verify" in cues else None,
    )
    if request.subjects and all(s.kind == "gpu" for s in request.subjects):
        request = replace(request, quantities=tuple(_of_gpu(q, text) for q in request.quantities))
    if found.relative:
        return replace(
            request, sort=request.sort or "usd_per_hour", recent=context.recent if context else ()
        )
    if context is not None:
        named = (s for s in (*context.recent, *found.subjects) if s.kind in _COMPARABLE)
        request = replace(request, recent=tuple(dict.fromkeys(named))[-MAX_RECENT:])
    if context is None or intent.startswith("decline") or intent in (*_TALK, *SIZING):
        return request
    if context.intent in SIZING:
        context = replace(context, intent="describe")  # what is asked now is no workload
    if found.sizes and not found.subjects:
        request = _resized(request, found.sizes, context)
    unnamed = not (request.subjects or request.unknown)
    if unnamed and intent == "cost" and asks_difference(text) and len(context.subjects) < 2:
        context = replace(context, subjects=_last_two(context.recent))
    return _carry(request, cues, context)


def _resized(request: Request, sizes: Sequence[str], context: Request) -> Request:
    """Read bare sizes as sizes of the family that the thread is about."""
    families = dict.fromkeys(
        s.key.partition(".")[0] for s in context.subjects if s.kind in ("instance", "family")
    )
    subjects = tuple(
        Subject("instance", f"{family}.{size}") for family in families for size in sizes
    )
    return replace(request, subjects=subjects)


_MORE = re.compile(
    r"高い|高価|大き|多い|多く|速い|速く|増え|上|more|higher|larger|bigger|faster|expensive"
)
_LESS = re.compile(
    r"狭|安い|安く|安価|小さ|少な|遅い|遅く|低|短|下|less|lower|smaller|slower|cheaper"
)


def _comparative(found: Entities, text: str) -> tuple[str, str, bool] | None:
    """Return (subject, other, has more) of `AはBより高い`; None if nothing is compared."""
    ordered = sorted(found.mentions, key=lambda mention: mention.start)
    if len(ordered) != 2 or not (match := re.search(r"より(?!も?\s*後)|\bthan\b", text)):
        return None
    # What stands right before より (or after than) is what the other is compared with.
    before = [m for m in ordered if m.start < match.start()]
    other = before[-1] if match[0] == "より" and before else ordered[-1]
    subject = next(m for m in ordered if m is not other)
    more, less = _MORE.search(text), _LESS.search(text)
    if not (more or less):
        return None
    return subject.subjects[0].key, other.subjects[0].key, bool(more) and not less


def _carry(request: Request, cues: frozenset[str], context: Request) -> Request:
    """Fill the gaps of `request` from `context`."""
    if not request.regions and (not request.subjects or "more" in cues):
        request = replace(request, regions=context.regions)
    if request.subjects and not request.unknown:
        return _same_question(request, cues, context)
    if request.unknown:
        return request
    if request.intent == "find" and context.intent != "find" and _narrows(request, cues):
        return _search_within(request, context)
    if request.intent == "find" and not (context.intent == "find" and _narrows(request, cues)):
        return request
    if request.intent == "compare" and len(_models(context.subjects)) < 2:
        attributes = request.attributes or context.attributes
        return replace(request, subjects=_last_two(context.recent), attributes=attributes)
    if context.intent == "find" and request.intent == "verify" and context.subjects:
        return replace(request, subjects=context.subjects)
    if context.intent == "find":
        return _refine(request, context)
    attributes = request.attributes or context.attributes
    intent = request.intent
    if intent == "describe":
        intent = context.intent if context.subjects else "attributes"
    return replace(
        request,
        intent=intent,
        subjects=context.subjects,
        attributes=attributes,
        quantities=request.quantities or (context.quantities if intent == context.intent else ()),
        filters=request.filters or (context.filters if intent == context.intent else ()),
    )


def _last_two(recent: Sequence[Subject]) -> tuple[Subject, ...]:
    """Return the two things named last; variants of one GPU (A100-40GB, A100-80GB) are one."""
    names = _models(reversed(recent))[:2]
    return tuple(subject for subject in recent if _model(subject) in names)


def _models(subjects: Iterable[Subject]) -> list[str]:
    return list(dict.fromkeys(map(_model, subjects)))


def _model(subject: Subject) -> str:
    return subject.key.partition("-")[0] if subject.kind == "gpu" else subject.key


def _same_question(request: Request, cues: frozenset[str], context: Request) -> Request:
    """Ask what was asked before about the subject that is named now (`じゃあG6は?`)."""
    bare = request.intent == "describe" and not request.attributes
    follows = bool(cues & {"more", "correction", "add"}) or len(request.text) <= 12
    if "add" in cues or (request.intent == "compare" and len(request.subjects) == 1):
        subjects = tuple(dict.fromkeys((*context.subjects, *request.subjects)))
        return replace(request, intent="compare", subjects=subjects)
    if not (bare and follows):
        return request
    if context.intent == "compare":
        kept = () if "correction" in cues else context.subjects
        subjects = tuple(dict.fromkeys((*kept, *request.subjects)))
        intent = "compare" if len(subjects) > 1 else "describe"
        return replace(request, intent=intent, subjects=subjects, attributes=context.attributes)
    if context.intent == "find":
        return replace(
            context, subjects=request.subjects, regions=request.regions or context.regions
        )
    if context.intent == "cost":
        return replace(request, intent="cost", attributes=context.attributes)
    intent = context.intent if context.subjects else "attributes"
    return replace(
        request,
        intent=intent,
        attributes=context.attributes,
        quantities=context.quantities,
        filters=context.filters,
    )


def _narrows(request: Request, cues: frozenset[str]) -> bool:
    """Whether a search without a scope of its own goes on with the search before it."""
    fresh = re.search(
        r"インスタンス|instances?\b|(?:使える|借りられる)gpu|乗り換え|代わり|ほかの|他の|別の|alternative",
        request.text,
    )
    said = request.quantities or request.filters or request.sort or "carry" in cues
    said = said or request.rank or re.search(r"ファミリー|famil", request.text)
    return "more" in cues or (bool(said) and not fresh)


def _search_within(request: Request, context: Request) -> Request:
    """Search among what the thread is about: a GPU, families, or the families of named types."""
    families = dict.fromkeys(
        Subject("family", s.key.partition(".")[0]) if s.kind == "instance" else s
        for s in context.subjects
    )
    return replace(request, subjects=tuple(families), regions=request.regions or context.regions)


_NEXT = re.compile(r"(?:^|その)次(?:に|の|は|点)|\bnext\b|runner-up")


def _refine(request: Request, context: Request) -> Request:
    """Narrow an earlier search by what is said now (`そのうち80GBの方は?`)."""
    if context.gpu_only or any(s.kind == "gpu" for s in context.subjects):
        request = replace(
            request, quantities=tuple(_of_gpu(q, request.text) for q in request.quantities)
        )
    changed = {quantity.attribute for quantity in request.quantities}
    kept = tuple(q for q in context.quantities if q.attribute not in changed)
    return replace(
        request,
        intent="find",
        rank=(context.rank or 1) + 1 if _NEXT.search(request.text) else request.rank,
        subjects=request.subjects or context.subjects,
        quantities=(*kept, *request.quantities),
        filters=(
            *(f for f in context.filters if f.get("attribute") not in changed),
            *request.filters,
        ),
        sort=request.sort or context.sort,
        descending=request.descending if request.sort else context.descending,
        gpu_only=request.gpu_only or context.gpu_only,
    )


def _of_gpu(quantity: Quantity, text: str) -> Quantity:
    """Read a bare amount of memory as GPU memory, when GPUs are what the thread is about."""
    host = re.search(r"システム|ホスト|メイン|(?<![a-zv])ram|vcpu", text)
    return (
        replace(quantity, attribute="gpu_memory_gb")
        if quantity.attribute == "memory_gib" and not host
        else quantity
    )


def merge(requests: Sequence[Request]) -> tuple[Request, ...]:
    """Drop small talk beside real requests, and requests that repeat another one."""
    real = join_sizing([request for request in requests if request.intent not in _TALK])
    real = join_generate(real)
    real = [
        r for i, r in enumerate(real) if not any(_narrowed(r, later) for later in real[i + 1 :])
    ]
    kept: list[Request] = []
    for request in real or list(requests[:1]):
        if not any(_covers(other, request) for other in kept):
            kept.append(request)
    return tuple(kept)


def _narrowed(earlier: Request, later: Request) -> bool:
    """Whether a search only prepares a later one of the same question (a budget, then the wish)."""
    both = earlier.intent == later.intent == "find" and earlier.sort is None
    return both and set(earlier.quantities) <= set(later.quantities) and not earlier.subjects


def _covers(left: Request, right: Request) -> bool:
    return left.intent == right.intent and replace(left, text="", repairs=()) == replace(
        right, text="", repairs=()
    )


_SIZES = {
    "vcpus",
    "cores",
    "memory_gib",
    "gpu_count",
    "gpu_memory_gb",
    "gpu_memory_total_gb",
    "memory_bandwidth_gb_s",
    "network_gbps",
    "network_baseline_gbps",
    "ebs_gbps",
    "nvme_gb",
    "clock_ghz",
    "efa_interfaces",
    "nvlink_gb_s",
    "tflops_fp16",
    "tflops_bf16",
    "tflops_fp8",
    "tflops_fp32",
    "tflops_tf32",
    "usd_per_gpu_hour",
}


def _order(found: Entities, cues: frozenset[str], text: str) -> tuple[str | None, bool]:
    """Return the attribute to sort by and whether largest first; None if no order was asked for."""
    named = [key for key in found.attributes if key in _SIZES]
    low, high = "superlative_low" in cues, "superlative_high" in cues or "最大" in text
    if low and "capacity-block" in found.usage.terms:
        return "block_usd_per_hour", False
    if low and "usd_per_gpu_hour" in named:
        return "usd_per_gpu_hour", False
    if low and (re.search(r"安|cheap|low|expensive|手頃|得|最低価格", text) or not named):
        return (
            "usd_per_hour"
            if not re.search(r"小さ|最小|smallest", text)
            else (named or ["vcpus"])[0]
        ), False
    if high and re.search(r"一番高|最も高|高い順|most expensive", text) and not named:
        return "usd_per_hour", True
    if low or high:
        default = "gpu_memory_total_gb" if "gpu" in text else "vcpus"
        return (named or [default])[0], high
    return None, False


def _rank(text: str) -> int | None:
    match = re.search(
        r"([2-9])\s*(?:番目|位)|\b(second|third)\b(?=[ -](?:cheap|small|larg|big))", text
    )
    if match is None:
        return None
    return int(match[1]) if match[1] else {"second": 2, "third": 3}[match[2]]


def _limit(text: str) -> int | None:
    match = _LIMIT.search(text)
    number = int(match[1] or match[2]) if match else 0
    if 1 <= number <= 20:
        return number
    return MOST if _ALL.search(text) else None
