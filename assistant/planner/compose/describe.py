"""Compose answers about single things: what it is, one of its attributes, the sizes it comes in."""

from __future__ import annotations

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import Phrases, display, number
from assistant.planner.compose.rows import gpu_memory, summary_rows, what
from assistant.planner.compose.sentences import (
    family_sentence,
    instance_sentence,
    sources_of_attribute,
    state,
    term_of,
    wanted,
)
from assistant.planner.request import Request
from knowledge.ec2.schema import Family
from tools.attributes import BY_KEY
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
    term = term_of(request.text)
    sentences = [
        sentence
        for item in (machines or items)
        for key in wanted(request, item)
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
    used = {
        source
        for item in items
        for key in wanted(request, item)
        for source in sources_of_attribute(item, key)
    }
    draft.cite(source for source in result.sources if source.id in used)


def sizes(draft: Draft, request: Request, result: Description) -> None:
    """Write the sizes of families."""
    for item in result.items:
        if isinstance(item, FamilyProfile):
            draft.add("**" + family_sentence(draft.say, item) + "**")
            _sizes(draft, item, result.region)
    draft.cite(result.sources)


def _absent(draft: Draft, request: Request, item: Profile) -> None:
    """Say first that a region that was asked for does not offer the item at all."""
    members = (
        [item]
        if isinstance(item, InstanceProfile)
        else item.members
        if isinstance(item, FamilyProfile)
        else ()
    )
    for region in request.regions:
        if members and not any(region in member.type.regions for member in members):
            name = display(item.key)
            draft.add(
                "**" + draft.say("not_in_region", name=name, region=draft.say.region(region)) + "**"
            )


def _instance(draft: Draft, item: InstanceProfile, region: str) -> None:
    say, quote = draft.say, item.quote()
    lead = instance_sentence(say, item)
    if quote and quote.usd_per_hour is not None:
        lead = say("d_price", lead=lead, region=say.region(region), price=say.price(quote))
    else:
        lead = say("d_no_price", lead=lead)
    draft.add(f"**{lead}**")
    draft.table(
        (say("item"), item.key),
        [(name, *cells) for name, cells in summary_rows(say, [item], region)],
    )
    _use(draft, item.family)
    _retired(draft, item)
    _reference(draft, item, None)
    for term in ("on-demand", "spot", "capacity-block"):
        draft.cite_quote(item.quote(term))
    draft.suggestions += _instance_suggestions(say, item)


def _family(draft: Draft, item: FamilyProfile, region: str) -> None:
    draft.add("**" + family_sentence(draft.say, item) + "**")
    _sizes(draft, item, region)
    _use(draft, item.facts)
    _retired(draft, item.members[0])


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
    return [
        *row,
        say.value("network_gbps", member.type.network.peak_gbps),
        say.price(member.quote()),
    ]


def _gpu(draft: Draft, item: GpuProfile) -> None:
    say, gpu = draft.say, item.gpu
    key = "d_gpu_model" if item.carriers else "d_gpu_nowhere"
    carriers = say.listed(
        display(family) for family in dict.fromkeys(c.type.family for c in item.carriers)
    )
    draft.add(
        "**"
        + say(
            key,
            name=gpu.key,
            architecture=gpu.architecture,
            maker=gpu.maker,
            memory=gpu.memory_gb,
            carriers=carriers,
        )
        + "**"
    )
    keys = (
        "memory_bandwidth_gb_s",
        "tflops_fp32",
        "tflops_bf16",
        "tflops_fp16",
        "tflops_fp8",
        "bf16",
        "fp8",
        "flash_attention_2",
        "nvlink_gb_s",
        "compute_capability",
    )
    rows = [(say.label("gpu_memory_gb"), gpu_memory(say, gpu))]
    rows += [
        (say.label(k), say.value(k, BY_KEY[k].of(gpu)))
        for k in keys
        if BY_KEY[k].of(gpu) is not None
    ]
    draft.table((say("item"), gpu.key), rows)
    draft.quote_curated(gpu.note if say.language == "ja" else gpu.note_en)
    carriers_shown = item.carriers[:MAX_CARRIERS]
    if carriers_shown:
        region = carriers_shown[0].quotes[0].region
        header = (say("size"), "GPU", "vCPU", say("on_demand_in", region=say.region(region)))
        draft.table(
            header,
            [
                (c.key, what(say, c), str(c.type.vcpus), say.price(c.quote()))
                for c in carriers_shown
            ],
        )
        draft.cite_prices(carriers_shown)


def _series(draft: Draft, item: SeriesProfile) -> None:
    say = draft.say
    kind = say(f"d_series_{item.key}")
    draft.add("**" + say("d_series", name=item.key, what=kind, count=len(item.families)) + "**")
    if item.key in ("Inf", "Trn"):
        draft.phrase("d_series_neighbour", name=item.key)
    header = (
        ("ファミリー", "GPU / CPU", "用途", "最大")
        if say.language == "ja"
        else ("Family", "GPU / CPU", "Good for", "Largest")
    )
    rows = [
        (display(f.key), _short(say, f.largest), _use_of(say, f.facts), f.largest.key)
        for f in item.families
    ]
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
        draft.phrase(
            "reference_price",
            region=draft.say.region(quotes[1].region),
            price=draft.say.price(quotes[1]),
            date=quotes[1].source.as_of.isoformat(),
        )
        draft.cite_quote(quotes[1])


def _instance_suggestions(say: Phrases, item: InstanceProfile) -> list[str]:
    family = display(item.type.family)
    if say.language == "ja":
        return [f"{family}のサイズ一覧", f"{item.key}はどのリージョンで使える?"]
    return [f"sizes of {family}", f"which regions offer {item.key}?"]
