"""Sentences about a subject: what it is, and one attribute of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import Phrases, display, fraction, number, short
from assistant.planner.compose.rows import gpu_memory, what
from assistant.planner.request import Request
from knowledge.ec2.schema import NotOffered, Term
from tools.attributes import BY_KEY, Value
from tools.profiles import FamilyProfile, GpuProfile, InstanceProfile, Profile, SeriesProfile


def instance_sentence(say: Phrases, item: InstanceProfile) -> str:
    """Return what an instance type is, in one clause without its end."""
    size: dict[str, object] = {
        "name": item.key,
        "vcpus": item.type.vcpus,
        "ram": number(item.type.memory_gib),
    }
    gpu, neuron = item.type.gpu, item.type.neuron
    if gpu and gpu.partition < 1:
        share = fraction(gpu.partition)
        return say("d_slice", gpu=gpu.gpu, fraction=share, memory=number(gpu.memory_gib), **size)
    if gpu:
        memory = number(item.gpu.memory_gb if item.gpu else gpu.memory_gib)
        return say("d_gpu", gpu=short(gpu.gpu), memory=memory, count=gpu.devices, **size)
    if neuron:
        return say("d_neuron", model=neuron.model, count=neuron.devices, **size)
    cpu = (item.family and item.family.cpu_model) or item.type.cpu_maker
    return say("d_cpu", cpu=cpu, **size)


def family_sentence(say: Phrases, item: FamilyProfile) -> str:
    """Return what a family is, in one sentence."""
    first = item.members[0]
    if len(item.members) == 1:
        return say(
            "d_family_one", name=display(item.key), what=_family_what(say, item), only=first.key
        )
    return say(
        "d_family",
        name=display(item.key),
        what=_family_what(say, item),
        sizes=len(item.members),
        smallest=first.key,
        largest=item.members[-1].key,
    )


def _family_what(say: Phrases, item: FamilyProfile) -> str:
    first = item.members[-1]
    if first.type.gpu and first.gpu:
        gpu, partition = first.gpu, min(m.type.gpu.partition for m in item.members if m.type.gpu)
        if partition < 1:
            return say("d_family_slice", gpu=gpu.key)
        return say("d_family_gpu", gpu=short(gpu.key), memory=gpu.memory_gb)
    if first.type.neuron:
        return say("d_family_neuron", model=first.type.neuron.model)
    cpu = (item.facts and item.facts.cpu_model) or first.type.cpu_maker
    return say("d_family_cpu", cpu=cpu)


def term_of(text: str) -> Term:
    """Return the purchase term that a question names; on-demand if none."""
    for term, words in _TERMS:
        if words.search(text):
            return term
    return "on-demand"


_TERMS: tuple[tuple[Term, re.Pattern[str]], ...] = (
    ("spot", re.compile(r"スポット|spot")),
    ("capacity-block", re.compile(r"capacity\s*block|キャパシティ\s*ブロック")),
)


def state(
    draft: Draft, item: Profile, key: str, region: str, term: Term = "on-demand"
) -> str | None:
    """Return one attribute of one item as a sentence; None where the attribute does not apply."""
    say = draft.say
    if key == "usd_per_hour" and term != "on-demand" and isinstance(item, InstanceProfile):
        quote = item.quote(term)
        draft.cite_quote(quote)
        return say(
            f"a_price_{term}", name=item.key, region=say.region(region), price=say.price(quote)
        )
    if key == "usd_per_hour":
        return _price_sentence(draft, item, region)
    if isinstance(item, FamilyProfile):
        return _range(say, item, key)
    if isinstance(item, SeriesProfile):
        return None
    subject = item.gpu if isinstance(item, GpuProfile) else item
    value = BY_KEY[key].of(subject)
    return _is(say, display(item.key), key, value, item)


def sources_of_attribute(item: Profile, key: str) -> list[str]:
    """Return the ids of the sources that an attribute of an item comes from."""
    if isinstance(item, SeriesProfile):
        return []
    first = (
        item
        if isinstance(item, InstanceProfile)
        else item.carriers[0]
        if isinstance(item, GpuProfile) and item.carriers
        else item.members[0]
        if isinstance(item, FamilyProfile)
        else None
    )
    gpu = item.gpu if isinstance(item, GpuProfile) else first and first.gpu
    sources = [first.type.source] if first else []
    if gpu and BY_KEY[key].gpu is not None:
        sources.append(gpu.source)
    if first and first.family and key == "cpu_model":
        sources.append(first.family.source)
    return sources


def wanted(request: Request, item: Profile) -> list[str]:
    """Return the attributes to state: general words mean a GPU's own for GPUs."""
    keys = [key for key in request.attributes if request.intent != "cost" or key[:3] != "usd"]
    if isinstance(item, GpuProfile):
        keys = [_OF_GPUS.get(key, key) for key in keys]
    # "GPU のメモリ" names the GPU only to say whose memory is meant.
    specific = any(
        key.startswith(("gpu_", "usable", "tflops", "memory_b")) and key != "gpu_model"
        for key in keys
    )
    return [key for key in keys if not (specific and key == "gpu_model")]


