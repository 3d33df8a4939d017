"""Charts of plans: memory against capacity, and price against speed of the placements."""

from __future__ import annotations

from collections.abc import Sequence

from tools.charts import Chart, Point, Rule, Text
from tools.sizing.models import InferenceSummary, MemoryBreakdown, PlanSummary

_PER_GPU = Text(ja="GPU 1 枚あたり", en="Per GPU")


def memory_chart(memory: MemoryBreakdown) -> Chart:
    """Return the parts of the memory of a GPU as one stacked bar, with what it offers."""
    return Chart(
        kind="stacked_bar",
        id="memory",
        title=Text(ja="GPU 1 枚あたりのメモリの内訳", en="Memory of each GPU"),
        x_title=_PER_GPU,
        y_title=Text(ja="メモリ", en="Memory"),
        unit="GiB",
        points=tuple(
            Point(x="GPU", y=term.gib, series=term.label, label=term.key) for term in memory.terms
        ),
        rules=(
            Rule(y=memory.usable_gib, label=Text(ja="使える容量", en="Usable")),
            Rule(y=memory.budget_gib, label=Text(ja="安全に使える上限", en="Safe limit")),
        ),
    )


def placement_chart(items: Sequence[PlanSummary | InferenceSummary]) -> tuple[Chart, ...]:
    """Return price against speed; nothing if fewer than two placements have a price."""
    points = tuple(
        Point(
            x=float(item.usd_per_hour),
            y=_speed(item),
            series=Text(ja=item.gpu or "CPU", en=item.gpu or "CPU"),
            label=_label(item),
        )
        for item in items
        if item.usd_per_hour is not None
    )
    if len(points) < 2:
        return ()
    return (
        Chart(
            kind="scatter",
            id="placements",
            title=Text(ja="候補の料金と速度", en="Price and speed of the candidates"),
            x_title=Text(ja="料金(USD/時)", en="Price (USD/h)"),
            y_title=Text(ja="速度", en="Speed"),
            unit="tokens/s",
            points=points,
        ),
    )


def _speed(item: PlanSummary | InferenceSummary) -> float:
    if isinstance(item, PlanSummary):
        return item.tokens_per_second
    return item.tokens_per_second_total


def _label(item: PlanSummary | InferenceSummary) -> str:
    if isinstance(item, PlanSummary) and item.instances > 1:
        return f"{item.instance} × {item.instances}"
    return item.instance
