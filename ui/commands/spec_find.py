"""`ask spec find`: instance types by conditions."""

from __future__ import annotations

from typing import Any

import click

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.commands.spec import complete_name, format_options, run_tool
from ui.language import Text

_NUMBER = click.FloatRange(min=0)
_CONDITIONS = {
    "gpu_count": ("gpu_count", "="),
    "min_gpu_count": ("gpu_count", ">="),
    "gpu_memory_gb": ("gpu_memory_gb", ">="),
    "gpu_memory_total_gb": ("gpu_memory_total_gb", ">="),
    "vcpus": ("vcpus", "="),
    "min_vcpus": ("vcpus", ">="),
    "memory_gib": ("memory_gib", ">="),
    "max_price": ("usd_per_hour", "<="),
}


@define_command(
    "find",
    Text(
        "条件に合うインスタンスタイプを、料金の安い順に表示します。",
        "List the instance types that fulfil all conditions, cheapest first.",
    ),
    examples=(
        ("ask spec find --gpu H100 --gpu-count 1", Text("H100 が 1 枚", "a single H100")),
        (
            "ask spec find --gpu-memory-gb 24 --max-price 1.5",
            Text("24 GB 以上で 1.5 USD/時 以下", "24 GB or more, at most 1.5 USD/h"),
        ),
    ),
)
@option(
    "--series",
    multiple=True,
    type=click.Choice(["C", "P", "G", "Inf", "Trn"], case_sensitive=False),
    metavar="[C|P|G|Inf|Trn]",
    text=Text("系列(何度でも)。", "Series, repeatable."),
)
@option(
    "--family",
    "families",
    multiple=True,
    metavar="FAMILY",
    shell_complete=complete_name,
    text=Text("ファミリー(何度でも)。", "Family, repeatable."),
)
@option(
    "--gpu",
    metavar="MODEL",
    shell_complete=complete_name,
    text=Text("GPU の型名(例: A100)。", "GPU model, for example A100."),
)
@option("--gpu-count", type=_NUMBER, metavar="N", text=Text("GPU の数。", "Number of GPUs."))
@option(
    "--min-gpu-count", type=_NUMBER, metavar="N", text=Text("GPU の数の下限。", "At least N GPUs.")
)
@option(
    "--gpu-memory-gb",
    type=_NUMBER,
    metavar="GB",
    text=Text("GPU 1 枚のメモリの下限。", "At least this memory on each GPU."),
)
@option(
    "--gpu-memory-total-gb",
    type=_NUMBER,
    metavar="GB",
    text=Text("GPU メモリ合計の下限。", "At least this memory on all GPUs together."),
)
@option("--vcpus", type=_NUMBER, metavar="N", text=Text("vCPU の数。", "Number of vCPUs."))
@option(
    "--min-vcpus", type=_NUMBER, metavar="N", text=Text("vCPU の数の下限。", "At least N vCPUs.")
)
@option(
    "--memory-gib",
    type=_NUMBER,
    metavar="GIB",
    text=Text("メモリの下限。", "At least this memory."),
)
@option(
    "--arch",
    type=click.Choice(["x86_64", "arm64"]),
    text=Text("CPU アーキテクチャ。", "CPU architecture."),
)
@option("--efa", is_flag=True, text=Text("EFA に対応。", "With EFA."))
@option("--bf16", is_flag=True, text=Text("GPU が bf16 に対応。", "GPU supports bf16."))
@option("--fp8", is_flag=True, text=Text("GPU が FP8 に対応。", "GPU supports FP8."))
@option(
    "--max-price",
    type=_NUMBER,
    metavar="USD",
    text=Text("オンデマンド料金(USD/時)の上限。", "At most this on-demand price per hour."),
)
@option(
    "--any-region",
    is_flag=True,
    text=Text(
        "リージョンで提供されていないものも含めます。", "Include types the region does not offer."
    ),
)
@option(
    "--sort",
    metavar="ITEM",
    text=Text(
        "並べ替える項目(例: vcpus)。既定は料金。",
        "Item to sort by, for example vcpus. Default: price.",
    ),
)
@option("--desc", is_flag=True, text=Text("大きい順に並べます。", "Largest first."))
@option(
    "--limit",
    type=click.IntRange(1, 50),
    default=10,
    metavar="N",
    text=Text("表示する件数(既定 10)。", "How many (default 10)."),
)
@format_options
@common_options
def command(call: Call, *, output: str | None, **given: Any) -> int:
    """Find instance types."""
    return run_tool(call, "find_instances", find_request(given), output)


def find_request(given: dict[str, Any]) -> dict[str, Any]:
    """Return the tool request for the options of the command line."""
    conditions = [
        {"attribute": attribute, "op": op, "value": str(given[name])}
        for name, (attribute, op) in _CONDITIONS.items()
        if given[name] is not None
    ]
    if given["efa"]:
        conditions.append({"attribute": "efa_interfaces", "op": ">=", "value": "1"})
    conditions += [
        {"attribute": name, "op": "=", "value": True} for name in ("bf16", "fp8") if given[name]
    ]
    request = {
        "series": list(given["series"]),
        "families": [name.lower() for name in given["families"]],
        "gpu": given["gpu"],
        "arch": given["arch"],
        "conditions": conditions,
        "sort": given["sort"],
        "descending": given["desc"],
        "offered_only": not given["any_region"],
        "limit": given["limit"],
    }
    return {name: value for name, value in request.items() if value not in (None, [], False)} | {
        "offered_only": not given["any_region"]
    }