_OF_GPUS = {
    "memory_gib": "gpu_memory_gb",
    "gpu_model": "gpu_architecture",
    "arch": "gpu_architecture",
    "network_gbps": "memory_bandwidth_gb_s",
}
"""What a general word means when a GPU is asked about."""


def _is(
    say: Phrases, name: str, key: str, value: Value | None, item: InstanceProfile | GpuProfile
) -> str | None:
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
        name = (
            name
            if key == "gpu_model"
            else say("a_with_gpu", name=name, gpu=_gpu_named(say, name, item))
        )
    text = _valued(say, key, value, item)
    if key == "vcpus":
        return say("a_has", name=name, value=text)
    return say("a_is", name=name, label=_bare(label), value=text)


def _bare(label: str) -> str:
    """Return a label without what its brackets add, unless they tell it from another."""
    return label if re.search(r"ベースライン|baseline", label) else label.split("(")[0].strip()


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
        each = (
            f"{number(attachment.memory_gib)} GiB"
            if attachment and _sliced(item)
            else f"{gpu.memory_gb} GB"
        )
        return f"{what(say, item)}({each})"
    return say.value(key, value)


def _sliced(item: InstanceProfile | GpuProfile) -> bool:
    return (
        isinstance(item, InstanceProfile)
        and item.type.gpu is not None
        and item.type.gpu.partition < 1
    )


def _about_gpu(key: str) -> bool:
    return BY_KEY[key].gpu is not None or key.startswith("gpu_")


def _range(say: Phrases, item: FamilyProfile, key: str) -> str | None:
    """Return an attribute of a family: one value, or its range with the sizes at its ends."""
    name, found = display(item.key), [(BY_KEY[key].of(member), member) for member in item.members]
    values = [value for value, _ in found if value is not None]
    if len(values) < len(found) or len(set(values)) == 1 or isinstance(values[0], str | bool):
        return _is(say, name, key, found[-1][0], item.members[-1])
    ordered: Sequence[tuple[Value | None, InstanceProfile]] = sorted(
        found, key=lambda pair: float(pair[0] or 0)
    )
    (low, smallest), (high, largest) = ordered[0], ordered[-1]
    return say(
        "a_range",
        name=name,
        label=say.label(key),
        low=say.value(key, low),
        low_name=smallest.key,
        high=say.value(key, high),
        high_name=largest.key,
    )


def _price_sentence(draft: Draft, item: Profile, region: str) -> str | None:
    say, place = draft.say, draft.say.region(region)
    if isinstance(item, SeriesProfile):
        return None
    members = _priced_members(item)
    name = display(item.key)
    draft.cite_prices(members)
    priced = sorted(
        (m for m in members if m.usd_per_hour is not None), key=lambda m: m.usd_per_hour or 0
    )
    if not priced:
        return _unpriced_sentence(say, name, members, region)
    low, high = priced[0], priced[-1]
    if low is high:
        return say("a_price", name=low.key, region=place, price=say.price(low.quote()))
    return say(
        "a_price_range",
        name=name,
        region=place,
        low=say.price(low.quote()),
        low_name=low.key,
        high=say.price(high.quote()),
        high_name=high.key,
    )


def _unpriced_sentence(
    say: Phrases, name: str, members: Sequence[InstanceProfile], region: str
) -> str:
    """Return why there is no price: unknown, not sold in the region, or withdrawn."""
    place = say.region(region)
    if any(region in member.type.regions for member in members):
        return say("a_price_unknown", name=name, region=place)
    quote = members[0].quote() if len(members) == 1 else None
    if (
        quote
        and isinstance(quote.purchase, NotOffered)
        and quote.purchase.last_known
        and quote.source
    ):
        usd = number(quote.purchase.last_known.usd_per_hour, money=True)
        return say("a_price_withdrawn", name=name, region=place, usd=usd, date=quote.source.as_of)
    return say("a_price_not_offered", name=name, region=place)


def _priced_members(
    item: InstanceProfile | FamilyProfile | GpuProfile,
) -> tuple[InstanceProfile, ...]:
    match item:
        case InstanceProfile():
            return (item,)
        case FamilyProfile():
            return item.members
        case GpuProfile():
            return item.carriers
