"""Compose what has no price here: why, the command that may fetch it, where it is sold."""

from __future__ import annotations

from decimal import Decimal

from assistant.planner.compose.context import Draft
from assistant.planner.compose.cost_words import Wording
from tools.cost import CostLine
from tools.cost.models import Offer
from tools.cost.nearby import JAPAN


def no_price(draft: Draft, words: Wording, line: CostLine) -> None:
    """Write why a line has no price."""
    values = {"name": line.name, **words.where(line)}
    if line.reason == "sagemaker":
        draft.add(words("sagemaker", asked=line.asked))
        if line.quote.usd_per_hour is not None:
            draft.add(words("sagemaker_ec2", rate=words.rate(line.quote), **values))
            draft.cite_quote(line.quote)
    elif line.reason == "not_offered":
        draft.add(words("not_offered", **values))
    else:
        draft.add(words("unknown", command=line.refresh, **values))


def elsewhere(draft: Draft, words: Wording, line: CostLine) -> None:
    """Write where else it is sold, always with the name of that region."""
    say = words.say
    if line.reason == "sagemaker":
        return
    if line.reason == "not_offered":
        _in_japan(draft, words, line)
    priced = [item for item in line.alternatives if item.amount is not None]
    unpriced = [item for item in line.alternatives if item.amount is None]
    if unpriced and line.reason == "not_offered":
        draft.add(words("near_unpriced", region=say.region(unpriced[0].region)))
    if not priced:
        draft.add(words("near_none"))
        return
    nearest, cheapest = priced[0], min(priced, key=lambda item: item.amount or 0)
    key = "near_reference" if line.reason == "unknown" else "near_priced"
    draft.add(_offer(words, key, nearest, line) + _gap(words, nearest, cheapest))
    if cheapest.region != nearest.region and nearest.delta:
        draft.add(_offer(words, "near_cheapest", cheapest, line))
    for item in priced:
        draft.cite_quote(item.quote)


def _in_japan(draft: Draft, words: Wording, line: CostLine) -> None:
    others = [code for code in JAPAN if code != line.region] if line.region in JAPAN else []
    for code in others:
        offered = any(item.region == code for item in line.alternatives)
        draft.add(words("japan_yes" if offered else "japan_no", region=words.say.region(code)))


def _offer(words: Wording, key: str, item: Offer, line: CostLine) -> str:
    say = words.say
    return words(
        key,
        region=say.region(item.region),
        rate=words.rate(item.quote),
        amount=words.money(item.amount or Decimal(0)),
        here=say.region(line.region),
    )


def _gap(words: Wording, nearest: Offer, cheapest: Offer) -> str:
    if not nearest.delta:
        return ""
    space = "" if words.say.language == "ja" else " "
    return space + words(
        "near_dearer", cheapest=words.say.region(cheapest.region), delta=words.money(nearest.delta)
    )
