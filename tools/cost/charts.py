"""Charts of an estimate: choices side by side, one line by term, one line by region.

Every mark is an amount of the estimate itself; nothing is computed here but labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from knowledge.ec2.schema import Region, Term
from tools.charts import Chart, Point, Rule, Text
from tools.cost.models import BudgetAnswer, CostLine
from tools.cost.terms import commitment_of

MAX_REGIONS = 8
_LISTED = {
    "on-demand": Text(ja="オンデマンド", en="On-demand"),
    "spot": Text(ja="スポット", en="Spot"),
    "capacity-block": Text(ja="Capacity Block", en="Capacity Block"),
}
_KINDS = {
    "reserved": ("リザーブド", "Reserved"),
    "ec2-savings-plan": ("EC2 Instance SP", "EC2 Instance SP"),
    "compute-savings-plan": ("Compute SP", "Compute SP"),
}
_PAYMENTS = {
    "no": ("前払いなし", "no upfront"),
    "partial": ("一部前払い", "partial upfront"),
    "all": ("全額前払い", "all upfront"),
}
_AMOUNT = Text(ja="期間の料金", en="Cost of the period")
_MONTH = Text(ja="1 か月の料金", en="Cost per month")


def cost_charts(
    lines: Sequence[CostLine], budget: BudgetAnswer | None, regions: Mapping[str, Region]
) -> tuple[Chart, ...]:
    """Return the charts that say more than the table does: none for a single amount."""
    if len(lines) > 1:
        return tuple(_options(lines, budget, regions))
    return (*_terms(lines[0]), *_regions(lines[0], regions))


def term_label(term: Term) -> Text:
    """Return a term in a few words."""
    commitment = commitment_of(term)
    if commitment is None:
        return _LISTED[term]
    kind, payment = _KINDS[commitment.kind], _PAYMENTS[commitment.payment]
    years = commitment.years
    return Text(ja=f"{kind[0]} {years} 年・{payment[0]}", en=f"{kind[1]} {years} y, {payment[1]}")


def _options(
    lines: Sequence[CostLine], budget: BudgetAnswer | None, regions: Mapping[str, Region]
) -> Iterator[Chart]:
    priced = [(number, line) for number, line in enumerate(lines, 1) if line.amount is not None]
    if len(priced) < 2:
        return
    same_region = len({line.region for line in lines}) == 1
    points = tuple(
        _bar(
            _option_name(number, line, same_region=same_region), line.amount, term_label(line.term)
        )
        for number, line in priced
    )
    rules = (Rule(y=float(budget.usd), label=Text(ja="予算", en="budget")),) if budget else ()
    yield _chart(
        "cost-options", Text(ja="案ごとの料金", en="Cost of each option"), _AMOUNT, points, rules
    )


def _option_name(number: int, line: CostLine, *, same_region: bool) -> str:
    place = "" if same_region else f" {line.region}"
    return f"{number}. {line.name} × {line.count}{place}"


def _terms(line: CostLine) -> Iterator[Chart]:
    """On-demand at the line's rhythm against commitments, which are paid for every hour."""
    if line.amounts is None or not line.break_evens:
        return
    points = [_bar(line.name, line.amounts.per_month, term_label(line.term))]
    points += [_bar(line.name, item.per_month, term_label(item.term)) for item in line.break_evens]
    title = Text(
        ja=f"{line.name} × {line.count} 購入方法ごとの月額",
        en=f"{line.name} × {line.count} per month, by term",
    )
    yield _chart("cost-terms", title, _MONTH, tuple(points))


def _regions(line: CostLine, regions: Mapping[str, Region]) -> Iterator[Chart]:
    if line.amount is None or line.regions is None or not line.regions.priced:
        return
    amounts = {line.region: line.amount}
    amounts |= {o.region: o.amount for o in line.regions.priced if o.amount is not None}
    cheapest = sorted(amounts, key=lambda code: amounts[code])[:MAX_REGIONS]
    shown = cheapest if line.region in cheapest else [*cheapest[:-1], line.region]
    here, there = Text(ja="このリージョン", en="This region"), Text(ja="ほか", en="Others")
    points = tuple(
        Point(
            x=code,
            y=float(amounts[code]),
            series=here if code == line.region else there,
            label=regions[code].name if code in regions else code,
        )
        for code in shown
    )
    title = Text(
        ja=f"{line.name} × {line.count} リージョンごとの料金",
        en=f"{line.name} × {line.count} by region",
    )
    yield _chart("cost-regions", title, _AMOUNT, points)


def _bar(name: str, amount: Decimal | None, series: Text) -> Point:
    return Point(x=name, y=float(amount or 0), series=series)


def _chart(
    key: str, title: Text, y_title: Text, points: tuple[Point, ...], rules: tuple[Rule, ...] = ()
) -> Chart:
    return Chart(
        kind="bar",
        id=key,
        title=title,
        x_title=Text(ja="", en=""),
        y_title=y_title,
        unit="USD",
        points=points,
        rules=rules,
        source=Text(ja="税別。料金の出典は本文", en="Before tax. Price sources: see the text"),
    )
