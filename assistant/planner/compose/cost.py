"""Compose costs: the amount, its formula, what a buyer asks next, assumptions and exclusions."""

from __future__ import annotations

import re
from decimal import Decimal

from assistant.planner.compose.claims import judge_cost
from assistant.planner.compose.context import Draft
from assistant.planner.compose.cost_elsewhere import elsewhere, no_price
from assistant.planner.compose.cost_next import gpu_hour, next_questions
from assistant.planner.compose.cost_words import Wording, floor, percent, plain
from assistant.planner.compose.phrases import number
from assistant.planner.lines import asks_spot
from assistant.planner.request import Request
from tools.cost import CostEstimate, CostLine
from tools.cost.terms import commitment_of
from tools.profiles import Quote

SPOT_DAYS = 7
BLOCK_DAYS = 30
_HOW_LONG = re.compile(r"何時間|何日|何か月|どれくらい|どのくらい|いつまで|how long|how many hours")
_LENGTHS = ("no_usage", "one_month", "every_day", "weekdays_month", "weekdays_week", "month_730")
"""Ages beyond which spot and Capacity Block prices carry a warning (design: decision 5)."""


def cost(draft: Draft, request: Request, result: CostEstimate) -> None:
    """Write a cost estimate."""
    words = Wording(draft.say, result)
    only = result.lines[0] if len(result.lines) == 1 else None
    judge_cost(draft, request.premise, result)
    _lead(draft, words, request, result)
    if only is None:
        _table(draft, words, result)
    for line in result.lines:
        if line.amounts is None and (only or line.reason == "not_offered"):
            elsewhere(draft, words, line)
    inverse = _inverse(request, result)
    if only and only.amounts and not inverse:
        draft.add(words.formula(only))
    if result.total and not inverse and not any(commitment_of(line.term) for line in result.lines):
        _rates(draft, words, result)
    if not inverse:
        _budget_more(draft, words, result)
        draft.add("\n".join(next_questions(draft, words, result)))
    _small_print(draft, words, result, inverse=inverse)
    _cite(draft, words, result)
    draft.suggestions += _suggestions(words, result)


def _inverse(request: Request, result: CostEstimate) -> bool:
    """Whether the question is how long a budget lasts, not whether a use fits it."""
    budget = result.budget
    if budget is None or any(line.term not in ("on-demand", "spot") for line in result.lines):
        return False
    return budget.within is None or bool(_HOW_LONG.search(request.text))


# -- the verdict -------------------------------------------------------------------------------


def _lead(draft: Draft, words: Wording, request: Request, result: CostEstimate) -> None:
    priced = [line for line in result.lines if line.amounts]
    only = result.lines[0] if len(result.lines) == 1 else None
    if only and not only.amounts:
        no_price(draft, words, only)
    elif only and "usd_per_gpu_hour" in request.attributes and only.usd_per_gpu_hour is not None:
        values = {"gpu_hour": gpu_hour(only), "rate": words.rate(only.quote)}
        gpus = number(only.gpus_each or 0)
        draft.add(words("lead_gpu_hour", name=only.name, gpus=gpus, **values, **words.where(only)))
    elif only and only.advice and only.saving_percent is not None and asks_spot(request.text):
        band = words.band(only.advice.interruption)
        values = {"name": only.name, "percent": percent(only.saving_percent), "band": band}
        draft.add(words("lead_spot", **values, **words.where(only)))
    elif result.budget:
        _budget(draft, words, result, inverse=_inverse(request, result))
    elif only:
        _amount(draft, words, only)
    elif result.differences:
        _cheaper(draft, words, result)
    elif result.total and result.complete:
        draft.add(words("lead_total", amount=words.money(result.total.period)))
    elif result.total:
        names = words.listed([line.name for line in result.lines if not line.amounts])
        draft.add(words("lead_partial", amount=words.money(result.total.period), names=names))
    elif not priced:
        draft.add(words("lead_none"))


def _amount(draft: Draft, words: Wording, line: CostLine) -> None:
    values = {
        "thing": words.thing(line),
        "amount": words.money(line.amount or Decimal(0)),
        **words.where(line),
    }
    commitment = commitment_of(line.term)
    if commitment and not line.usage.calendar:
        text = words("lead_commitment", years=commitment.years, **values)
        draft.add(text.replace("1 years", "1 year").replace("台 を", "台を"))
        return
    unsaid = any(note.code == "no_usage" for note in line.usage.assumptions)
    text = words("lead_unsaid" if unsaid else "lead", period=words.period(line), **values)
    draft.add(text.replace("台 を", "台を"))


def _cheaper(draft: Draft, words: Wording, result: CostEstimate) -> None:
    """Write which of the alternatives costs least."""
    first = min(
        result.differences, key=lambda item: (result.lines[item.cheaper].amount or 0, item.amount)
    )
    name, other = words.label(first.cheaper), words.label(first.dearer)
    if first.amount == 0:
        draft.add(words("lead_same", name=name, other=other))
        return
    draft.add(
        words(
            "lead_cheaper",
            name=name,
            other=other,
            amount=words.money(first.amount),
            percent=percent(first.saving_percent),
        )
    )


# -- table, totals, budget ---------------------------------------------------------------------


