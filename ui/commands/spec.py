"""`ask spec`: instance specs and prices without asking in words. No model is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from ui.call import Call, Session, common_options
from ui.command import Lazy, define_command, define_group, option
from ui.console import Console
from ui.language import Text, spoken
from ui.records import render_csv

_NAMES = Text(
    "名前はインスタンスタイプ(g5.xlarge)、ファミリー(g5)、GPU(A100)のどれでも。",
    "A name is an instance type (g5.xlarge), a family (g5) or a GPU (A100).",
)


def complete_name(
    context: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the instance, family and GPU names that begin with what was typed."""
    del param
    session = context.find_object(Session) or Session()
    try:
        names = Call(Console(), session).assistant().complete_names(incomplete)
    except Exception:
        return []
    return [CompletionItem(name) for name in names]


def format_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add `--json` and `--csv`."""
    as_csv = option(
        "--csv", "output", flag_value="csv", text=Text("CSV で出力します。", "Print CSV.")
    )
    as_json = option(
        "--json", "output", flag_value="json", text=Text("JSON で出力します。", "Print JSON.")
    )
    return as_json(as_csv(function))


@define_group(
    "spec", Text("インスタンスの仕様と料金を見ます。", "Look at instance specs and prices.")
)
def command() -> None:
    """Group the commands about specs."""


@define_command(
    "show",
    Text(f"仕様と料金を表示します。\n{_NAMES.ja}", f"Show specs and prices.\n{_NAMES.en}"),
    examples=(("ask spec show g6f.large", Text("1 つの詳細", "one in detail")),),
)
@click.argument("names", nargs=-1, required=True, shell_complete=complete_name)
@format_options
@common_options
def show(call: Call, *, names: tuple[str, ...], output: str | None) -> int:
    """Show the named things."""
    return run_tool(call, "describe_instances", {"names": list(names)}, output)


@define_command(
    "compare",
    Text(f"2〜6 個を並べて違いを見ます。\n{_NAMES.ja}", f"Compare 2 to 6 things.\n{_NAMES.en}"),
    examples=(("ask spec compare g5 g6e", Text("ファミリーの比較", "two families")),),
)
@click.argument("names", nargs=-1, required=True, shell_complete=complete_name)
@format_options
@common_options
def compare(call: Call, *, names: tuple[str, ...], output: str | None) -> int:
    """Compare the named things."""
    return run_tool(call, "compare_instances", {"names": list(names)}, output)


def run_tool(
    call: Call, tool: str, request: dict[str, Any], output: str | None, *, regional: bool = True
) -> int:
    """Run a tool through the assistant and show its result."""
    settings = call.settings()
    assistant = call.session.build(settings)
    region = {"region": settings.region} if regional else {}
    result = assistant.run_tool(tool, {**request, **region})
    if output == "json":
        call.console.write(result.model_dump_json(indent=2) + "\n")
    elif output == "csv":
        call.console.write(render_csv(result.model_dump(mode="json")))
    else:
        call.console.markdown(assistant.describe_result(result, spoken()))
    return 0


command.add_command(show)
command.add_command(compare)
command.lazy["find"] = Lazy(
    "ui.commands.spec_find",
    Text("条件に合うインスタンスタイプを探します。", "Find instance types by conditions."),
)
