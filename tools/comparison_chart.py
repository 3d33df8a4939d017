"""The chart of a comparison: figures that differ, each as a share of its largest value."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tools.attributes import BY_KEY
from tools.charts import Chart, Point, Text

PERCENT = 100
SHOWN = (
    "usd_per_hour",
    "gpu_count",
    "gpu_memory_gb",
    "gpu_memory_total_gb",
    "memory_bandwidth_gb_s",
    "tflops_bf16",
    "nvlink_gb_s",
    "vcpus",
    "memory_gib",
    "network_gbps",
)
"""Attributes in the order of the picture; those that do not differ are left out."""
MAX_ROWS = 6

Values = Sequence[Decimal | bool | str | None]


def comparison_charts(
    columns: Sequence[str], rows: Sequence[tuple[str, Values]]
) -> tuple[Chart, ...]:
    """Return the picture of what differs; none where fewer than two figures do."""
    found = dict(rows)
    keys = [key for key in SHOWN if key in found and _differs(found[key])][:MAX_ROWS]
    if "gpu_memory_gb" in keys and "gpu_memory_total_gb" in keys:
        keys.remove("gpu_memory_gb")
    if len(keys) < 2:
        return ()
    points = tuple(
        _point(key, column, value, found[key])
        for key in keys
        for column, value in zip(columns, found[key], strict=True)
        if isinstance(value, Decimal)
    )
    return (
        Chart(
            kind="bar",
            id="comparison",
            title=Text(ja="違いのある仕様", en="Specifications that differ"),
            x_title=Text(ja="", en=""),
            y_title=Text(ja="最も大きいものを 100 とした割合", en="Share of the largest"),
            unit="%",
            points=points,
            source=Text(
                ja="料金はオンデマンド。低いほど安い", en="Prices are on-demand: lower is cheaper"
            )
            if "usd_per_hour" in keys
            else None,
        ),
    )


def _point(key: str, column: str, value: Decimal, row: Values) -> Point:
    attribute = BY_KEY[key]
    largest = max(item for item in row if isinstance(item, Decimal))
    return Point(
        x=key,
        x_label=Text(ja=attribute.ja, en=attribute.en),
        y=float(value / largest * PERCENT),
        series=Text(ja=column, en=column),
        label=f"{value.normalize():f} {attribute.unit}".strip(),
    )


def _differs(row: Values) -> bool:
    numbers = [item for item in row if isinstance(item, Decimal)]
    return len(numbers) > 1 and len(set(numbers)) > 1 and min(numbers) > 0
