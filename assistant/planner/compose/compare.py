"""Compose comparisons: the verdict first, then one table, then what each is good for."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from assistant.planner.compose.claims import judge, judge_same
from assistant.planner.compose.context import Draft
from assistant.planner.compose.gpus import compare_gpus
from assistant.planner.compose.phrases import Phrases, display, fraction, number
from assistant.planner.compose.rows import differing_rows
from assistant.planner.compose.sentences import family_sentence, state
from assistant.planner.compose.series import compare_series
from assistant.planner.request import Request
from knowledge.ec2.schema import Family, Gpu
from tools.attributes import BY_KEY
from tools.instances import Comparison
from tools.profiles import FamilyProfile, GpuProfile, InstanceProfile, Profile, SeriesProfile

_CENT = Decimal("0.01")


def compare(draft: Draft, request: Request, result: Comparison) -> None:
    """Write a comparison; with a focus (料金, メモリ, …) the winner under it comes first."""
    series = [item for item in result.items if isinstance(item, SeriesProfile)]
    if len(series) == len(result.items):
        compare_series(draft, series, result)
        return
    columns = [_column(result, key) for key in result.columns]
    machines = [column for column in columns if isinstance(column, InstanceProfile)]
    focused = _focus(draft, request, result, machines) if machines else False
    if machines:
        _lead(draft, result, machines, focused=focused)
        rows, same = differing_rows(draft.say, machines, result.region)
        prices = _price_range(draft.say, result)
        draft.table(
            (draft.say("item"), *result.columns), [(name, *cells) for name, cells in rows + prices]
        )
        if same:
            draft.phrase("c_same", labels=draft.say.listed(same))
        _ranges(draft, result)
        for machine in machines:
            draft.cite_quote(machine.quote())
            draft.cite_quote(machine.quote("spot"))
            draft.cite_quote(machine.quote("capacity-block"))
    else:
        gpus = [column for column in columns if isinstance(column, Gpu)]
        _judge_same(draft, request, _focused(request), gpus)
        compare_gpus(draft, gpus, result, _focused(request), request.claim)
    draft.cite(result.sources)
    draft.suggestions += _suggestions(draft.say, result)


def _column(result: Comparison, key: str) -> InstanceProfile | Gpu:
    for item in result.items:
        for candidate in _candidates(item):
            if candidate.key == key:
                return candidate
    raise KeyError(key)


def _candidates(item: Profile) -> Sequence[InstanceProfile | Gpu]:
    match item:
        case InstanceProfile():
            return (item,)
        case FamilyProfile():
            return item.members
        case GpuProfile():
            return (item.gpu, *item.carriers)
        case SeriesProfile():
            return [end for family in item.families for end in family.ends]


def _price_range(say: Phrases, result: Comparison) -> list[tuple[str, list[str]]]:
    """Return the row with the lowest and highest price over all sizes of compared families."""
    families = [item for item in result.items if isinstance(item, FamilyProfile)]
    if len(families) < len(result.items) or all(len(item.members) == 1 for item in families):
        return []
    cells: list[str] = []
    for item in families:
        prices = sorted(
            member.usd_per_hour for member in item.members if member.usd_per_hour is not None
        )
        ends = dict.fromkeys(prices[:1] + prices[-1:])
        text = " 〜 ".join(say("per_hour", usd=number(price, money=True)) for price in ends)
        cells.append(f"{item.key}: {text}" if prices else say("unpriced"))
    return [(say("c_price_range", region=say.region(result.region)), cells)]


def _lead(
    draft: Draft, result: Comparison, machines: list[InstanceProfile], *, focused: bool
) -> None:
    say = draft.say
    names = [display(item.key) for item in result.items]
    parts = [_what(say, machine, flags=len(machines) == 2) for machine in machines]
    if focused:
        return
    if len(machines) == 2:
        verdict = _price_verdict(draft, result, machines)
        draft.phrase("c_lead", a=names[0], x=parts[0], b=names[1], y=parts[1], verdict=verdict)
    else:
        listed = say.listed(
            say("c_part", name=name, what=part) for name, part in zip(names, parts, strict=True)
        )
        draft.phrase("c_lead_many", parts=listed)
    bullets: list[str] = []
    for item, machine in zip(result.items, machines, strict=True):
        use = _use(say, machine.family)
        if use:
            draft.quoted.append(use)
            bullets.append(say("c_use", name=display(item.key), use=use))
    if len({machine.type.family for machine in machines}) > 1:
        draft.add("\n".join(bullets))


def _use(say: Phrases, facts: Family | None) -> str:
    if facts is None:
        return ""
    return facts.good_for if say.language == "ja" else facts.good_for_en


def _what(say: Phrases, item: InstanceProfile, *, flags: bool) -> str:
    attachment = item.type.gpu
    if attachment and item.gpu:
        if attachment.partition < 1:
            return say("c_slice", gpu=item.gpu.key, fraction=fraction(attachment.partition))
        values: dict[str, object] = {
            "gpu": item.gpu.model if "RTX" not in item.gpu.key else item.gpu.key,
            "memory": item.gpu.memory_gb,
        }
        return (
            say("c_gpu_bf16", bf16=say("yes" if item.gpu.bf16 else "no"), **values)
            if flags
            else say("c_gpu", **values)
        )
    if item.type.neuron:
        return item.type.neuron.model
    return say("c_cpu", cpu=(item.family and item.family.cpu_model) or item.type.cpu_maker)


def _price_verdict(draft: Draft, result: Comparison, machines: list[InstanceProfile]) -> str:
    row = next((row for row in result.rows if row.attribute == "usd_per_hour"), None)
    prices = [machine.usd_per_hour for machine in machines]
    if row is None or None in prices:
        return ""
    place = draft.say.region(result.region)
    if row.ratio is None:
        return draft.say("c_same_price", region=place)
    cheap, dear = sorted(machines, key=lambda machine: machine.usd_per_hour or 0)
    ratio = format(row.ratio.quantize(_CENT).normalize(), "f")
    return draft.say("c_cheaper", region=place, cheap=cheap.key, dear=dear.key, ratio=ratio)


def _focus(
    draft: Draft, request: Request, result: Comparison, machines: list[InstanceProfile]
) -> bool:
    """Write the winner under the attribute asked for; return whether there was one."""
    key = request.sort or _focused(request)
    if key and request.claim:
        pairs = zip(result.items, machines, strict=True)
        judge(draft, request.claim, key, {item.key: BY_KEY[key].of(m) for item, m in pairs})
    _judge_same(draft, request, key, machines)
    if key is None:
        return False
    say, items, region = draft.say, result.items, result.region
    if key == "usd_per_hour":
        if any(machine.usd_per_hour is None for machine in machines):
            draft.phrase("c_no_price")
            return False
        cheapest = min(machines, key=lambda machine: machine.usd_per_hour or 0)
        draft.phrase(
            "c_winner_low",
            name=cheapest.key,
            region=say.region(region),
            price=say.price(cheapest.quote()),
        )
        return True
    best = [_best(item, machine, key) for item, machine in zip(items, machines, strict=True)]
    numbers = [(value, item, member) for item, member, value in best if value is not None]
    if len({value for value, _, _ in numbers}) > 1 and BY_KEY[key].better == "higher":
        value, item, member = max(numbers, key=lambda entry: entry[0])
        draft.phrase(
            "c_best_family",
            label=say.label(key),
            name=display(item.key),
            type=member.key,
            value=say.value(key, value),
        )
    sentences = [text for item in items if (text := state(draft, item, key, region))]
    draft.add(
        "\n".join(f"- {text}" for text in sentences) if len(sentences) > 1 else "".join(sentences)
    )
    return bool(sentences)


def _judge_same(
    draft: Draft, request: Request, key: str | None, columns: Sequence[InstanceProfile | Gpu]
) -> None:
    """Write whether the columns are the same in what was asked, if that was stated."""
    key = key or ("gpu_model" if "gpu_model" in request.attributes else None)
    if request.premise and request.premise.kind == "same" and key:
        if key == "memory_gib" and all(isinstance(column, Gpu) for column in columns):
            key = "gpu_memory_gb"
        values = {column.key: BY_KEY[key].of(column) for column in columns}
        judge_same(draft, request.premise, key, values)


def _best(
    item: Profile, column: InstanceProfile, key: str
) -> tuple[Profile, InstanceProfile, float | None]:
    """Return the member of an item with the largest value of an attribute, and that value."""
    members = item.members if isinstance(item, FamilyProfile) else (column,)
    values = [(BY_KEY[key].of(member), member) for member in members]
    numbers = [
        (float(v), m) for v, m in values if isinstance(v, int | float) and not isinstance(v, bool)
    ]
    value, member = max(numbers, key=lambda pair: pair[0]) if numbers else (None, column)
    return item, member, value


def _focused(request: Request) -> str | None:
    """Return the one attribute that a comparison is about, if there is one."""
    wanted = [key for key in request.attributes if key != "gpu_model"]
    return wanted[0] if len(wanted) == 1 else None


def _ranges(draft: Draft, result: Comparison) -> None:
    """Say how far each family goes beyond the size in the table, and what bites."""
    say = draft.say
    lines: list[str] = []
    for item in result.items:
        if not isinstance(item, FamilyProfile):
            continue
        largest = item.members[-1]
        if len(item.members) > 1:
            gpu = largest.type.gpu
            extent = (
                say("c_largest_gpu", count=number(gpu.count), vcpus=largest.type.vcpus)
                if gpu
                else say(
                    "c_largest_cpu",
                    vcpus=largest.type.vcpus,
                    memory=number(largest.type.memory_gib),
                )
            )
            lines.append(
                "- "
                + say(
                    "c_range",
                    name=display(item.key),
                    sizes=len(item.members),
                    largest=largest.key,
                    what=extent,
                )
            )
        else:
            lines.append("- " + family_sentence(say, item))
        caution = item.facts and (
            item.facts.caution if say.language == "ja" else item.facts.caution_en
        )
        if caution:
            draft.quoted.append(caution)
            lines[-1] += ("" if say.language == "ja" else " ") + caution
    draft.add("\n".join(lines))


def _suggestions(say: Phrases, result: Comparison) -> list[str]:
    first = result.items[0]
    if isinstance(first, GpuProfile):
        return [
            f"{first.key}を積むインスタンスは?"
            if say.language == "ja"
            else f"which instances have the {first.key}?"
        ]
    if say.language == "ja":
        return ["バージニア北部だと?", f"{display(first.key)}のサイズ一覧"]
    return ["what about us-east-1?", f"sizes of {display(first.key)}"]
