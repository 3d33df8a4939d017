"""`ask config`: the settings in force and where they can be changed."""

from __future__ import annotations

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.language import Text

_TEXT = Text(
    "有効な設定を表示します。優先順: オプション、環境変数 ASK_*、設定ファイル、既定値。",
    "Show the settings in force. Order: options, ASK_* variables, settings file, defaults.",
)


@define_command("config", _TEXT)
@option(
    "--show",
    is_flag=True,
    text=Text("設定を表示します(既定の動作)。", "Show the settings (the default)."),
)
@option("--json", "as_json", is_flag=True, text=Text("JSON で出力します。", "Print JSON."))
@common_options
def command(call: Call, *, show: bool, as_json: bool) -> int:
    """Print the settings, secrets masked."""
    import os

    from assistant.settings import config_path

    del show
    shown = call.settings().shown()
    path = config_path(os.environ)
    if as_json:
        call.console.json({"config_file": str(path), "settings": shown})
        return 0
    wide = max(map(len, shown))
    call.console.write("".join(f"{key:<{wide}} = {value}\n" for key, value in shown.items()))
    state = Text("", "") if path.exists() else Text("(まだありません)", " (does not exist yet)")
    call.console.note(Text(f"設定ファイル: {path}{state.ja}", f"Settings file: {path}{state.en}"))
    return 0
