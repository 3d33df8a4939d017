"""Lines of a batch file: each is a question, a conversation, or the reason why it is neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn, cast

from ui.language import Text
from ui.terminal import clean_text

MAX_LINE_BYTES = 10_000_000
_NO_OBJECT = Text(
    '{"id": …, "question": …} の形ではありません。', 'Not of the form {"id": …, "question": …}.'
)
_NOT_ONE = Text(
    "question か turns のどちらか一方が必要です。", "Exactly one of question and turns is needed."
)
_NO_STRINGS = Text(
    "question は文字列、turns は空でない文字列の配列です。",
    "question is a string, turns a list of strings that is not empty.",
)
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its number, its id, and the turns of its conversation."""

    line: int
    id: Scalar
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Malformed:
    """One line that is not a question."""

    line: int
    id: Scalar
    message: Text


class _Wrong(ValueError):
    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def read_entries(stream: BinaryIO) -> Iterator[Entry | Malformed]:
    """Yield one entry for every line that is not blank."""
    for number, line in enumerate(_lines(stream), 1):
        if line is None:
            limit = MAX_LINE_BYTES // 1_000_000
            yield Malformed(
                number,
                None,
                Text(
                    f"行が長すぎます(上限 {limit} MB)。",
                    f"The line is too long (limit {limit} MB).",
                ),
            )
        elif line.strip():
            yield parse_line(number, line)


def parse_line(number: int, line: bytes) -> Entry | Malformed:
    """Return what a line asks."""
    name: Scalar = None
    try:
        value = _parse_object(line)
        name = _clean_id(value.get("id"))
        return Entry(number, name, _turns(value))
    except _Wrong as error:
        return Malformed(number, name, error.text)
    except UnicodeDecodeError:
        return Malformed(number, None, Text("UTF-8 ではありません。", "Not UTF-8."))
    except (ValueError, RecursionError):
        return Malformed(number, None, Text("JSON として読めません。", "Not valid JSON."))


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Yield lines; None for one that is too long, which is read past but not kept."""
    while line := stream.readline(MAX_LINE_BYTES):
        if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


def _parse_object(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8-sig")
    value = json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_not_json)
    if not isinstance(value, dict):
        raise _Wrong(_NO_OBJECT)
    return cast("dict[str, Any]", value)


def _turns(value: dict[str, Any]) -> tuple[str, ...]:
    if ("question" in value) == ("turns" in value):
        raise _Wrong(_NOT_ONE)
    turns: Any = value["turns"] if "turns" in value else [value["question"]]
    if not isinstance(turns, list) or not turns:
        raise _Wrong(_NO_STRINGS)
    return tuple(_turn(turn) for turn in cast("list[object]", turns))


def _turn(turn: object) -> str:
    if not isinstance(turn, str):
        raise _Wrong(_NO_STRINGS)
    return clean_text(turn)


def _clean_id(value: Any) -> Scalar:
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, int | float):
        return value
    raise _Wrong(Text("id は文字列か数です。", "id is a string or a number."))


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _Wrong(Text("同じ項目が 2 回あります。", "A key appears twice."))
    return dict(pairs)


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)
