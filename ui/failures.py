"""Errors of one run, as the user sees them: a short message, an exit code, never a traceback.

    0 answered     1 internal   2 usage      3 not configured   4 authentication   5 unreachable
    6 throttled    7 timeout    8 upstream   10 abstained (with --fail-on-abstain) 130 interrupted

With `--json` the error is also an object on stdout. An unexpected exception is kept in a file of
the data directory under an incident id; ASK_DEBUG=1 shows the traceback as well.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ui.language import Text, spoken
from ui.terminal import clean_text

ABSTAINED = 10
INTERRUPTED = 130
_CODES = {
    1: "internal",
    2: "usage",
    3: "not_configured",
    4: "authentication",
    5: "unreachable",
    6: "throttled",
    7: "timeout",
    8: "upstream",
    INTERRUPTED: "interrupted",
}
_CAUSES = {
    errno.ENOENT: "見つかりません",
    errno.EACCES: "権限がありません",
    errno.EISDIR: "フォルダーです",
    errno.ENOTDIR: "途中がフォルダーではありません",
    errno.ENOSPC: "空き容量がありません",
}
_VALUE = re.compile(r"^('[^']*'|\"[^\"]*\")")


class Misuse(Exception):
    """The command line is wrong in a way that click cannot know."""

    def __init__(self, text: Text) -> None:
        """Keep the message in both languages."""
        super().__init__(text.en)
        self.text = text


class Deadline(BaseException):
    """The time limit of `--timeout` passed. Not an Exception, so that no layer swallows it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, ready to be shown."""

    exit_code: int
    message: str
    trace: str = ""
    bare: bool = False
    """The message is a help page, not the description of an error."""

    @property
    def code(self) -> str:
        """The stable name of the error class."""
        return _CODES.get(self.exit_code, "internal")

    def as_object(self) -> dict[str, object]:
        """Return the error as it stands in JSON output."""
        error = {"code": self.code, "exit_code": self.exit_code, "message": self.message}
        return {"schema_version": 1, "error": error}


def failure_of(error: BaseException) -> Failure:
    """Return what to show for an exception."""
    from assistant.errors import AssistantError

    if isinstance(error, AssistantError):
        return Failure(error.exit_code, clean_text(error.message(spoken())))
    if isinstance(error, Misuse):
        return Failure(2, clean_text(str(error.text)))
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return Failure(2, error.format_message(), bare=True)
    if isinstance(error, click.UsageError | click.FileError):
        return Failure(2, clean_text(_usage_message(error)))
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Failure(INTERRUPTED, str(Text("中断しました。", "Interrupted.")))
    if isinstance(error, Deadline):
        return Failure(
            7,
            str(
                Text(
                    "時間内に回答できませんでした。--timeout を長くしてください。",
                    "No answer within the time limit. Use a longer --timeout.",
                )
            ),
        )
    return _unexpected(error)


def cause_of(error: OSError) -> Text:
    """Return why a file could not be opened."""
    english = error.strerror or str(error)
    return Text(_CAUSES.get(error.errno or 0, english), english)


def show(failure: Failure, *, as_json: bool) -> None:
    """Write the failure to stderr, and to stdout as JSON if the caller reads JSON."""
    if as_json:
        sys.stdout.write(json.dumps(failure.as_object(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    plain = failure.bare or failure.exit_code == INTERRUPTED
    label = "" if plain else str(Text("エラー: ", "Error: "))
    sys.stderr.write(f"{failure.trace}{label}{failure.message}\n")
    sys.stderr.flush()


def keep_incident(error: BaseException) -> tuple[str, str, Path | None]:
    """Keep an unexpected exception; return its number, its traceback and the file it is in."""
    import traceback
    import uuid

    incident = uuid.uuid4().hex[:8]
    trace = "".join(traceback.format_exception(error))
    return incident, trace, _keep_trace(incident, trace)


def _unexpected(error: BaseException) -> Failure:
    incident, trace, path = keep_incident(error)
    where = Text(f"(詳細: {path})", f" (details: {path})") if path else Text("", "")
    message = Text(
        f"内部エラーが起きました。番号 {incident}{where.ja}",
        f"An internal error occurred. Incident {incident}{where.en}",
    )
    return Failure(1, str(message), trace if os.environ.get("ASK_DEBUG") == "1" else "")


def _keep_trace(incident: str, trace: str) -> Path | None:
    """Write the traceback where the user can find it; None if that is impossible."""
    try:
        from assistant.settings import load_settings

        folder = load_settings().data_dir / "incidents"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{incident}.txt"
        path.write_text(clean_text(trace), "utf-8")
    except Exception:  # keeping the details must not hide the error itself
        return None
    return path


def _usage_message(error: click.UsageError | click.FileError) -> str:
    english = error.format_message()
    if spoken() == "en":
        return english
    match error:
        case click.NoSuchOption():
            return f"オプション {error.option_name} はありません。{_nearest(error.possibilities)}"
        case click.NoSuchCommand():
            return f"コマンド {error.command_name} はありません。{_nearest(error.possibilities)}"
        case click.MissingParameter():
            return f"{_name_of(error)} を指定してください。"
        case click.BadParameter():
            return f"{_name_of(error)} の値{_value_of(error)}が正しくありません。{_allowed(error)}"
        case click.BadOptionUsage():
            return f"オプション {error.option_name} の使い方が正しくありません({english})"
        case _:
            return f"使い方が正しくありません({english})"


def _nearest(possibilities: list[str] | None) -> str:
    return (
        f"もしかして: {', '.join(possibilities)}"
        if possibilities
        else "ask --help で一覧を表示します。"
    )


def _name_of(error: click.BadParameter) -> str:
    param = error.param
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return param.human_readable_name if param else "引数"


def _value_of(error: click.BadParameter) -> str:
    found = _VALUE.match(error.message)
    return f" {found.group()} " if found else ""


def _allowed(error: click.BadParameter) -> str:
    kind = error.param.type if error.param else None
    if isinstance(kind, click.Choice):
        return f"{', '.join(map(str, kind.choices))} から選んでください。"
    if isinstance(kind, click.IntRange | click.FloatRange):
        bound = "より大きい" if kind.min_open else "以上の"
        return f"{f'{kind.min} {bound}' if kind.min is not None else ''}数を指定してください。"
    return "数を指定してください。" if kind in (click.INT, click.FLOAT) else ""
