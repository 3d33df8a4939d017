"""Compose answers to yes/no questions: is the premise right, and if not, what is."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from assistant.planner.compose.context import Draft
from assistant.planner.compose.describe import describe
from assistant.planner.compose.phrases import Phrases, display, fraction, short
from assistant.planner.negation import denies, denies_identity
from assistant.planner.quantities import Quantity
from assistant.planner.request import Request
from knowledge.ec2.schema import GpuAttachment
from tools.attributes import BY_KEY, Value
from tools.instances import Description
from tools.profiles import FamilyProfile, GpuProfile, InstanceProfile, Profile

Verdict = Literal["yes", "no", "depends"]
_HALF_GB = Decimal("0.6")
_PRICE_TOLERANCE = Decimal("0.02")
"""People quote prices rounded; 30 USD for 30.10 is right."""
_ABOUT = Decimal("0.1")
_DECIMAL_PREFIX = Decimal("0.025")
_OPERATORS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_WHOLE = re.compile(r"丸ごと|まるごと|フル|full|whole|entire|1枚")
_MAXIMUM = re.compile(r"最大|上限|max|tops? out|at most|up to|(?:vcpu|gb|gib|枚|基)まで")


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a claim holds, and the sentence that says what is true."""

    verdict: Verdict
    statement: str
    echo: str = ""
    """The part of the statement that repeats the user's own figure."""


def verify(draft: Draft, request: Request, result: Description) -> None:
    """Check every claim of the request against the profiles, and say what is true."""
    machines = [item for item in result.items if isinstance(item, InstanceProfile | FamilyProfile)]
    gpus = [item for item in result.items if isinstance(item, GpuProfile)]
    findings = _findings(draft.say, request, machines, gpus)
    if not findings:
        describe(draft, request, result)
        return
    for position, finding in enumerate(sorted(findings, key=lambda found: found.verdict == "yes")):
        # After a "no" the parts that are right are stated, not confirmed.
        confirms = position == 0 or finding.verdict != "yes"
        draft.add(
            draft.say(f"v_{finding.verdict}", statement=finding.statement)
            if confirms
            else finding.statement
        )
        draft.quoted += [finding.echo] if finding.echo else []
    wrong = [
        gpu for gpu in gpus if machines and not any(gpu.key in _gpus(item) for item in machines)
    ]
    for gpu in wrong:
        if gpu.carriers:
            families = dict.fromkeys(carrier.type.family for carrier in gpu.carriers)
            draft.phrase(
                "v_carriers", gpu=gpu.key, carriers=draft.say.listed(map(display, families))
            )
    for item in machines:
        facts = item.family if isinstance(item, InstanceProfile) else item.facts
        caution = facts and (facts.caution if draft.say.language == "ja" else facts.caution_en)
        draft.quote_curated(caution or None)
    draft.cite(result.sources)


def _findings(
    say: Phrases,
    request: Request,
    machines: Sequence[InstanceProfile | FamilyProfile],
    gpus: Sequence[GpuProfile],
) -> list[Finding]:
    findings: list[Finding] = []
    if request.premise and request.premise.kind == "sizes":
        counted = [item for item in machines if isinstance(item, FamilyProfile)]
        return [_sizes_claim(say, item, request.premise.count) for item in counted]
    for item in machines:
        if gpus:
            findings.append(_gpu_claim(say, item, gpus, request.text))
        findings += [_quantity_claim(say, item, q, request.text) for q in request.quantities]
        findings += [_flag_claim(say, item, row, request.text) for row in _stated(request)]
    if not machines:
        for gpu in gpus:
            findings += [
                _quantity_claim(say, gpu, q, request.text)
                for q in request.quantities
                if BY_KEY[q.attribute].gpu
            ]
            findings += [_flag_claim(say, gpu, row, request.text) for row in _stated(request)]
    return findings


def _sizes_claim(say: Phrases, item: FamilyProfile, claimed: int) -> Finding:
    """Judge how many sizes a family is said to have."""
    listed = [member for member in item.members if member.type.listed] or list(item.members)
    ends = {"small": listed[0].key, "large": listed[-1].key}
    statement = say("v_sizes", name=display(item.key), count=len(listed), **ends)
    return Finding("yes" if len(listed) == claimed else "no", statement)


def _stated(request: Request) -> list[dict[str, Any]]:
    """Return the properties that are stated: of `IntelじゃなくてAMD` only AMD."""
    claims = [row for row in request.filters if row.get("claim")]
    meant = [row for row in claims if not row.get("negated")]
    return meant if meant and not denies(request.text) else claims


