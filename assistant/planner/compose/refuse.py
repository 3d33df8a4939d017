"""Compose what cannot be answered as asked: unknown names, requests out of scope, small talk."""

from __future__ import annotations

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import display
from assistant.planner.compose.rows import what
from assistant.planner.request import Request
from assistant.planner.vocabulary import table
from tools.results import InputFailure, NameFailure

MAX_NAMES = 8
GPU_CHOICES = ("T4", "L4", "A10G", "L40S", "RTX PRO 6000", "A100", "H100", "H200", "B200", "B300")
"""GPU models of the current families, for people who ask for one that EC2 does not have."""
_TALK = ("thanks", "greeting")


def unknown_name(draft: Draft, request: Request, failure: NameFailure) -> None:
    """Write that a name does not exist, with the real ones."""
    draft.abstained, draft.reason = True, "not_found"
    draft.quoted += [failure.name, failure.name.upper(), display(failure.name)]
    if failure.name.lower() in table("names")["foreign"]["gpus"]:
        draft.phrase("f_foreign_gpu", name=failure.name.upper())
        draft.phrase("f_foreign_more", names=draft.say.listed(GPU_CHOICES))
    elif failure.problem == "outside":
        draft.phrase("f_outside", name=failure.name)
        draft.phrase("f_outside_more")
    elif failure.problem == "no_such_size":
        _sizes(draft, failure)
    else:
        draft.phrase("f_no_such_family", name=display(failure.name))
        near = _near(failure)
        if near:
            draft.phrase("f_nearest", names=draft.say.listed(near))
    if failure.alternatives:
        _alternatives(draft, failure)


def bad_input(draft: Draft, failure: InputFailure) -> None:
    """Write why a tool refused the request."""
    draft.abstained, draft.reason = True, "unclear"
    message = failure.message_ja if draft.say.language == "ja" else failure.message_en
    draft.quoted.append(message)  # it repeats the user's own figure and names the limit
    draft.add(message)


def talk(draft: Draft, request: Request, *, specs_date: str) -> None:
    """Write small talk, help, or a refusal with what can be done instead."""
    intent = request.intent
    if intent in _TALK:
        draft.phrase(intent)
    elif intent == "help":
        draft.phrase("help")
        draft.phrase("help_list")
    elif intent == "empty":
        draft.decline("empty", "empty")
    elif intent == "unclear":
        draft.decline("unclear", "unclear")
        draft.phrase("examples")
    elif not draft.say.has(intent):
        draft.decline("unclear", "unclear")
        draft.phrase("examples")
    else:
        covered = intent in ("decline_cost", "decline_sizing", "decline_generate")
        draft.decline(intent, "not_covered" if covered else "out_of_scope", date=specs_date)
        if not request.subjects:
            draft.phrase("examples")


def _sizes(draft: Draft, failure: NameFailure) -> None:
    names = failure.suggestions
    family = display(failure.name.lower().partition(".")[0])
    key = "f_no_such_size" if len(names) <= MAX_NAMES else "f_many_sizes"
    # The largest are what people who invent a size usually look for.
    shown = draft.say.listed(names if len(names) <= MAX_NAMES else names[-MAX_NAMES:])
    draft.phrase(key, name=failure.name, family=family, names=shown, count=len(names))


def _near(failure: NameFailure) -> list[str]:
    ultra: dict[str, list[str]] = table("names")["ultra"]
    family = failure.name.lower().partition(".")[0]
    return [display(name) for name in ultra.get(family, failure.suggestions)]


def _alternatives(draft: Draft, failure: NameFailure) -> None:
    say = draft.say
    region = failure.alternatives[0].quotes[0].region
    rows = [
        (item.key, what(say, item), str(item.type.vcpus), say.price(item.quote()))
        for item in failure.alternatives
    ]
    draft.table((say("size"), "GPU", "vCPU", say("on_demand_in", region=say.region(region))), rows)
    draft.cite_prices(failure.alternatives)
