"""Compose answers about single things: what it is, one of its attributes, the sizes it comes in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import Phrases, display, fraction, number
from assistant.planner.compose.rows import gpu_memory, summary_rows, what
from assistant.planner.slots import Request
from knowledge.ec2.schema import Family, Term
from tools.attributes import BY_KEY, Value
from tools.instances import Description
from tools.profiles import (
    FamilyProfile,
    GpuProfile,
    InstanceProfile,
    Profile,
    SeriesProfile,
)

MAX_CARRIERS = 8
MAX_SIZES = 14


def describe(draft: Draft, request: Request, result: Description) -> None:
    """Write what each item is: a sentence, its table, what it is good for."""
    for item in result.items:
        _absent(draft, request, item)
        match item:
            case InstanceProfile():
                _instance(draft, item, result.region)
            case FamilyProfile():
                _family(draft, item, result.region)
            case GpuProfile():
                _gpu(draft, item)
            case SeriesProfile():
                _series(draft, item)
    draft.cite(result.sources)


def attributes(draft: Draft, request: Request, result: Description) -> None:
    """Write the attributes asked for, one sentence each, then the sizes of families."""
    items = [item for item in result.items if not isinstance(item, SeriesProfile)]
    machines = [item for item in items if not isinstance(item, GpuProfile)]
    term = _term(request.text)
    sentences = [
        sentence for item in (machines or items) for key in _wanted(request, item)
        if (sentence := state(draft, item, key, result.region, term))
    ]
    if not sentences:
        describe(draft, request, result)
        return
    draft.add("**" + sentences[0] + "**", *sentences[1:])
    for item in items:
        if isinstance(item, FamilyProfile) and len(item.members) > 1:
            _sizes(draft, item, result.region)
        if isinstance(item, InstanceProfile):
            _reference(draft, item, request)
    used = {source for item in items for key in _wanted(request, item) for source in _sources(item, key)}
    draft.cite(source for source in result.sources if source.id in used)


def _sources(item: Profile, key: str) -> list[str]:
    """Return the ids of the sources that an attribute of an item comes from."""
    if isinstance(item, SeriesProfile):
        return []
    first = item if isinstance(item, InstanceProfile) else item.carriers[0] if isinstance(
        item, GpuProfile) and item.carriers else item.members[0] if isinstance(item, FamilyProfile) else None
    gpu = item.gpu if isinstance(item, GpuProfile) else first and first.gpu
    sources = [first.type.source] if first else []
    if gpu and BY_KEY[key].gpu is not None:
        sources.append(gpu.source)
    if first and first.family and key == "cpu_model":
        sources.append(first.family.source)
    return sources


def sizes(draft: Draft, request: Request, result: Description) -> None:
    """Write the sizes of families."""
    for item in result.items:
        if isinstance(item, FamilyProfile):
            draft.add("**" + family_sentence(draft.say, item) + "**")
            _sizes(draft, item, result.region)
    draft.cite(result.sources)


def _term(text: str) -> Term:
    """Return the purchase term that a question names; on-demand if none."""
    for term, words in _TERMS:
        if words.search(text):
            return term
    return "on-demand"


_TERMS: tuple[tuple[Term, re.Pattern[str]], ...] = (
    ("spot", re.compile(r"スポット|spot")),
    ("capacity-block", re.compile(r"capacity\s*block|キャパシティ\s*ブロック")),
)


def state(draft: Draft, item: Profile, key: str, region: str, term: Term = "on-demand") -> str | None:
    """Return one attribute of one item as a sentence; None where the attribute does not apply."""
    say = draft.say
    if key == "usd_per_hour" and term != "on-demand" and isinstance(item, InstanceProfile):
        quote = item.quote(term)
        draft.cite_quote(quote)
        return say(f"a_price_{term}", name=item.key, region=say.region(region), price=say.price(quote))
    if key == "usd_per_hour":
        return _price_sentence(draft, item, region)
    if isinstance(item, FamilyProfile):
        return _range(say, item, key)
    if isinstance(item, SeriesProfile):
        return None
    subject = item.gpu if isinstance(item, GpuProfile) else item
    value = BY_KEY[key].of(subject)
    return _is(say, display(item.key), key, value, item)


def _absent(draft: Draft, request: Request, item: Profile) -> None:
    """Say first that a region that was asked for does not offer the item at all."""
    members = [item] if isinstance(item, InstanceProfile) else item.members if isinstance(item, FamilyProfile) else ()
    for region in request.regions:
        if members and not any(region in member.type.regions for member in members):
            name = display(item.key)
            draft.add("**" + draft.say("not_in_region", name=name, region=draft.say.region(region)) + "**")


def family_sentence(say: Phrases, item: FamilyProfile) -> str:
    """Return what a family is, in one sentence."""
    first = item.members[0]
    if len(item.members) == 1:
        return say("d_family_one", name=display(item.key), what=_family_what(say, item), only=first.key)
    return say(
        "d_family", name=display(item.key), what=_family_what(say, item), sizes=len(item.members),
        smallest=first.key, largest=item.members[-1].key,
    )


def _instance(draft: Draft, item: InstanceProfile, region: str) -> None:
    say, quote = draft.say, item.quote()
    lead = instance_sentence(say, item)
    if quote and quote.usd_per_hour is not None:
        lead = say("d_price", lead=lead, region=say.region(region), price=say.price(quote))
    else:
        lead = say("d_no_price", lead=lead)
    draft.add(f"**{lead}**")
    draft.table((say("item"), item.key), [(name, *cells) for name, cells in summary_rows(say, [item], region)])
    _use(draft, item.family)
    _retired(draft, item)
    _reference(draft, item, None)
    for term in ("on-demand", "spot", "capacity-block"):
        draft.cite_quote(item.quote(term))
    draft.suggestions += _instance_suggestions(say, item)


def instance_sentence(say: Phrases, item: InstanceProfile) -> str:
    """Return what an instance type is, in one clause without its end."""
    size: dict[str, object] = {
        "name": item.key, "vcpus": item.type.vcpus, "ram": number(item.type.memory_gib),
    }
    gpu, neuron = item.type.gpu, item.type.neuron
    if gpu and gpu.partition < 1:
        share = fraction(gpu.partition)
        return say("d_slice", gpu=gpu.gpu, fraction=share, memory=number(gpu.memory_gib), **size)
    if gpu:
        memory = number(item.gpu.memory_gb if item.gpu else gpu.memory_gib)
        return say("d_gpu", gpu=gpu.gpu, memory=memory, count=gpu.devices, **size)
    if neuron:
        return say("d_neuron", model=neuron.model, count=neuron.devices, **size)
    cpu = (item.family and item.family.cpu_model) or item.type.cpu_maker
    return say("d_cpu", cpu=cpu, **size)


def _family(draft: Draft, item: FamilyProfile, region: str) -> None:
    draft.add("**" + family_sentence(draft.say, item) + "**")
    _sizes(draft, item, region)
    _use(draft, item.facts)
    _retired(draft, item.members[0])


def _family_what(say: Phrases, item: FamilyProfile) -> str:
    first = item.members[-1]
    if first.type.gpu and first.gpu:
        gpu, partition = first.gpu, min(m.type.gpu.partition for m in item.members if m.type.gpu)
        if partition < 1:
            return say("d_family_slice", gpu=gpu.key)
        return say("d_family_gpu", gpu=gpu.key, memory=gpu.memory_gb)
    if first.type.neuron:
        return say("d_family_neuron", model=first.type.neuron.model)
    cpu = (item.facts and item.facts.cpu_model) or first.type.cpu_maker
    return say("d_family_cpu", cpu=cpu)


def _sizes(draft: Draft, item: FamilyProfile, region: str) -> None:
    say = draft.say
    members = item.members[:MAX_SIZES]
    header = [say("size"), "vCPU", say.label("memory_gib")]
    has_gpu = any(member.type.gpu for member in members)
    header += ["GPU"] if has_gpu else []
    header += [say.label("network_gbps"), say("on_demand_in", region=say.region(region))]
    draft.table(header, [_size_row(say, member, has_gpu=has_gpu) for member in members])
    draft.cite_prices(members)


def _size_row(say: Phrases, member: InstanceProfile, *, has_gpu: bool) -> list[str]:
    row = [member.key, str(member.type.vcpus), f"{number(member.type.memory_gib)} GiB"]
    row += [what(say, member)] if has_gpu else []
    return [*row, say.value("network_gbps", member.type.network.peak_gbps), say.price(member.quote())]


def _gpu(draft: Draft, item: GpuProfile) -> None:
    say, gpu = draft.say, item.gpu
    key = "d_gpu_model" if item.carriers else "d_gpu_nowhere"
    carriers = say.listed(display(family) for family in dict.fromkeys(c.type.family for c in item.carriers))
    draft.add("**" + say(key, name=gpu.key, architecture=gpu.architecture, maker=gpu.maker,
                         memory=gpu.memory_gb, carriers=carriers) + "**")
    keys = ("memory_bandwidth_gb_s", "tflops_fp32", "tflops_bf16", "tflops_fp16", "tflops_fp8", "bf16", "fp8",
            "flash_attention_2", "nvlink_gb_s", "compute_capability")
    rows = [(say.label("gpu_memory_gb"), gpu_memory(say, gpu))]
    rows += [(say.label(k), say.value(k, BY_KEY[k].of(gpu))) for k in keys if BY_KEY[k].of(gpu) is not None]
    draft.table((say("item"), gpu.key), rows)
    draft.quote_curated(gpu.note if say.language == "ja" else gpu.note_en)
    carriers_shown = item.carriers[:MAX_CARRIERS]
    if carriers_shown:
        region = carriers_shown[0].quotes[0].region
        header = (say("size"), "GPU", "vCPU", say("on_demand_in", region=say.region(region)))
        draft.table(header, [(c.key, what(say, c), str(c.type.vcpus), say.price(c.quote())) for c in carriers_shown])
        draft.cite_prices(carriers_shown)


def _series(draft: Draft, item: SeriesProfile) -> None:
    say = draft.say
    kind = say(f"d_series_{item.key}")
    draft.add("**" + say("d_series", name=item.key, what=kind, count=len(item.families)) + "**")
    if item.key in ("Inf", "Trn"):
        draft.phrase("d_series_neighbour", name=item.key)
    header = ("ファミリー", "GPU / CPU", "用途", "最大") if say.language == "ja" else (
        "Family", "GPU / CPU", "Good for", "Largest")
    rows = [(display(f.key), _short(say, f.largest), _use_of(say, f.facts), f.largest.key) for f in item.families]
    draft.table(header, rows)
    draft.quoted += [_use_of(say, f.facts) for f in item.families]


def _short(say: Phrases, item: InstanceProfile) -> str:
    if item.type.gpu:
        return item.type.gpu.gpu
    if item.type.neuron:
        return item.type.neuron.model
    return (item.family and item.family.cpu_model) or item.type.cpu_maker


def _use_of(say: Phrases, facts: Family | None) -> str:
    if facts is None:
        return "—"
    return facts.good_for if say.language == "ja" else facts.good_for_en


def _use(draft: Draft, facts: Family | None) -> None:
    if facts is None:
        return
    draft.quoted.append(_use_of(draft.say, facts))
    draft.phrase("d_use", use=_use_of(draft.say, facts))
    draft.quote_curated(facts.caution if draft.say.language == "ja" else facts.caution_en)


def _retired(draft: Draft, item: InstanceProfile) -> None:
    if not item.type.listed:
        draft.phrase("retired", name=display(item.type.family))


def _reference(draft: Draft, item: InstanceProfile, request: Request | None) -> None:
    """Quote the reference region where the region asked for has no price."""
    priced = request is None or not request.attributes or "usd_per_hour" in request.attributes
    quotes = [quote for quote in item.quotes if quote.term == "on-demand"]
    if priced and len(quotes) > 1 and quotes[1].usd_per_hour is not None and quotes[1].source:
        draft.phrase("reference_price", region=draft.say.region(quotes[1].region),
                     price=draft.say.price(quotes[1]), date=quotes[1].source.as_of.isoformat())
        draft.cite_quote(quotes[1])


def _wanted(request: Request, item: Profile) -> list[str]:
    """Return the attributes to state: the general word for memory also serves GPUs and families of GPUs."""
    keys = list(request.attributes)
    if isinstance(item, GpuProfile):
        keys = [_OF_GPUS.get(key, key) for key in keys]
    # "GPU のメモリ" names the GPU only to say whose memory is meant.
    specific = any(key.startswith(("gpu_", "usable", "tflops", "memory_b")) and key != "gpu_model" for key in keys)
    return [key for key in keys if not (specific and key == "gpu_model")]


_OF_GPUS = {"memory_gib": "gpu_memory_gb", "gpu_model": "gpu_architecture", "arch": "gpu_architecture",
            "network_gbps": "memory_bandwidth_gb_s"}
"""What a general word means when a GPU is asked about."""


def _is(say: Phrases, name: str, key: str, value: Value | None, item: InstanceProfile | GpuProfile) -> str | None:
    label = say.label(key)
    if isinstance(value, bool):
        return say("a_flag_yes" if value else "a_flag_no", name=name, label=label)
    if value is None and isinstance(item, InstanceProfile) and item.gpu is None and _about_gpu(key):
        return say("v_gpu_none", name=name)
    if value is None:
        gpu = item.gpu
        missing = key.startswith("tflops") or (gpu is not None and key == "memory_bandwidth_gb_s")
        return say("a_unknown" if missing else "a_none", name=name, label=label)
    if value == 0:
        return say("a_none", name=name, label=label)
    if isinstance(item, InstanceProfile) and item.type.gpu and _about_gpu(key):
        if key == "gpu_count" and item.type.gpu.partition < 1:
            return instance_sentence(say, item) + say("stop").strip()
        name = name if key == "gpu_model" else say("a_with_gpu", name=name, gpu=_gpu_named(say, name, item))
    text = _valued(say, key, value, item)
    if key == "vcpus":
        return say("a_has", name=name, value=text)
    return say("a_is", name=name, label=label.split("(")[0].strip(), value=text)


def _gpu_named(say: Phrases, name: str, item: InstanceProfile) -> str:
    """Return the GPU beside a name: with its count for a type, without for a family."""
    return what(say, item) if name == item.key else item.type.gpu.gpu if item.type.gpu else ""


def _valued(say: Phrases, key: str, value: Value, item: InstanceProfile | GpuProfile) -> str:
    """Return a value as text, GPU memory in both of its units."""
    gpu, attachment = item.gpu, item.type.gpu if isinstance(item, InstanceProfile) else None
    if key in ("gpu_memory_gb", "gpu_memory_gib") and gpu and not _sliced(item):
        return gpu_memory(say, gpu)
    if key.startswith("gpu_memory_total") and gpu and attachment and not _sliced(item):
        total = number(gpu.memory_gb * attachment.devices)
        return say("memory_api", gb=total, gib=number(attachment.memory_total_gib))
    if key == "gpu_model" and isinstance(item, InstanceProfile) and gpu:
        return f"{what(say, item)}({gpu.memory_gb} GB)"
    return say.value(key, value)


def _sliced(item: InstanceProfile | GpuProfile) -> bool:
    return isinstance(item, InstanceProfile) and item.type.gpu is not None and item.type.gpu.partition < 1


def _about_gpu(key: str) -> bool:
    return BY_KEY[key].gpu is not None or key.startswith("gpu_")


def _range(say: Phrases, item: FamilyProfile, key: str) -> str | None:
    """Return an attribute of a family: one value, or its range with the sizes at its ends."""
    name, found = display(item.key), [(BY_KEY[key].of(member), member) for member in item.members]
    values = [value for value, _ in found if value is not None]
    if len(values) < len(found) or len(set(values)) == 1 or isinstance(values[0], str | bool):
        return _is(say, name, key, found[-1][0], item.members[-1])
    ordered: Sequence[tuple[Value | None, InstanceProfile]] = sorted(found, key=lambda pair: float(pair[0] or 0))
    (low, smallest), (high, largest) = ordered[0], ordered[-1]
    return say("a_range", name=name, label=say.label(key), low=say.value(key, low), low_name=smallest.key,
               high=say.value(key, high), high_name=largest.key)


def _price_sentence(draft: Draft, item: Profile, region: str) -> str | None:
    say, place = draft.say, draft.say.region(region)
    if isinstance(item, SeriesProfile):
        return None
    members = _priced_members(item)
    name = display(item.key)
    draft.cite_prices(members)
    priced = sorted((m for m in members if m.usd_per_hour is not None), key=lambda m: m.usd_per_hour or 0)
    if not priced:
        offered = any(region in member.type.regions for member in members)
        key = "a_price_unknown" if offered else "a_price_not_offered"
        return say(key, name=name, region=place)
    low, high = priced[0], priced[-1]
    if low is high:
        return say("a_price", name=low.key, region=place, price=say.price(low.quote()))
    return say("a_price_range", name=name, region=place, low=say.price(low.quote()), low_name=low.key,
               high=say.price(high.quote()), high_name=high.key)


def _priced_members(item: InstanceProfile | FamilyProfile | GpuProfile) -> tuple[InstanceProfile, ...]:
    match item:
        case InstanceProfile():
            return (item,)
        case FamilyProfile():
            return item.members
        case GpuProfile():
            return item.carriers


def _instance_suggestions(say: Phrases, item: InstanceProfile) -> list[str]:
    family = display(item.type.family)
    if say.language == "ja":
        return [f"{family}のサイズ一覧", f"{item.key}はどのリージョンで使える?"]
    return [f"sizes of {family}", f"which regions offer {item.key}?"]
