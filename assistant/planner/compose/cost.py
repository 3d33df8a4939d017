"""Compose costs: the amount first, its formula, then what a buyer asks next, assumptions and exclusions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from assistant.planner.compose.context import Draft
from assistant.planner.compose.cost_words import Wording, floor, percent, plain
from assistant.planner.compose.phrases import number
from assistant.planner.slots import Request
from tools.cost import CostEstimate, CostLine
from tools.cost.models import Offer
from tools.cost.nearby import JAPAN
from tools.cost.terms import commitment_of
from tools.profiles import Quote

SPOT_DAYS = 7
BLOCK_DAYS = 30
MAX_NAMES = 4
"""Ages beyond which spot and Capacity Block prices carry a warning (design: decision 5)."""


def cost(draft: Draft, request: Request, result: CostEstimate) -> None:
    """Write a cost estimate."""
    words = Wording(draft.say, result)
    only = result.lines[0] if len(result.lines) == 1 else None
    _lead(draft, words, request, result)
    if only is None:
        _table(draft, words, result)
    for line in result.lines:
        if line.amounts is None and (only or line.reason == "not_offered"):
            _elsewhere(draft, words, line)
    inverse = result.budget is not None and result.budget.within is None
    if only and only.amounts and not inverse:
        draft.add(words.formula(only))
    if result.total and not inverse and not any(commitment_of(line.term) for line in result.lines):
        _rates(draft, words, result)
    _budget_more(draft, words, result)
    if not inverse:
        draft.add("\n".join(_next_questions(draft, words, result)))
    _small_print(draft, words, result)
    _cite(draft, words, result)
    draft.suggestions += _suggestions(words, result)


# -- the verdict -------------------------------------------------------------------------------


def _lead(draft: Draft, words: Wording, request: Request, result: CostEstimate) -> None:
    priced = [line for line in result.lines if line.amounts]
    only = result.lines[0] if len(result.lines) == 1 else None
    if only and not only.amounts:
        _no_price(draft, words, only)
    elif only and "usd_per_gpu_hour" in request.attributes and only.usd_per_gpu_hour is not None:
        draft.add(words("lead_gpu_hour", name=only.name, gpu_hour=_gpu_hour(only), rate=words.rate(only.quote),
                        gpus=number(only.gpus_each or 0), **_where(words, only)))
    elif result.budget:
        _budget(draft, words, result)
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


def _where(words: Wording, line: CostLine) -> dict[str, str]:
    return {"region": words.say.region(line.region), "term": words.term(line.term), "mark": words.mark(line)}


def _amount(draft: Draft, words: Wording, line: CostLine) -> None:
    values = {"thing": words.thing(line), "amount": words.money(line.amount or Decimal(0)), **_where(words, line)}
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
    first = min(result.differences, key=lambda item: (result.lines[item.cheaper].amount or 0, item.amount))
    name, other = _label(words, result, first.cheaper), _label(words, result, first.dearer)
    if first.amount == 0:
        draft.add(words("lead_same", name=name, other=other))
        return
    draft.add(words("lead_cheaper", name=name, other=other, amount=words.money(first.amount),
                    percent=percent(first.saving_percent)))


def _label(words: Wording, result: CostEstimate, index: int) -> str:
    """Return a line's name, with the region or term where the name alone does not tell it from the others."""
    line = result.lines[index]
    parts = [words.thing(line)]
    if len({item.region for item in result.lines}) > 1:
        parts.append(words.say.region(line.region))
    if len({item.term for item in result.lines}) > 1:
        parts.append(words.term(line.term))
    if len(parts) == 1:
        return parts[0]
    inner = words.listed(parts[1:])
    return f"{parts[0]}({inner})" if words.say.language == "ja" else f"{parts[0]} ({inner})"


