"""Click commands, groups and options that speak both languages and load lazily."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from ui.help import Row, help_page, option_rows
from ui.language import Text

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

ENTRY_POINT_GROUP = "ask.commands"
_HELP_FLAGS = ("-h", "--help")
HELP_NAMES = {"help_option_names": [*_HELP_FLAGS]}
_COMMAND_NAME = re.compile(r"[a-z][a-z0-9-]{1,23}")
_LEADING_FLAGS = {"--json", "-q", "--quiet", "-v", "--verbose"}
_LEADING_VALUES = {"--lang", "--region", "--color"}
Example = tuple[str, Text]
_Result = TypeVar("_Result")


class Lazy(NamedTuple):
    """A command that is imported when it is named."""

    module: str
    text: Text
    """One line for the list of commands."""


class LocalOption(click.Option):
    """An option with its meaning in both languages."""

    def __init__(self, *args: Any, text: Text, **attrs: Any) -> None:
        """Keep the meaning for the help page."""
        super().__init__(*args, **attrs)
        self.text = text


class LocalCommand(click.Command):
    """A command with its description in both languages."""

    def __init__(
        self, *args: Any, text: Text, examples: Sequence[Example] = (), **attrs: Any
    ) -> None:
        """Keep the description for the help page."""
        attrs.setdefault("context_settings", HELP_NAMES)
        super().__init__(*args, **attrs)
        self.text = text
        self.examples = examples

    def get_help(self, ctx: click.Context) -> str:
        """Return the help page; for the command that answers questions, that of the program."""
        if ctx.parent and ctx.info_name == ctx.parent.info_name:
            return ctx.parent.get_help()
        usage = f"{ctx.command_path} {' '.join(self.collect_usage_pieces(ctx))}"
        rows = option_rows(self, ctx)
        return help_page(usage, self.text, examples=example_rows(self.examples), options=rows)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first line of the description, for shell completion."""
        return str(self.text).splitlines()[0]


class LocalGroup(click.Group):
    """A group with its description in both languages, whose members may load lazily."""

    def __init__(
        self,
        *args: Any,
        text: Text,
        lazy: Mapping[str, Lazy] | None = None,
        examples: Sequence[Example] = (),
        **attrs: Any,
    ) -> None:
        """Keep the description and the members that are not imported yet."""
        attrs.setdefault("context_settings", HELP_NAMES)
        super().__init__(*args, **attrs)
        self.text = text
        self.examples = examples
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all members, in the order they were given."""
        return [*self.commands, *self.lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a member, imported now if need be."""
        if cmd_name in self.lazy:
            return import_module(self.lazy[cmd_name].module).command
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Accept common options before the name of a member, as in `ask --lang en spec show`."""
        return super().parse_args(ctx, self._name_first(ctx, args))

    def get_help(self, ctx: click.Context) -> str:
        """Return the help page with the list of members."""
        pieces = " ".join(super().collect_usage_pieces(ctx))
        return help_page(
            f"{ctx.command_path} {pieces}",
            self.text,
            examples=example_rows(self.examples),
            commands=self.command_rows(ctx),
            options=option_rows(self, ctx),
        )

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first line of the description, for shell completion."""
        return str(self.text).splitlines()[0]

    def command_rows(self, ctx: click.Context) -> list[Row]:
        """Return name and one line for every member, importing none of the lazy ones."""
        rows = [(name, item.get_short_help_str()) for name, item in self.commands.items()]
        return rows + [(name, str(entry.text)) for name, entry in self.lazy.items()]

    def _name_first(self, ctx: click.Context, args: list[str]) -> list[str]:
        place = 0
        leading = _LEADING_FLAGS | _LEADING_VALUES | set(_HELP_FLAGS)
        while place < len(args) and args[place].split("=")[0] in leading:
            place += 2 if args[place] in _LEADING_VALUES else 1
        if any(flag in args[:place] for flag in _HELP_FLAGS):
            return [_HELP_FLAGS[0]]
        if 0 < place < len(args) and self.knows(ctx, args[place]):
            return [args[place], *args[:place], *args[place + 1 :]]
        return args

    def knows(self, ctx: click.Context, name: str) -> bool:
        """Return whether `name` is a member."""
        return name in self.lazy or name in self.commands