def _gpus(item: InstanceProfile | FamilyProfile) -> list[str]:
    members = [item] if isinstance(item, InstanceProfile) else item.members
    return list(dict.fromkeys(member.type.gpu.gpu for member in members if member.type.gpu))


def _slice_claim(say: Phrases, name: str, attachment: GpuAttachment, text: str) -> Finding:
    """Judge what is said about the share of a GPU: a half, a quarter, the whole."""
    said = next((share for share, words in _SHARES if words.search(text)), None)
    if said is None and _WHOLE.search(text):
        said = 1.0
    share = fraction(attachment.partition)
    verdict: Verdict = "no" if said is not None and said != attachment.partition else "yes"
    return Finding(verdict, say("v_slice", name=name, gpu=attachment.gpu, fraction=share))


_SHARES = (
    (0.5, re.compile(r"半分|1/2|2分の1|half")),
    (0.25, re.compile(r"1/4|4分の1|四分の一|quarter")),
    (0.125, re.compile(r"1/8|8分の1|八分の一|eighth")),
)


def _with_memory(say: Phrases, item: InstanceProfile | FamilyProfile) -> list[str]:
    """Return the GPUs of an item with their memory: `A100(40 GB)`."""
    members = [item] if isinstance(item, InstanceProfile) else item.members
    gpus = {member.gpu.key: member.gpu for member in members if member.gpu}
    return [say("c_gpu", gpu=short(gpu.key), memory=gpu.memory_gb) for gpu in gpus.values()]


def _gpu_claim(
    say: Phrases, item: InstanceProfile | FamilyProfile, gpus: Sequence[GpuProfile], text: str
) -> Finding:
    name, real = display(item.key), _gpus(item)
    if not real:
        return Finding("no", say("v_gpu_none", name=name))
    described = say.listed(_with_memory(say, item))
    if any(gpu.key in real for gpu in gpus):
        attachment = (
            item.type.gpu if isinstance(item, InstanceProfile) else item.members[0].type.gpu
        )
        if attachment and attachment.partition < 1:
            return _slice_claim(say, name, attachment, text)
        verdict: Verdict = "no" if denies_identity(text) else "yes"
        return Finding(verdict, say("v_gpu_is", name=name, gpu=described))
    if denies_identity(text):
        return Finding("yes", say("v_gpu_is", name=name, gpu=described))
    wrong = say.listed(dict.fromkeys(gpu.gpu.model for gpu in gpus))
    return Finding("no", say("v_gpu_not", name=name, wrong=wrong, gpu=described))


def _quantity_claim(say: Phrases, item: Profile, quantity: Quantity, text: str) -> Finding:
    key = quantity.attribute
    if (
        key == "gpu_count"
        and isinstance(item, InstanceProfile)
        and (gpu := item.type.gpu)
        and gpu.partition < 1
    ):
        share = fraction(gpu.partition)
        return Finding("no", say("v_slice", name=item.key, gpu=gpu.gpu, fraction=share))
    name, values = display(item.key), _values(item, key)
    label = say.label(key).split("(")[0].strip()
    if isinstance(item, InstanceProfile) and item.type.gpu and key.startswith("gpu_"):
        name = say("a_with_gpu", name=name, gpu=item.type.gpu.gpu)
    if not values:
        return Finding("no", say("a_none", name=name, label=label))
    holds = [_matches(item_value, quantity) for _, item_value in values]
    if all(holds) or not any(holds):
        verdict: Verdict = "yes" if all(holds) else "no"
    else:
        verdict = "depends"
    low, high = values[0], values[-1]
    if low[1] != high[1] and _MAXIMUM.search(text):
        verdict = "yes" if _matches(high[1], replace(quantity, op="=", explicit=False)) else "no"
    if low[1] != high[1]:
        statement = say(
            "v_mixed",
            name=name,
            label=label,
            low=say.value(key, low[1]),
            low_name=low[0],
            high=say.value(key, high[1]),
            high_name=high[0],
        )
        return Finding(verdict, statement)
    value = say.value(key, low[1])
    if verdict == "yes" or quantity.explicit:
        return Finding(verdict, say("v_value_is", name=name, label=label, value=value))
    wrong = say("not_", wrong=say.value(key, quantity.value))
    return Finding(
        verdict, say("v_value_not", name=name, label=label, value=value, wrong=wrong), wrong
    )


