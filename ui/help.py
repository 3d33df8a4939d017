"""Help pages in the language being spoken, wrapped by columns (click counts characters)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import click

from ui.language import Text
from ui.width import line_slices, text_width

_USAGE = Text("使い方", "Usage")
_ANY_OPTIONS = Text("[オプション]", "[OPTIONS]")
_OPTIONS = Text("オプション", "Options")
_COMMANDS = Text("コマンド", "Commands")
_EXAMPLES = Text("例", "Examples")
_HELP = Text("この説明を表示します。", "Show this help.")
_LEFT_COLUMN = 30

Row = tuple[str, str]


def help_page(
    usage: str,
    text: Text,
    *,
    examples: Sequence[Row] = (),
    commands: Sequence[Row] = (),
    options: Sequence[Row] = (),
) -> str:
    """Return a help page; sections without rows are left out."""
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    usage = usage.replace("[OPTIONS]", str(_ANY_OPTIONS))
    lines = [f"{_USAGE}: {usage}", "", *_wrapped(str(text), width, "")]
    sections = ((_EXAMPLES, examples), (_COMMANDS, commands), (_OPTIONS, options))
    for title, rows in sections:
        if rows:
            lines += ["", f"{title}:", *_definitions(rows, width)]
    return "\n".join(lines)


def option_rows(command: click.Command, context: click.Context) -> list[Row]:
    """Return the options of a command as they are written and what each does."""
    rows: list[Row] = []
    for param in command.params:
        if isinstance(param, click.Option) and not param.hidden:
            rows.append((param.get_help_spec(context), str(getattr(param, "text", ""))))
    return [*rows, ("-h, --help", str(_HELP))]


def _definitions(rows: Sequence[Row], width: int) -> list[str]:
    left = min(max(text_width(term) for term, _ in rows), _LEFT_COLUMN)
    lines: list[str] = []
    for term, meaning in rows:
        indent = " " * (left + 4)
        first, *rest = _wrapped(meaning, width, indent) or [indent]
        if text_width(term) > left:
            lines += [f"  {term}", first, *rest]
        else:
            pad = " " * (left - text_width(term) + 2)
            lines += [f"  {term}{pad}{first.strip()}".rstrip(), *rest]
    return lines


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    room = max(width - len(indent), 20)
    return [
        f"{indent}{line[part]}".rstrip()
        for line in text.splitlines()
        for part in line_slices(line, room)
    ]
