"""The options that `ask cost` commands share: what runs, how long, under which term."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from ui.command import option
from ui.commands.spec import complete_name
from ui.failures import Misuse
from ui.language import Text

if TYPE_CHECKING:
    from assistant.settings import Settings
    from tools.cost import CostEstimate

STALE_PRICE = 11
"""Exit code when a price is older than `--max-price-age` allows."""
_SCHEDULE = (
    "hours_per_day",
    "hours_per_week",
    "hours_per_month",
    "days_per_week",
    "days_per_month",
    "days",
    "weeks",
    "months",
    "years",
)
_TIMES = re.compile(r"(.+?)\s*[*x×]\s*(\d+)$")
_POSITIVE = click.FloatRange(min=0, min_open=True)


class Age(click.ParamType[int]):
    """A number of days, written as 30d or 30."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the days."""
        match = re.fullmatch(r"(\d{1,5})d?", str(value))
        if match is None:
            message = Text(f"{value!r} は 30d の形で指定してください。", f"write {value!r} as 30d")
            self.fail(str(message), param, ctx)
        return int(match[1])


def usage_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the options of a cost; `build_request` reads them."""
    for decorate in reversed(_OPTIONS):
        function = decorate(function)
    return function


def build_request(settings: Settings, given: dict[str, Any]) -> dict[str, Any]:
    """Return the request of `estimate_cost` for the options."""
    terms = [_term(term) for term in given["terms"]] or ["on-demand"]
    usage = _usage(given)
    lines = [
        {**_named(name, given["count"]), **usage, "term": term, "gpus": given["gpus"]}
        for name in given["instances"]
        for term in terms
    ]
    compare = given["compare"] or len(terms) > 1
    request = {
        "lines": [
            {key: value for key, value in line.items() if value is not None} for line in lines
        ],
        "alternatives": compare and len(lines) > 1,
        "region": settings.region,
        "budget_usd": _number(given["budget_usd"]),
        "budget_jpy": _number(given["budget_jpy"]),
        "ebs_gb": _number(given["ebs_gb"]),
        "jpy": _rate(settings, given["jpy"]),
    }
    return {key: value for key, value in request.items() if value is not None}


def too_old(result: CostEstimate, days: int | None, today: date | None = None) -> Text | None:
    """Return which price is older than allowed; None if all are young enough."""
    from tools.cost.terms import refresh_command

    if days is None:
        return None
    now = today or datetime.now().astimezone().date()
    quotes = [line.quote for line in result.lines if line.quote.source]
    old = [quote for quote in quotes if quote.source and (now - quote.source.as_of).days > days]
    if not old:
        return None
    oldest = min(quote.source.as_of for quote in old if quote.source)
    command = refresh_command(old[0].term, old[0].region)
    return Text(
        f"料金が {days} 日より古い値です({oldest} 時点)。{command} で更新できます。",
        f"A price is older than {days} days (as of {oldest}); run: {command}",
    )


def _named(name: str, count: int) -> dict[str, Any]:
    """Return name and count: `g5.xlarge*2` counts for itself."""
    match = _TIMES.fullmatch(name.strip())
    return {"name": match[1], "count": int(match[2])} if match else {"name": name, "count": count}


def _usage(given: dict[str, Any]) -> dict[str, Any]:
    schedule: dict[str, Any] = {
        name: str(value) for name in _SCHEDULE if (value := given[name]) is not None
    }
    if given["weekdays"]:
        schedule["weekdays"] = True
    if given["hours"] is None:
        return {"schedule": schedule or None}
    if schedule:
        raise Misuse(
            Text(
                "--hours と、期間や 1 日あたりの指定は同時に使えません。",
                "--hours excludes a period and hours a day, week or month.",
            )
        )
    return {"hours": str(given["hours"])}


def _term(text: str) -> str:
    from tools.cost.terms import read_term
    from tools.errors import ToolInputError

    try:
        return read_term(text)
    except ToolInputError as error:
        raise Misuse(Text(error.message_ja, error.message_en)) from error


def _rate(settings: Settings, given: str | None) -> dict[str, Any] | None:
    from assistant.settings import parse_jpy_rate

    rate = parse_jpy_rate(given) if given else settings.jpy_per_usd
    if rate is None:
        return None
    as_of = rate.as_of.isoformat() if rate.as_of else None
    return {"jpy_per_usd": str(rate.jpy_per_usd), "as_of": as_of}


def _number(value: float | None) -> str | None:
    return None if value is None else repr(value).removesuffix(".0")


def _hours(name: str, ja: str, en: str) -> Callable[..., Any]:
    flag = f"--{name.replace('_', '-')}"
    return option(flag, name, type=click.STRING, metavar="N", text=Text(ja, en))


_OPTIONS = (
    option(
        "--instance",
        "-i",
        "instances",
        multiple=True,
        required=True,
        metavar="NAME[*N]",
        shell_complete=complete_name,
        text=Text(
            "インスタンスタイプ(何度でも)。g5.xlarge*2 で 2 台。GPU 名も可。",
            "Instance type, repeatable; g5.xlarge*2 for two. A GPU name works too.",
        ),
    ),
    option(
        "--count",
        type=click.IntRange(1, 100_000),
        default=1,
        metavar="N",
        text=Text("台数。既定は 1。", "How many of each. Default: 1."),
    ),
    option(
        "--gpus",
        type=click.IntRange(1, 100_000),
        metavar="N",
        text=Text("GPU 名で指定したときの GPU の枚数。", "With a GPU name: how many GPUs."),
    ),
    _hours("hours", "1 台あたりの時間。", "Hours of each."),
    _hours("hours_per_day", "1 日の時間。", "Hours a day."),
    _hours("hours_per_week", "1 週間の時間。", "Hours a week."),
    _hours("hours_per_month", "1 か月の時間。", "Hours a month."),
    _hours("days_per_week", "1 週間の日数。", "Days a week."),
    _hours("days_per_month", "1 か月の日数。", "Days a month."),
    option(
        "--weekdays",
        is_flag=True,
        text=Text("平日だけ(月 22 日、週 5 日)。", "Weekdays only (22 a month, 5 a week)."),
    ),
    _hours("days", "期間(日)。", "Period in days."),
    _hours("weeks", "期間(週)。", "Period in weeks."),
    _hours("months", "期間(月)。1 か月は 730 時間。", "Period in months of 730 hours."),
    _hours("years", "期間(年)。", "Period in years."),
    option(
        "--term",
        "terms",
        multiple=True,
        metavar="TERM",
        text=Text(
            "購入方法(何度でも): on-demand, spot, capacity-block, ri-1y-all, ec2-sp-3y-no など。",
            "Term, repeatable: on-demand, spot, capacity-block, ri-1y-all, ec2-sp-3y-no, …",
        ),
    ),
    option(
        "--compare",
        is_flag=True,
        text=Text("足さずに、案として比べます。", "Compare the lines instead of adding them."),
    ),
    option(
        "--jpy",
        metavar="RATE[@DATE]",
        text=Text(
            "円でも示します(150@2026-11-20 の形)。既定は ASK_JPY_PER_USD。",
            "Show yen too, as 150@2026-11-20. Default: ASK_JPY_PER_USD.",
        ),
    ),
    option(
        "--budget-usd",
        type=_POSITIVE,
        metavar="USD",
        text=Text("予算(ドル)。", "Budget in dollars."),
    ),
    option(
        "--budget-jpy",
        type=_POSITIVE,
        metavar="JPY",
        text=Text("予算(円)。", "Budget in yen."),
    ),
    option(
        "--ebs-gb",
        type=_POSITIVE,
        metavar="GB",
        text=Text("EBS の容量(料金が未収録なら、その旨)。", "EBS size; named if unpriced."),
    ),
    option(
        "--max-price-age",
        type=Age(),
        metavar="DAYS",
        text=Text(
            "料金がこれより古ければ終了コード 11(例: 30d)。",
            "Exit with 11 if a price is older, for example 30d.",
        ),
    ),
)
