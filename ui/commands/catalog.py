"""`ask catalog`: what the data says about itself, and getting newer data from AWS."""

from __future__ import annotations

from typing import Any, cast

import click

from ui.call import Call, common_options, output_options
from ui.command import define_command, define_group, option
from ui.language import Text, spoken

PARTS = ("specs", "prices", "spot", "savings-plans", "capacity-blocks")


@define_group(
    "catalog", Text("仕様と料金のデータを表示・更新します。", "Show or refresh the data.")
)
def command() -> None:
    """Group the commands about the catalogue."""


@define_command(
    "show",
    Text("データの日付、件数、出典を表示します。", "Show dates, counts and sources of the data."),
)
@option("--json", "as_json", is_flag=True, text=Text("JSON で出力します。", "Print JSON."))
@common_options
def show(call: Call, *, as_json: bool) -> int:
    """Print the catalogue's summary."""
    summary = call.assistant().catalogue_dates()
    if as_json:
        call.console.json(summary)
        return 0
    for key, value in summary.items():
        call.console.write(f"{_LABELS.get(key, key)}: {_shown(value)}\n")
    return 0


@define_command(
    "refresh",
    Text(
        "AWS から最新の仕様や料金を取得します(AWS の認証情報が必要です)。\n"
        "specs=仕様、prices=オンデマンドとリザーブド、spot、savings-plans、capacity-blocks、all=すべて。",
        "Get current specs or prices from AWS (needs AWS credentials).\n"
        "prices are on-demand and reserved; all is everything.",
    ),
    examples=(
        ("ask catalog refresh", Text("仕様を更新", "specs")),
        (
            "ask catalog refresh prices --region ap-northeast-1",
            Text("東京の料金を更新", "prices of Tokyo"),
        ),
    ),
)
@click.argument("what", type=click.Choice([*PARTS, "all"]), default="specs")
@option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    text=Text(
        "調べるリージョン(何度でも)。既定はすべて。", "Region to ask, repeatable. Default: all."
    ),
)
@option(
    "--endpoint-url",
    metavar="URL",
    text=Text("AWS の代わりに呼び出す API の URL。", "API endpoint to call instead of AWS."),
)
@output_options
def refresh(call: Call, *, what: str, regions: tuple[str, ...], endpoint_url: str | None) -> int:
    """Refresh the catalogue and tell what changed."""
    report = call.assistant().refresh_catalogue(
        what=PARTS if what == "all" else (what,),
        language=spoken(),
        regions=regions,
        endpoint_url=endpoint_url,
        progress=call.console.step,
    )
    call.console.markdown(report)
    return 0


_LABELS = {
    "specs_as_of": Text("仕様の日付", "Specs as of"),
    "prices_as_of": Text("料金の日付", "Prices as of"),
}


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "〜".join(str(part) for part in cast("tuple[object, ...]", value))
    return str(value)


command.add_command(show)
command.add_command(refresh)
