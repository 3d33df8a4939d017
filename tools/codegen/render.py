"""Templates -> files. Undefined names are errors; values of users pass a quoting filter."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
_SUFFIX = ".j2"


def render_files(
    workload: str, templates: tuple[str, ...], values: Mapping[str, object]
) -> dict[str, str]:
    """Return the rendered files by name; without `templates`, all of the workload's folder."""
    names = templates or templates_of(workload)
    environment = _environment()
    return {
        output_name(name): environment.get_template(name).render(values).rstrip("\n") + "\n"
        for name in names
    }


def templates_of(workload: str) -> tuple[str, ...]:
    """Return the templates of a workload's folder (those starting with `_` are parts)."""
    folder = TEMPLATES / workload
    found = sorted(folder.rglob(f"*{_SUFFIX}"))
    return tuple(
        path.relative_to(TEMPLATES).as_posix() for path in found if not path.name.startswith("_")
    )


def output_name(template: str) -> str:
    """Return the path in the bundle of a template: without the first folder and the suffix."""
    return template.partition("/")[2].removesuffix(_SUFFIX)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # no HTML here: code is quoted by the filters below
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "py": python_literal,
        "sh": shell_word,
        "json": json_text,
        "toml": toml_value,
        "yaml": yaml_value,
        "md": markdown_code,
        "one_line": one_line,
    }
    return environment


def python_literal(value: object) -> str:
    """Return a Python literal in the formatter's quotes."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        items = [python_literal(item) for item in cast("Sequence[object]", value)]
        if isinstance(value, list):
            return f"[{', '.join(items)}]"
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    raise TypeError(f"no literal for {type(value).__name__}")


def shell_word(value: object) -> str:
    """Return one word of a POSIX shell."""
    return shlex.quote(str(value))


def json_text(value: object) -> str:
    """Return JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def toml_value(value: object) -> str:
    """Return a TOML value."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return f"[{', '.join(map(toml_value, items))}]"
    raise TypeError(f"no TOML for {type(value).__name__}")


def yaml_value(value: object) -> str:
    """Return a YAML value on one line."""
    return _quoted(value) if isinstance(value, str) else json_text(value)


def markdown_code(value: object) -> str:
    """Return inline code that no content can leave."""
    text = one_line(value)
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def one_line(value: object) -> str:
    """Return text without line breaks and other control letters, for comments."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value))


def _quoted(value: str) -> str:
    """Return a double-quoted string whose escapes mean the same in Python, TOML and YAML."""
    return "".join(
        letter if letter.isprintable() else f"\\U{ord(letter):08x}"
        for letter in json.dumps(value, ensure_ascii=False)
    )