def _matches(value: Value, quantity: Quantity) -> bool:
    actual, claimed = Decimal(str(value)), quantity.value
    if not quantity.explicit:
        quantity = replace(quantity, op="=")
    if quantity.op == "=" and quantity.attribute.startswith("usd"):
        return abs(actual - claimed) <= actual * _PRICE_TOLERANCE
    if quantity.approximate:
        return abs(actual - claimed) <= actual * _ABOUT
    if quantity.op == "=" and quantity.unit in ("GB", "GiB"):
        # People say 2 TB for 2,048 GiB and 22 GB for 22.4 GiB.
        return abs(actual - claimed) <= max(_HALF_GB, actual * _DECIMAL_PREFIX)
    return _OPERATORS[quantity.op](actual, claimed)


def _values(item: Profile, key: str) -> list[tuple[str, Value]]:
    """Return (type, value) of the members that have a value, lowest first."""
    if isinstance(item, GpuProfile):
        value = BY_KEY[key].of(item.gpu)
        return [] if value is None else [(item.key, value)]
    members = (
        [item]
        if isinstance(item, InstanceProfile)
        else item.members
        if isinstance(item, FamilyProfile)
        else ()
    )
    found = [(member.key, BY_KEY[key].of(member)) for member in members]
    pairs = [(name, value) for name, value in found if value is not None and value != 0]
    return sorted(pairs, key=lambda pair: float(pair[1]) if not isinstance(pair[1], str) else 0)


def _flag_claim(
    say: Phrases, item: InstanceProfile | FamilyProfile | GpuProfile, row: dict[str, Any], text: str
) -> Finding:
    if "gpu_architecture" in row:
        return _architecture_claim(say, item, str(row["gpu_architecture"]))
    if "attribute" not in row:
        return _cpu_claim(say, item, row, text)
    key, name = str(row["attribute"]), display(item.key)
    label = {"efa_interfaces": "EFA", "nvlink_gb_s": "NVLink"}.get(key, say.label(key))
    members = (
        [item.gpu]
        if isinstance(item, GpuProfile)
        else list([item] if isinstance(item, InstanceProfile) else item.members)
    )
    having = [member for member in members if BY_KEY[key].of(member)]
    negated = denies(text)
    if len(having) == len(members) or not having:
        supported = bool(having)
        statement = say("a_flag_yes" if supported else "a_flag_no", name=name, label=label)
        if not isinstance(BY_KEY[key].of(members[-1]), bool | None):
            statement = _amount(say, item, key, name, label)
        return Finding("yes" if supported != negated else "no", statement)
    some = say.listed(member.key for member in having)
    if key == "bare_metal":  # a size of its own: what is stated is that the family has it
        statement = say("v_has", name=name, label=label, names=some)
        return Finding("no" if negated else "yes", statement)
    return Finding("depends", say("v_some", names=some))


def _amount(say: Phrases, item: Profile, key: str, name: str, label: str) -> str:
    """Return how much of something an item has, as a sentence."""
    values = _values(item, key)
    if not values:
        return say("a_none", name=name, label=label)
    (small, low), (large, high) = values[0], values[-1]
    if low == high:
        return say("v_value_is", name=name, label=label, value=say.value(key, low))
    return say(
        "v_mixed",
        name=name,
        label=label,
        low=say.value(key, low),
        low_name=small,
        high=say.value(key, high),
        high_name=large,
    )


def _architecture_claim(
    say: Phrases, item: InstanceProfile | FamilyProfile | GpuProfile, claimed: str
) -> Finding:
    gpu = item.gpu if not isinstance(item, FamilyProfile) else item.members[-1].gpu
    name, label = display(item.key), say.label("gpu_architecture")
    if gpu is None:
        return Finding("no", say("v_gpu_none", name=name))
    statement = say("v_value_is", name=name, label=label, value=gpu.architecture)
    return Finding("yes" if gpu.architecture.startswith(claimed) else "no", statement)


def _cpu_claim(
    say: Phrases, item: InstanceProfile | FamilyProfile | GpuProfile, row: dict[str, Any], text: str
) -> Finding:
    first = (
        item
        if isinstance(item, InstanceProfile)
        else (item.members if isinstance(item, FamilyProfile) else item.carriers)[0]
    )
    holds = (
        row.get("arch", first.type.arch) == first.type.arch
        and row.get("cpu_maker", first.type.cpu_maker) == first.type.cpu_maker
    )
    model = (first.family and first.family.cpu_model) or first.type.cpu_maker
    statement = say("v_arch", name=display(item.key), maker=model, arch=first.type.arch)
    return Finding("yes" if holds != denies(text) else "no", statement)
