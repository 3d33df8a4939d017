"""Compose what a buyer asks next: savings, cheaper regions and types, break-even, forgetting."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from assistant.planner.compose.context import Draft
from assistant.planner.compose.cost_words import Wording, percent, plain
from assistant.planner.compose.phrases import number
from tools.cost import CostEstimate, CostLine

MAX_NAMES = 4


def next_questions(draft: Draft, words: Wording, result: CostEstimate) -> list[str]:
    """Return what follows from an estimate, a bullet each."""
    only = result.lines[0] if len(result.lines) == 1 and result.lines[0].amounts else None
    found: list[str] = []
    if only:
        makers: tuple[Callable[[Draft, Wording, CostLine], list[str]], ...] = (
            _against_on_demand,
            _cheaper_region,
            _equivalent,
            _per_gpu,
            _break_even,
        )
        found += [text for make in makers for text in make(draft, words, only)]
    if len(result.differences) > 1:
        found += [
            words(
                "n_difference",
                name=words.label(item.cheaper),
                other=words.label(item.dearer),
                amount=words.money(item.amount),
                percent=percent(item.percent),
            )
            for item in result.differences
        ]
    always = all(line.usage.continuous and line.usage.calendar for line in result.lines)
    if result.forgotten and not always and not result.request.alternatives:
        night, weekend = words.money(result.forgotten.night), words.money(result.forgotten.weekend)
        found.append(words("n_forgot", night=night, weekend=weekend))
    return found


def _against_on_demand(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    found: list[str] = []
    if line.upfront is not None:
        found.append(words("n_upfront", amount=words.money(line.upfront)))
    if line.saving and line.saving_percent is not None:
        key = "n_saving" if line.saving > 0 else "n_loss"
        found.append(
            words(key, amount=words.money(abs(line.saving)), percent=percent(line.saving_percent))
        )
        draft.cite_quote(line.on_demand)
    if line.advice:
        found.append(words("n_interruption", band=words.band(line.advice.interruption)))
    return found


def _cheaper_region(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    best = line.regions.priced[0] if line.regions and line.regions.priced else None
    if best is None or best.delta is None or best.delta >= 0 or best.amount is None:
        return []
    draft.cite_quote(best.quote)
    return [
        words(
            "n_region",
            region=words.say.region(best.region),
            amount=words.money(best.amount),
            delta=words.money(-best.delta),
        )
    ]


def _equivalent(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    same = line.equivalents
    best = same.priced[0] if same and same.priced else None
    if same is None or best is None or best.delta is None or best.delta >= 0 or best.amount is None:
        return []
    draft.cite_quote(best.quote)
    what = words("n_same_gpu" if same.same_gpu else "n_same_cpu")
    text = words(
        "n_equivalent",
        what=what,
        name=best.name,
        amount=words.money(best.amount),
        delta=words.money(-best.delta),
    )
    if same.unpriced:
        space = "" if words.say.language == "ja" else " "
        text += space + words("n_unpriced", names=words.listed(same.unpriced[:MAX_NAMES]))
    return [text]


def _per_gpu(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    if line.usd_per_gpu_hour is None or line.gpus_each in (None, 1):
        return []
    return [words("n_gpu_hour", gpu_hour=gpu_hour(line))]


def gpu_hour(line: CostLine) -> str:
    """Return the price of one GPU by the hour."""
    return number((line.usd_per_gpu_hour or Decimal(0)).quantize(Decimal("0.0001")), money=True)


def _break_even(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    for item in line.break_evens[:1]:
        draft.cite_quote(item.quote)
        source = item.quote.source
        return [
            words(
                "n_break_even",
                date=source.as_of if source else "?",
                term=words.term(item.term),
                hours=plain(item.hours_per_month),
                percent=percent(item.saving_percent),
                amount=words.money(item.per_month),
            )
        ]
    return []
