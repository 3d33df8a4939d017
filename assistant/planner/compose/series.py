"""Compose comparisons of whole series: what each is for, and how far it reaches."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import Phrases, display, number
from tools.instances import Comparison
from tools.profiles import FamilySummary, InstanceProfile, SeriesProfile

MAX_FAMILIES = 6


def compare_series(draft: Draft, series: Sequence[SeriesProfile], result: Comparison) -> None:
    """Write series side by side."""
    say = draft.say
    parts = [say("c_series", name=item.key, what=say(f"d_series_{item.key}")) for item in series]
    draft.phrase("c_lead_many", parts=say.listed(parts))
    names = [say("c_series_name", name=item.key) for item in series]
    rows = [
        (say("c_series_families"), *(_families(say, item) for item in series)),
        ("GPU", *(_gpus(say, item) for item in series)),
        (say("c_series_largest"), *(_largest(say, item) for item in series)),
    ]
    draft.table((say("item"), *names), rows)
    for item in series:
        newest = item.families[0]
        use = newest.facts and (
            newest.facts.good_for if say.language == "ja" else newest.facts.good_for_en
        )
        if use:
            draft.quoted.append(use)
            draft.add(
                "- " + say("c_series_newest", name=item.key, family=display(newest.key), use=use)
            )
    draft.cite(result.sources)


def _families(say: Phrases, item: SeriesProfile) -> str:
    shown = say.listed(display(family.key) for family in item.families[:MAX_FAMILIES])
    return say("c_series_count", names=shown, count=len(item.families))


def _gpus(say: Phrases, item: SeriesProfile) -> str:
    models = dict.fromkeys(
        family.largest.gpu.model for family in item.families if family.largest.gpu
    )
    return say.listed(models) if models else say("none")


def _largest(say: Phrases, item: SeriesProfile) -> str:
    ends: list[InstanceProfile] = [_end(family) for family in item.families]
    largest = max(ends, key=lambda end: end.type.vcpus)
    return say(
        "c_series_size",
        name=largest.key,
        vcpus=largest.type.vcpus,
        memory=number(largest.type.memory_gib),
    )


def _end(family: FamilySummary) -> InstanceProfile:
    return family.largest
