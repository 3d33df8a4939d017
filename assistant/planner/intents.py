"""Intents: what a clause wants, decided from its entities and cue words by readable rules.

`decide` walks `RULES` in order; the first rule whose test holds names the intent. A rule sees
only `Signals`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.planner.generate import generate_intent
from assistant.planner.lines import asks_difference, asks_spot
from assistant.planner.mentions import Entities
from assistant.planner.request import Intent, Request
from assistant.planner.signals import DOMAIN, Signals
from assistant.planner.sizing import sizing_intent
from assistant.planner.terms import mentions_term

Rule = tuple[Intent, Callable[[Signals], bool]]

_EXTREMES = re.compile(r"(?:最大|最小|最上位)(?!\s*(?:\d|ネットワーク|帯域|何|いくつ))")

RULES: tuple[Rule, ...] = (
    ("empty", lambda s: not re.search(r"\w", s.text)),
    ("decline_secret", lambda s: "secret" in s.scope and not s.named and not _asks_term(s)),
    ("decline_other_cloud", lambda s: "other_cloud" in s.scope),
    ("decline_account", lambda s: "account" in s.scope and not _asks_term(s)),
    ("decline_future", lambda s: "future" in s.scope),
    ("decline_generate", lambda s: False),  # decided by generate_intent
    ("find", lambda s: s.entities.relative),
    ("find", lambda s: _premise(s) in ("only", "first")),
    ("verify", lambda s: _premise(s) == "sizes"),
    ("cost", lambda s: _premise(s) == "same" and len(s.entities.regions) > 1 and s.priced),
    ("compare", lambda s: _premise(s) == "same" and len(s.entities.mentions) > 1),
    (
        "find",
        lambda s: "capacity-block" in s.entities.usage.terms and s.superlative and not s.named,
    ),
    ("recommend", lambda s: _recommends(s)),
    ("decline_sizing", lambda s: "sizing" in s.scope and not _is_lookup(s)),
    ("cost", lambda s: _costs(s)),
    ("find", lambda s: _caps_price(s)),
    ("find", lambda s: _fits_budget(s)),
    ("decline_cost", lambda s: _prices_nothing(s)),
    ("decline_chat", lambda s: "chat" in s.scope and not s.named),
    ("decline_other_service", lambda s: "other_service" in s.scope and not s.named),
    ("concept", lambda s: _explains(s)),
    ("describe", lambda s: bool(s.entities.unknown) and not s.entities.mentions),
    ("availability", lambda s: _asks_region(s)),
    ("compare", lambda s: _chooses_between(s)),
    (
        "compare",
        lambda s: (
            len(s.entities.mentions) == 2
            and "verify" in s.cues
            and bool(s.entities.attributes)
            and bool(re.search(r"より|\bthan\b", s.text))
        ),
    ),
    ("verify", lambda s: s.claims and s.asserts and not s.superlative and not _asks_which(s)),
    ("compare", lambda s: _compares(s)),
    ("find", lambda s: _searches(s)),
    ("sizes", lambda s: "family" in s.kinds and "sizes" in s.cues),
    ("attributes", lambda s: s.named and bool(s.entities.attributes)),
    ("describe", lambda s: s.named),
    ("decline_injection", lambda s: "injection" in s.scope),
    ("concept", lambda s: s.context is None and mentions_term(s.text)),
    ("attributes", lambda s: s.follows_up and bool(s.entities.attributes)),
    ("describe", lambda s: s.follows_up),
    ("thanks", lambda s: "thanks" in s.cues),
    ("help", lambda s: "help" in s.cues),
    ("greeting", lambda s: "greeting" in s.cues),
    ("concept", lambda s: mentions_term(s.text)),
)


def decide(
    entities: Entities,
    cues: frozenset[str],
    scope: frozenset[str],
    text: str,
    context: Request | None,
) -> Intent:
    """Return the intent of a clause; `unclear` if no rule knows it."""
    signals = Signals(entities, cues, scope, text, context)
    for intent, holds in RULES:
        if intent == "decline_generate" and (
            made := generate_intent(entities, scope, text, context)
        ):
            return made
        if intent == "decline_sizing" and (sizing := sizing_intent(entities, cues, text, context)):
            return sizing
        if holds(signals):
            return intent
    return "unclear"


def _premise(s: Signals) -> str | None:
    return s.entities.premise.kind if s.entities.premise else None


def _is_lookup(s: Signals) -> bool:
    """Whether a word of the sizing vocabulary only decorates a plain look-up (GPU何枚搭載?)."""
    return not re.search(r"\d+b(?![a-z])|llama|qwen|mistral|gemma|bert|モデル", s.text)


def _asks_which(s: Signals) -> bool:
    return bool(
        re.search(
            r"どれ|どの|どんな|何が|なにが|which|what|いくつ|いくら|how many|how much|"
            r"何分|何枚|何基|何gb|何台|何種|何個|何件|どこ|どちら|どっち|一覧",
            s.text,
        )
    )


def _asks_region(s: Signals) -> bool:
    anchored = s.named or s.context is not None
    place = s.entities.regions or re.search(r"リージョン|region|where|どこで|どこに|どこの", s.text)
    priced = "usd_per_hour" in s.entities.attributes
    listing = re.search(r"インスタンス|instances?\b|もの|全部|すべて|一覧|リスト|機種|挙げ", s.text)
    listed = re.search(
        r"(?:使える|ある|借りられる)(?:gpu|インスタンス|ファミリー|もの|やつ)|which gpus", s.text
    )
    open_find = (
        (not s.named and bool(listed))
        or (s.kinds <= {"gpu", "series"} and bool(listing))
        or (s.kinds == frozenset({"series"}) and not s.context)
    )
    return bool(
        anchored
        and place
        and "availability" in s.cues
        and not priced
        and not open_find
        and not s.superlative
        and not s.entities.quantities
    )


def _chooses_between(s: Signals) -> bool:
    """Whether a follow-up asks which of the things named before is better (`安いのはどっち?`)."""
    if s.named or s.context is None or s.context.intent == "find" or "gpu_scope" in s.cues:
        return False
    which = bool(re.search(r"どっち|どちら|which|差額|の差|差は|何倍|how many times", s.text)) or (
        s.superlative and len(s.context.subjects) > 1
    )
    return which and len(s.context.recent) > 1


def _costs(s: Signals) -> bool:
    """Whether the clause asks what use costs, or what a budget buys."""
    usage, priced = s.entities.usage, "usd_per_hour" in s.entities.attributes
    machines = s.kinds & {"instance", "family", "gpu"} and not s.entities.unknown
    names_size = bool(s.entities.sizes) and not s.entities.mentions and not s.entities.unknown
    about_context = (
        s.context is not None and bool(s.context.subjects) and (names_size or not s.named)
    )
    if s.context is not None and not s.named and _asks_gap(s, s.context):
        return True
    if (machines or about_context) and _asks_saving(s):
        return True
    if not (machines or about_context) or s.superlative:
        return False
    if s.context is not None and s.context.intent == "find" and not machines and not usage.lasts:
        return False
    if about_context and s.context is not None and s.context.intent == "cost":
        return (
            not usage.empty
            or priced
            or bool(s.entities.regions)
            or bool(s.context.usage and "compare" in s.cues)
        )
    if priced and usage.jpy_per_usd is not None:
        return True
    if s.entities.sagemaker and (priced or not usage.empty):
        return True
    plain_hour = usage.hours == 1 and usage.count is None and not usage.has_budget
    lasting = usage.lasts and not plain_hour
    sold = (
        priced and (any(term != "on-demand" for term in usage.terms) or usage.count is not None)
    ) or ("usd_per_gpu_hour" in s.entities.attributes and "instance" in s.kinds)
    owned = s.context.usage.count if about_context and s.context and s.context.usage else None
    checked = (
        "verify" in s.cues
        and usage.has_budget
        and usage.budget_period is None
        and not _asks_which(s)
    )
    if checked and machines:
        return False
    return bool(
        lasting
        or usage.has_budget
        or sold
        or (about_context and usage.count is not None)
        or (priced and owned is not None and owned > 1)
    )


def _asks_gap(s: Signals, context: Request) -> bool:
    """Whether a follow-up asks for the difference in price of the two things named last."""
    asked = s.entities.attributes or context.attributes
    machines = [subject for subject in context.recent if subject.kind == "instance"]
    priced = set(asked) == {"usd_per_hour"} or "差額" in s.text
    return priced and len(machines) > 1 and asks_difference(s.text)


def _asks_saving(s: Signals) -> bool:
    """Whether the clause asks what spot saves, or how much cheaper another region is."""
    if "spot" in s.entities.usage.terms and asks_spot(s.text):
        return True
    if s.kinds != frozenset({"instance"}) or not asks_difference(s.text):
        return False
    named, specified = len(s.entities.subjects), set(s.entities.attributes) - {"usd_per_hour"}
    priced = "usd_per_hour" in s.entities.attributes and not specified
    return len(s.entities.regions) > 1 or (named == 2 and ("差額" in s.text or priced))


_DEFINES = re.compile(
    r"とは|って何(?!が|の|枚|基|g|台)|ってなに|ってなん|何ですか|なんですか|意味|仕組み|説明|"
    r"what is|what's|what are|explain"
)
_HOW_TO = re.compile(
    r"するには|方法|手順|やり方|設定|使い方|コツ|ベストプラクティス|注意点|気をつけ|"
    r"どうなる|どうなり|なぜ|どうして|理由|いつ使|誰が|見えない|見るには|"
    r"how to|how do|best practice"
)


def _asks_term(s: Signals) -> bool:
    """Whether the clause asks how something works or is done, and names a term of the glossary."""
    asked = _DEFINES.search(s.text) or _HOW_TO.search(s.text)
    return bool(asked and not s.named and mentions_term(s.text))


def _explains(s: Signals) -> bool:
    """Whether the clause asks about a term rather than about a machine."""
    if s.entities.sagemaker and re.search(r"同じ|違", s.text):
        return True
    if s.kinds == frozenset({"series"}) and re.search(r"べき|どっち|どちら", s.text):
        return mentions_term(s.entities.rest)
    machines = s.kinds & {"instance", "family", "gpu", "series"}
    asked = _DEFINES.search(s.text) or _HOW_TO.search(s.text)
    if machines or s.entities.unknown:
        return bool(
            _HOW_TO.search(s.text) and ("concept" in s.scope or mentions_term(s.entities.rest))
        )
    if s.entities.quantities and not asked:
        return False
    return "concept" in s.scope or bool(asked and mentions_term(s.text))


def _recommends(s: Signals) -> bool:
    """Whether the clause says what a machine is wanted for, and nothing that is sized exactly."""
    usecase, model = s.entities.usecase, s.entities.workload.model
    if usecase is None or s.entities.quantities or _DEFINES.search(s.text):
        return False
    return model is None or model.lower() in usecase.said


def _prices_nothing(s: Signals) -> bool:
    """Whether the clause asks for a cost without a thing that has one."""
    found = s.entities
    return (
        "cost" in s.scope
        and not s.named
        and s.context is None
        and not any(q.attribute != "usd_per_hour" for q in found.quantities)
    )


def _fits_budget(s: Signals) -> bool:
    """Whether the clause asks which machines a budget for a month pays for."""
    usage = s.entities.usage
    paid = usage.budget_usd or (usage.budget_jpy and usage.jpy_per_usd)
    asked = re.search(r"gpu|インスタンス|instance|マシン|機種", s.text)
    return bool(paid and usage.budget_period == "month" and asked and not s.named and not s.context)


def _caps_price(s: Signals) -> bool:
    """Whether the clause sets a price per hour that must not be exceeded, and names nothing."""
    ceiling = any(q.attribute == "usd_per_hour" for q in s.entities.quantities)
    hourly = re.search(r"時間|時給|毎時|hour|/h", s.text)
    return bool(ceiling and hourly and not s.named and s.context is None)


def _compares(s: Signals) -> bool:
    if s.entities.quantities and not ("compare" in s.cues and len(s.entities.subjects) >= 2):
        return False
    several = len(s.entities.mentions) >= 2
    if several and s.kinds == frozenset({"gpu", "family"}) and "compare" not in s.cues:
        return False
    if several:
        return "compare" in s.cues or not s.entities.attributes
    carried = s.context is not None and (s.context.intent == "compare" or bool(s.named))
    return "compare" in s.cues and carried and not re.fullmatch(r".*\bor\b.*", s.text)


_INSTANCES = re.compile(
    r"インスタンス|instances?\b|マシン|機(?:種|は|を|で|の)|box(?:es)?\b|machines?\b"
)


def _searches(s: Signals) -> bool:
    """Whether the clause looks for instance types by what they must have."""
    if "instance" in s.kinds:
        return False
    if s.kinds & {"family", "series", "gpu"}:
        return _searches_within(s)
    return _searches_all(s)


def _goes_on(s: Signals) -> bool:
    """Whether the clause only makes sense as going on with the search before it."""
    if s.context is None:
        return False
    if re.search(r"同じgpu|same gpu", s.text):
        return True
    among = re.search(r"そのうち|その中|の中で|うち|of those|of these", s.text)
    families = any(subject.kind in ("family", "series", "gpu") for subject in s.context.subjects)
    if among and families and (s.entities.quantities or s.entities.filters):
        return True
    return s.context.intent == "find" and (
        s.superlative or bool(re.search(r"番目|ファミリー名|famil", s.text))
    )


def _searches_within(s: Signals) -> bool:
    """Whether the clause looks for something among the families or GPUs that it names."""
    found, asked = s.entities, s.superlative or "find" in s.cues
    hosts = "gpu" in s.kinds and ("carry" in s.cues or bool(_INSTANCES.search(s.text)))
    only_gpus = s.kinds == frozenset({"gpu"})
    if only_gpus and found.attributes and not hosts and not found.quantities:
        return s.superlative
    if s.kinds == frozenset({"family"}) and found.attributes and not asked:
        return False
    filtered = bool(found.quantities) or (bool(found.filters) and asked)
    series = "series" in s.kinds and (asked or bool(found.regions))
    return s.superlative or hosts or filtered or series or bool(_EXTREMES.search(s.text))


def _searches_all(s: Signals) -> bool:
    """Whether a clause that names nothing looks for instance types."""
    found, context = s.entities, s.context
    wants = s.superlative or bool(_EXTREMES.search(s.text)) or "find" in s.cues
    within = context is not None and "carry" in s.cues
    if _goes_on(s):
        return True
    if not s.domain and "gpu_scope" not in s.cues and not within:
        return False
    if context is not None and context.subjects and context.intent != "find":
        if context.intent == "compare" and s.superlative and not found.quantities:
            return False
        scoped = s.superlative or "gpu_scope" in s.cues or _INSTANCES.search(s.text)
        counted = all(quantity.attribute == "gpu_count" for quantity in found.quantities)
        if found.attributes and not scoped and counted:
            return False
    somewhere = bool(found.regions) and bool(re.search(r"gpu|インスタンス|instance", s.text))
    generation = any("gpu_architecture" in row for row in found.filters)
    filtered = bool(found.filters) and (generation or bool(DOMAIN.search(s.text)))
    return wants or bool(found.quantities) or filtered or somewhere
