"""`ask cost`: what instances cost over a time, without asking in words. No model is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ui.call import Call, common_options
from ui.command import Lazy, define_command, define_group
from ui.commands.cost_usage import STALE_PRICE, build_request, too_old, usage_options
from ui.commands.spec import format_options
from ui.language import Text, spoken

if TYPE_CHECKING:
    from tools.cost import CostEstimate


@define_group("cost", Text("料金を見積もります。", "Estimate costs."))
def command() -> None:
    """Group the commands about costs."""


@define_command(
    "estimate",
    Text(
        "時間や期間、台数から料金を計算します。",
        "Compute the cost of instances for hours or a period.",
    ),
    examples=(
        ("ask cost estimate -i g5.xlarge --hours 160", Text("160 時間", "160 hours")),
        (
            "ask cost estimate -i g5.xlarge --hours-per-day 8 --weekdays --months 3 --jpy 150",
            Text("平日 8 時間を 3 か月、円でも", "weekdays for three months, in yen too"),
        ),
        (
            "ask cost estimate -i g5.xlarge --months 1 --term on-demand --term spot",
            Text("購入方法の比較", "terms side by side"),
        ),
        (
            "ask cost estimate -i g5.xlarge --budget-usd 100",
            Text("予算で何時間使えるか", "how long a budget lasts"),
        ),
    ),
)
@usage_options
@format_options
@common_options
def estimate(call: Call, *, output: str | None, max_price_age: int | None, **given: Any) -> int:
    """Print an estimate."""
    settings = call.settings()
    assistant = call.session.build(settings)
    result = cast(
        "CostEstimate", assistant.run_tool("estimate_cost", build_request(settings, given))
    )
    if output == "json":
        call.console.write(result.model_dump_json(indent=2) + "\n")
    elif output == "csv":
        from ui.cost_report import render_cost_csv

        call.console.write(render_cost_csv(result))
    else:
        call.console.markdown(assistant.describe_result(result, spoken()))
    if stale := too_old(result, max_price_age):
        call.console.note(stale)
        return STALE_PRICE
    return 0


command.add_command(estimate)
command.lazy["report"] = Lazy(
    "ui.commands.cost_report",
    Text("稟議用の 1 枚にまとめます。", "Write a one-page report for approval."),
)