class AskGroup(LocalGroup):
    """The top command: whatever is not the name of a command is a question."""

    ignore_unknown_options = True

    def __init__(self, *args: Any, default: Lazy, **attrs: Any) -> None:
        """Keep where the command lives that answers questions."""
        super().__init__(*args, **attrs)
        self._default = default

    def default_command(self) -> click.Command:
        """Return the command that answers questions."""
        return import_module(self._default.module).command

    def knows(self, ctx: click.Context, name: str) -> bool:
        """Return whether `name` is a member here or of another package."""
        return super().knows(ctx, name) or name in self._foreign_names(name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a member, from this package first."""
        found = super().get_command(ctx, cmd_name)
        return found or (load_foreign(cmd_name) if self.knows(ctx, cmd_name) else None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the named command and its arguments, or the default with all of them."""
        if self.knows(ctx, args[0]):
            return super().resolve_command(ctx, args)
        return ctx.info_name, self.default_command(), args

    def get_help(self, ctx: click.Context) -> str:
        """Return the page of the program: commands, and the options of a question."""
        return help_page(
            str(
                Text(
                    'ask [オプション] "質問"  |  ask コマンド …',
                    'ask [OPTIONS] "QUESTION"  |  ask COMMAND …',
                )
            ),
            self.text,
            examples=example_rows(self.examples),
            commands=self.command_rows(ctx),
            options=option_rows(self.default_command(), ctx),
        )

    def command_rows(self, ctx: click.Context) -> list[Row]:
        """Return the members of this package and the names that others add."""
        added = Text("(追加パッケージのコマンド)", "(from an added package)")
        return super().command_rows(ctx) + [(name, str(added)) for name in foreign_names()]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, for shell completion."""
        return [*super().list_commands(ctx), *foreign_names()]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return commands, and the options of a question."""
        found = super().shell_complete(ctx, incomplete)
        own = {item.value for item in found}
        more = self.default_command().shell_complete(ctx, incomplete)
        return found + [item for item in more if item.value not in own]

    def _foreign_names(self, name: str) -> list[str]:
        # Looking through installed packages takes 30 ms: not for every question.
        return foreign_names() if _COMMAND_NAME.fullmatch(name) else []


def foreign_names() -> list[str]:
    """Return the names of commands that other packages add, importing none of them."""
    from importlib.metadata import entry_points

    return sorted({entry.name for entry in entry_points(group=ENTRY_POINT_GROUP)})


def load_foreign(name: str) -> click.Command:
    """Return the command that another package adds under `name`."""
    from importlib.metadata import entry_points

    from assistant.errors import NotConfiguredError

    entry = next(iter(entry_points(group=ENTRY_POINT_GROUP, name=name)))
    try:
        return entry.load()
    except ImportError as error:
        raise NotConfiguredError(
            f"コマンド {name} に必要なパッケージがありません({error})。",
            f"The command {name} needs a package that is not installed ({error}).",
        ) from error


def example_rows(examples: Sequence[Example]) -> list[Row]:
    """Return the examples in the language being spoken."""
    return [(line, str(text)) for line, text in examples]


def define_command(
    name: str, text: Text, *, examples: Sequence[Example] = ()
) -> Callable[[Callable[..., Any]], LocalCommand]:
    """Make a function a command."""
    return click.command(name, cls=LocalCommand, text=text, examples=examples)


def define_group(name: str, text: Text) -> Callable[[Callable[..., Any]], LocalGroup]:
    """Make a function a group of commands."""
    return click.group(name, cls=LocalGroup, text=text)


def option(
    *names: str, text: Text, **attrs: Any
) -> Callable[[Callable[..., _Result]], Callable[..., _Result]]:
    """Add an option to a command."""
    return click.option(*names, cls=LocalOption, text=text, **attrs)