def _table(draft: Draft, words: Wording, result: CostEstimate) -> None:
    regions = len({line.region for line in result.lines}) > 1
    heads = [
        "col_name",
        "col_count",
        "col_term",
        *(["col_region"] if regions else []),
        "col_rate",
        "col_hours",
        "col_amount",
    ]
    rows: list[list[str]] = []
    for line in result.lines:
        mark = words.mark(line).strip("、, ")
        rate = words.rate(line.quote) if line.amounts else words(f"cell_{line.reason}")
        rate += f"({mark})" if mark and line.amounts else ""
        rows.append(
            [
                line.name,
                str(line.count),
                words.term(line.term),
                *([words.say.region(line.region)] if regions else []),
                rate,
                plain(line.billed_hours),
                words.money(line.amount) if line.amount is not None else "—",
            ]
        )
    draft.table([words(head) for head in heads], rows)


def _rates(draft: Draft, words: Wording, result: CostEstimate) -> None:
    total = result.total
    assert total is not None
    always = all(line.usage.continuous for line in result.lines)
    draft.add(
        words(
            "rates",
            hour=words.money(total.per_hour),
            day=words.money(total.per_day),
            month=words.money(total.per_month),
            year=words.money(total.per_year),
            day_label=words("day_always" if always else "day_running"),
        )
    )


def _budget(draft: Draft, words: Wording, result: CostEstimate, *, inverse: bool) -> None:
    budget = result.budget
    assert budget is not None
    shown, line = words.budget(budget.usd, budget.jpy), result.lines[0]
    if not inverse:
        amount = result.total.period if result.total else line.amount or Decimal(0)
        draft.add(
            words(
                "b_within" if budget.within else "b_over",
                budget=shown,
                amount=words.money(amount),
                left=words.money(abs(budget.left or Decimal(0))),
            )
        )
        return
    values = {"budget": shown, "hours": floor(budget.hours)}
    if len(result.lines) > 1:
        draft.add(words("b_hours_many", **values))
        return
    text = words("b_hours", thing=words.thing(line), **words.where(line), **values)
    draft.add(text.replace("台 を", "台を").replace(") なら", ")なら"))
    key = "b_formula" if line.count == 1 else "b_formula_count"
    values["budget"] = words("usd", usd=plain(budget.usd))
    draft.add(words(key, rate=words.rate(line.quote), count=line.count, **values))


def _budget_more(draft: Draft, words: Wording, result: CostEstimate) -> None:
    budget = result.budget
    if budget is None or budget.count is None:
        return
    if budget.count:
        draft.add(
            words("b_count", count=budget.count, cost=words.money(budget.count_cost or Decimal(0)))
        )
    else:
        by_the_hour = result.lines[0].term in ("on-demand", "spot")
        draft.add(words("b_count_none" if by_the_hour else "b_none", hours=floor(budget.hours)))
    largest = budget.largest
    if largest is None:
        draft.add(words("b_largest_none"))
    elif largest.name != result.lines[0].name:
        draft.add(
            words(
                "b_largest",
                name=largest.name,
                rate=words.rate(largest.quote),
                amount=words.money(largest.amount or Decimal(0)),
            )
        )
        draft.cite_quote(largest.quote)


# -- small print -------------------------------------------------------------------------------


def _small_print(draft: Draft, words: Wording, result: CostEstimate, *, inverse: bool) -> None:
    notes = [
        words(f"a_{note.code}", **note.values)
        for note in result.assumptions
        if not (inverse and note.code in _LENGTHS)
    ]
    if notes:
        draft.add(words("assumptions", items=words.listed(notes)).replace("1 years", "1 year"))
    if not any(line.amounts for line in result.lines):
        return
    gb = result.request.ebs_gb
    excluded = [
        words("x_ebs_gb", gb=number(gb)) if code == "ebs" and gb else words(f"x_{code}")
        for code in result.excluded
    ]
    draft.add(words("excluded", items=words.listed(excluded)))
    if result.jpy:
        day = words("rate_day", date=result.jpy.as_of) if result.jpy.as_of else words("rate_no_day")
        draft.add(words("rate_note", rate=number(result.jpy.jpy_per_usd, money=True), day=day))


def _cite(draft: Draft, words: Wording, result: CostEstimate) -> None:
    quotes = [line.quote for line in result.lines if line.amounts]
    for quote in quotes:
        draft.cite_quote(quote)
    if any(line.advice for line in result.lines):
        draft.cite(source for source in result.sources if source.id.startswith("spot-advisor"))
    for term, days, key in (
        ("spot", SPOT_DAYS, "stale_spot"),
        ("capacity-block", BLOCK_DAYS, "stale_block"),
    ):
        if any(_older(quote, term, days, draft) for quote in quotes):
            draft.add(words(key))


def _older(quote: Quote, term: str, days: int, draft: Draft) -> bool:
    return (
        quote.term == term
        and quote.source is not None
        and (draft.today - quote.source.as_of).days > days
    )


def _suggestions(words: Wording, result: CostEstimate) -> list[str]:
    line = result.lines[0]
    if not line.amounts:
        return []
    found = [words("ask_spot")] if line.term == "on-demand" else []
    other = (
        next((item.region for item in line.regions.priced if item.region != line.region), None)
        if line.regions
        else None
    )
    if other:
        found.append(words("ask_region", region=words.say.region(other)))
    return found
