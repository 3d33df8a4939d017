"""`ask models`: which models answer, and whether each can be reached."""

from __future__ import annotations

from ui.call import Call, output_options
from ui.command import define_command, option
from ui.language import Text, spoken

_TEXT = Text(
    "使うモデルを順に表示し、それぞれを短い呼び出し 1 回で確かめます。",
    "List the models in the order of use and check each with one short call.",
)


@define_command("models", _TEXT)
@option(
    "--model",
    metavar="MODEL",
    text=Text("設定の代わりに確かめるモデル。", "Check this model instead of the configured ones."),
)
@option(
    "--no-check",
    is_flag=True,
    text=Text("呼び出さずに一覧だけ表示します。", "Only list; call nothing."),
)
@option("--json", "as_json", is_flag=True, text=Text("JSON で出力します。", "Print JSON."))
@output_options
def command(call: Call, *, model: str | None, no_check: bool, as_json: bool) -> int:
    """List and check the models; 3 if one of them cannot be used."""
    from dataclasses import asdict

    from assistant.model_check import check_models

    settings = call.settings(model=model)
    states = list(check_models(settings, spoken(), call=not no_check))
    if as_json:
        call.console.json({"models": [asdict(state) for state in states]})
    else:
        for state in states:
            mark = "○" if state.ok else "×"
            time = f"  {state.elapsed_ms} ms" if state.elapsed_ms else ""
            problem = f"  {state.problem}" if state.problem else ""
            call.console.write(f"{mark} {state.model}{time}{problem}\n")
            if state.detail:
                call.console.note(state.detail)
    return 0 if all(state.ok for state in states) else 3
