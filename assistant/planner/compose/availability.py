"""Compose answers about regions: is it offered there, and where else."""

from __future__ import annotations

import re

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import display
from assistant.planner.compose.sentences import state
from assistant.planner.request import Request
from tools.instances import Description
from tools.profiles import FamilyProfile, GpuProfile, InstanceProfile, Profile

_JAPAN = ("ap-northeast-1", "ap-northeast-3")
MAX_NAMES = 12
_DENIED = re.compile(
    r"ない(?!か|の?\?)|なかった(?!\?|っけ|です?か)|ません(?!か)|終了|廃止|無理|not |n't|no longer"
)


def availability(draft: Draft, request: Request, result: Description) -> None:
    """Write, for each item, whether the regions asked for offer it, and where it is."""
    for item in result.items:
        members = _members(item)
        if not members:
            continue
        for region in request.regions:
            _in_region(draft, item, members, region, request)
        _everywhere(draft, item, members, request)
        for key in request.attributes:
            draft.add(state(draft, item, key, result.region) or "")
    if result.sources:
        draft.phrase("r_date", date=result.sources[0].as_of.isoformat())
    draft.cite(result.sources)


def _in_region(
    draft: Draft, item: Profile, members: list[InstanceProfile], region: str, request: Request
) -> None:
    say = draft.say
    offered = [member.key for member in members if region in member.type.regions]
    name, place = display(item.key), say.region(region)
    denied = request.asserted and bool(_DENIED.search(request.text))
    if len(offered) == len(members):
        draft.phrase("r_yes_denied" if denied else "r_yes", name=name, region=place)
    elif offered:
        shown = say.listed(offered[:MAX_NAMES])
        draft.phrase("r_some", name=name, region=place, names=shown)
    else:
        draft.phrase("r_no_denied" if denied else "r_no", name=name, region=place)
        near = [
            say.region(code)
            for code in _JAPAN
            if code != region and any(code in member.type.regions for member in members)
        ]
        if near:
            draft.phrase("r_near", regions=say.listed(near))


def _everywhere(
    draft: Draft, item: Profile, members: list[InstanceProfile], request: Request
) -> None:
    """List the regions: for one type those that offer it, for a group each member's."""
    say, name = draft.say, display(item.key)
    regions = list(dict.fromkeys(code for member in members for code in member.type.regions))
    if not regions:
        draft.phrase("r_nowhere", name=name)
        return
    answered = request.regions and any(
        region in member.type.regions for member in members for region in request.regions
    )
    if not answered or len(members) == 1:
        names = [
            f"{say.region(code)}({code})"
            if say.language == "ja"
            else f"{say.region(code)} ({code})"
            for code in regions
        ]
        draft.phrase("r_where", name=name, count=len(regions), regions=say.listed(names))


def _members(item: Profile) -> list[InstanceProfile]:
    match item:
        case InstanceProfile():
            return [item]
        case FamilyProfile():
            return [member for member in item.members if member.type.listed] or list(item.members)
        case GpuProfile():
            return list(item.carriers)
        case _:
            return []