def _no_price(draft: Draft, words: Wording, line: CostLine) -> None:
    values = {"name": line.name, **_where(words, line)}
    if line.reason == "sagemaker":
        draft.add(words("sagemaker", asked=line.asked))
        if line.quote.usd_per_hour is not None:
            draft.add(words("sagemaker_ec2", rate=words.rate(line.quote), **values))
            draft.cite_quote(line.quote)
    elif line.reason == "not_offered":
        draft.add(words("not_offered", **values))
    else:
        draft.add(words("unknown", command=line.refresh, **values))


def _elsewhere(draft: Draft, words: Wording, line: CostLine) -> None:
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
    return words(key, region=say.region(item.region), rate=words.rate(item.quote),
                 amount=words.money(item.amount or Decimal(0)), here=say.region(line.region))


def _gap(words: Wording, nearest: Offer, cheapest: Offer) -> str:
    if not nearest.delta:
        return ""
    space = "" if words.say.language == "ja" else " "
    return space + words("near_dearer", cheapest=words.say.region(cheapest.region), delta=words.money(nearest.delta))


# -- table, totals, budget ---------------------------------------------------------------------


def _table(draft: Draft, words: Wording, result: CostEstimate) -> None:
    regions = len({line.region for line in result.lines}) > 1
    heads = ["col_name", "col_count", "col_term", *(["col_region"] if regions else []), "col_rate", "col_hours", "col_amount"]
    rows: list[list[str]] = []
    for line in result.lines:
        mark = words.mark(line).strip("、, ")
        rate = words.rate(line.quote) if line.amounts else words(f"cell_{line.reason}")
        rate += f"({mark})" if mark and line.amounts else ""
        rows.append([
            line.name, str(line.count), words.term(line.term),
            *([words.say.region(line.region)] if regions else []), rate, plain(line.billed_hours),
            words.money(line.amount) if line.amount is not None else "—",
        ])
    draft.table([words(head) for head in heads], rows)


def _rates(draft: Draft, words: Wording, result: CostEstimate) -> None:
    total = result.total
    assert total is not None
    always = all(line.usage.continuous for line in result.lines)
    draft.add(words(
        "rates", hour=words.money(total.per_hour), day=words.money(total.per_day), month=words.money(total.per_month),
        year=words.money(total.per_year), day_label=words("day_always" if always else "day_running"),
    ))


def _budget(draft: Draft, words: Wording, result: CostEstimate) -> None:
    budget = result.budget
    assert budget is not None
    shown, line = words.budget(budget.usd, budget.jpy), result.lines[0]
    if budget.within is not None and result.lines[0].amounts:
        amount = result.total.period if result.total else line.amount or Decimal(0)
        draft.add(words("b_within" if budget.within else "b_over", budget=shown, amount=words.money(amount),
                        left=words.money(abs(budget.left or Decimal(0)))))
        return
    values = {"budget": shown, "hours": floor(budget.hours)}
    if len(result.lines) > 1:
        draft.add(words("b_hours_many", **values))
        return
    text = words("b_hours", thing=words.thing(line), **_where(words, line), **values)
    draft.add(text.replace("台 を", "台を"))
    key = "b_formula" if line.count == 1 else "b_formula_count"
    values["budget"] = words("usd", usd=plain(budget.usd))
    draft.add(words(key, rate=words.rate(line.quote), count=line.count, **values))


def _budget_more(draft: Draft, words: Wording, result: CostEstimate) -> None:
    budget = result.budget
    if budget is None or budget.count is None:
        return
    if budget.count:
        draft.add(words("b_count", count=budget.count, cost=words.money(budget.count_cost or Decimal(0))))
    else:
        draft.add(words("b_count_none", hours=floor(budget.hours)))
    largest = budget.largest
    if largest is None:
        draft.add(words("b_largest_none"))
    elif largest.name != result.lines[0].name:
        draft.add(words("b_largest", name=largest.name, rate=words.rate(largest.quote),
                        amount=words.money(largest.amount or Decimal(0))))
        draft.cite_quote(largest.quote)


# -- what a buyer asks next --------------------------------------------------------------------


