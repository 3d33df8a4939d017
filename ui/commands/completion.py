"""`ask completion bash|zsh|fish`: the script that completes commands, options and names."""

from __future__ import annotations

import click

from ui.call import Call, output_options
from ui.command import define_command
from ui.language import Text

_TEXT = Text(
    "シェル補完のスクリプトを出力します。インスタンス名も補完します。\n"
    '使い方(bash の例): ~/.bashrc に eval "$(ask completion bash)" と書きます。',
    "Print a shell completion script; instance names complete as well.\n"
    'For bash, put eval "$(ask completion bash)" into ~/.bashrc.',
)
_VARIABLE = "_ASK_COMPLETE"


@define_command("completion", _TEXT)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@output_options
def command(call: Call, *, shell: str) -> int:
    """Print the script."""
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None
    root = click.get_current_context().find_root().command
    call.console.write(completion(root, {}, "ask", _VARIABLE).source() + "\n")
    return 0