def _next_questions(draft: Draft, words: Wording, result: CostEstimate) -> list[str]:
    only = result.lines[0] if len(result.lines) == 1 and result.lines[0].amounts else None
    found: list[str] = []
    if only:
        makers: tuple[Callable[[Draft, Wording, CostLine], list[str]], ...] = (
            _against_on_demand, _cheaper_region, _equivalent, _per_gpu, _break_even)
        found += [text for make in makers for text in make(draft, words, only)]
    if len(result.differences) > 1:
        found += [
            words("n_difference", name=_label(words, result, item.cheaper), other=_label(words, result, item.dearer),
                  amount=words.money(item.amount), percent=percent(item.percent))
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
        found.append(words(key, amount=words.money(abs(line.saving)), percent=percent(line.saving_percent)))
        draft.cite_quote(line.on_demand)
    if line.advice:
        found.append(words("n_interruption", band=words.band(line.advice.interruption)))
    return found


def _cheaper_region(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    best = line.regions.priced[0] if line.regions and line.regions.priced else None
    if best is None or best.delta is None or best.delta >= 0 or best.amount is None:
        return []
    draft.cite_quote(best.quote)
    return [words("n_region", region=words.say.region(best.region), amount=words.money(best.amount),
                  delta=words.money(-best.delta))]


def _equivalent(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    same = line.equivalents
    best = same.priced[0] if same and same.priced else None
    if same is None or best is None or best.delta is None or best.delta >= 0 or best.amount is None:
        return []
    draft.cite_quote(best.quote)
    what = words("n_same_gpu" if same.same_gpu else "n_same_cpu")
    text = words("n_equivalent", what=what, name=best.name, amount=words.money(best.amount), delta=words.money(-best.delta))
    if same.unpriced:
        space = "" if words.say.language == "ja" else " "
        text += space + words("n_unpriced", names=words.listed(same.unpriced[:MAX_NAMES]))
    return [text]


def _per_gpu(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    if line.usd_per_gpu_hour is None or line.gpus_each in (None, 1):
        return []
    return [words("n_gpu_hour", gpu_hour=_gpu_hour(line))]


def _gpu_hour(line: CostLine) -> str:
    return number((line.usd_per_gpu_hour or Decimal(0)).quantize(Decimal("0.0001")), money=True)


def _break_even(draft: Draft, words: Wording, line: CostLine) -> list[str]:
    for item in line.break_evens[:1]:
        draft.cite_quote(item.quote)
        return [words("n_break_even", term=words.term(item.term), hours=plain(item.hours_per_month),
                      percent=percent(item.saving_percent), amount=words.money(item.per_month))]
    return []


# -- small print -------------------------------------------------------------------------------


def _small_print(draft: Draft, words: Wording, result: CostEstimate) -> None:
    inverse = result.budget is not None and result.budget.within is None
    notes = [words(f"a_{note.code}", **note.values) for note in result.assumptions
             if not (inverse and note.code == "no_usage")]
    if notes:
        draft.add(words("assumptions", items=words.listed(notes)).replace("1 years", "1 year"))
    if not any(line.amounts for line in result.lines):
        return
    gb = result.request.ebs_gb
    excluded = [words("x_ebs_gb", gb=number(gb)) if code == "ebs" and gb else words(f"x_{code}") for code in result.excluded]
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
    for term, days, key in (("spot", SPOT_DAYS, "stale_spot"), ("capacity-block", BLOCK_DAYS, "stale_block")):
        if any(_older(quote, term, days, draft) for quote in quotes):
            draft.add(words(key))


def _older(quote: Quote, term: str, days: int, draft: Draft) -> bool:
    return quote.term == term and quote.source is not None and (draft.today - quote.source.as_of).days > days


def _suggestions(words: Wording, result: CostEstimate) -> list[str]:
    line = result.lines[0]
    if not line.amounts:
        return []
    found = [words("ask_spot")] if line.term == "on-demand" else []
    other = next((item.region for item in line.regions.priced if item.region != line.region), None) if line.regions else None
    if other:
        found.append(words("ask_region", region=words.say.region(other)))
    return found
