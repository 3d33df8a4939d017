"""`ask batch IN -o OUT`: one question a line in, one answer a line out, in the same order.

A line that cannot be read gives an error object in its place. Each line is written whole, so what
is there after an interruption is valid, and `--resume` goes on behind it.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from ui.batch_input import Entry, Malformed, read_entries
from ui.call import Call, common_options
from ui.command import define_command, option
from ui.console import Console
from ui.failures import Failure, Misuse, cause_of, failure_of
from ui.language import Language, Text, as_language

if TYPE_CHECKING:
    from assistant.app import Assistant

_HOPELESS = (3, 4)  # not configured, not authenticated: every further line would fail as well
_TEXT = Text(
    'JSONL の質問({"id": …, "question": …} または {"id": …, "turns": […]})に順に回答し、'
    "1 行 1 件の JSON で出力します。",
    'Answer JSONL questions ({"id": …, "question": …} or {"id": …, "turns": […]}) in order, '
    "one JSON object a line.",
)


@define_command(
    "batch",
    _TEXT,
    examples=(
        (
            "ask batch questions.jsonl -o answers.jsonl",
            Text("ファイルからファイルへ", "file to file"),
        ),
        ("cat q.jsonl | ask batch - -o -", Text("標準入力から標準出力へ", "stdin to stdout")),
    ),
)
@click.argument("source", metavar="IN")
@option(
    "-o",
    "--output",
    default="-",
    metavar="OUT",
    text=Text("出力先。- は標準出力(既定)。", "Where to write; - is stdout (default)."),
)
@option(
    "--resume",
    is_flag=True,
    text=Text("OUT にある行の続きから始めます。", "Go on behind the lines that OUT has."),
)
@option("--model", metavar="MODEL", text=Text("使うモデル。", "Model to use."))
@common_options
def command(call: Call, *, source: str, output: str, resume: bool, model: str | None) -> int:
    """Answer a file of questions."""
    _check_paths(source, output, resume=resume)
    assistant = call.assistant(model=model, log="off")
    run = Batch(call.console, assistant, as_language(call.overrides["lang"] or ""))
    with ExitStack() as files:
        lines = _open_source(source, files)
        done = resumable_lines(Path(output)) if resume else 0
        writer = _open_target(output, files, resume=resume)
        code = run.answer_all(islice(read_entries(lines), done, None), writer)
    run.summarise()
    return code


@dataclass(slots=True)
class Batch:
    """The state of one run: what was written so far and what failed."""

    console: Console
    assistant: Assistant
    language: Language | None
    written: int = 0
    failed: int = 0
    exit_code: int = 0

    def answer_all(self, entries: Iterator[Entry | Malformed], writer: LineWriter) -> int:
        """Write one line per entry; return the exit code: that of the last failed answer, or 0."""
        with writer.guarded():
            for entry in entries:
                failure, line = self._result(entry)
                writer.write(line)
                self._count(failure)
                if failure and failure.exit_code in _HOPELESS:
                    self.console.note(failure.message)
                    return failure.exit_code
        return self.exit_code

    def summarise(self) -> None:
        """Tell how many lines were written, on a terminal or with `-v`."""
        text = Text(
            f"{self.written} 行を書きました(うちエラー {self.failed} 行)。",
            f"Wrote {self.written} lines, {self.failed} of them errors.",
        )
        if self.failed or self.console.err.cursor:
            self.console.note(text)
        else:
            self.console.detail(text)

    def _count(self, failure: Failure | None) -> None:
        self.written += 1
        self.failed += failure is not None
        if failure and failure.exit_code != 2:
            self.exit_code = failure.exit_code
        if self.written % 20 == 0 or self.console.verbose:
            self.console.step(Text(f"{self.written} 行目まで完了", f"{self.written} lines done"))

    def _result(self, entry: Entry | Malformed) -> tuple[Failure | None, str]:
        if isinstance(entry, Malformed):
            failure = Failure(2, str(entry.message))
            return failure, _error_line(entry, failure)
        try:
            answer = self._last_answer(entry.turns)
        except Exception as error:  # one line's failure is that line's result
            failure = failure_of(error)
            return failure, _error_line(entry, failure)
        body = answer.model_dump_json()
        return None, f'{{"id":{json.dumps(entry.id, ensure_ascii=False)},{body[1:]}'

    def _last_answer(self, turns: tuple[str, ...]) -> Any:
        thread: str | None = None
        answer = None
        for turn in turns:
            answer = self.assistant.ask(turn, thread_id=thread, language=self.language)
            thread = answer.thread_id
        return answer


@dataclass(slots=True)
class LineWriter:
    """Writes whole lines: an interruption waits until the line is out."""

    stream: BinaryIO
    _writing: bool = field(default=False, init=False)
    _interrupted: bool = field(default=False, init=False)

    def write(self, line: str) -> None:
        """Write and flush one line."""
        self._writing = True
        try:
            self.stream.write(line.encode("utf-8", "replace") + b"\n")
            self.stream.flush()
        finally:
            self._writing = False
        if self._interrupted:
            raise KeyboardInterrupt

    @contextmanager
    def guarded(self) -> Generator[None]:
        """Hold back Ctrl-C while a line is being written."""
        try:
            previous = signal.signal(signal.SIGINT, self._on_interrupt)
        except ValueError:  # not the main thread: nothing can interrupt
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

    def _on_interrupt(self, *_: object) -> None:
        if not self._writing:
            raise KeyboardInterrupt
        self._interrupted = True


def resumable_lines(path: Path) -> int:
    """Return how many whole lines `path` has, having cut off an unfinished last one."""
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        count = end = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            count, end = count + 1, end + len(line)
        file.truncate(end)
    return count


def _error_line(entry: Entry | Malformed, failure: Failure) -> str:
    error = {"code": failure.code, "message": failure.message}
    return json.dumps({"line": entry.line, "id": entry.id, "error": error}, ensure_ascii=False)


def _check_paths(source: str, output: str, *, resume: bool) -> None:
    if output == "-":
        if resume:
            raise Misuse(Text("--resume には -o FILE が必要です。", "--resume needs -o FILE."))
        return
    if source != "-" and Path(output).exists() and Path(output).samefile(source):
        raise Misuse(
            Text(
                f"入力と出力が同じファイルです: {output}",
                f"Input and output are the same file: {output}",
            )
        )


def _open_source(source: str, files: ExitStack) -> BinaryIO:
    return sys.stdin.buffer if source == "-" else _open(source, "rb", files)


def _open_target(output: str, files: ExitStack, *, resume: bool) -> LineWriter:
    if output == "-":
        return LineWriter(sys.stdout.buffer)
    return LineWriter(_open(output, "ab" if resume else "wb", files))


def _open(path: str, mode: str, files: ExitStack) -> BinaryIO:
    try:
        return files.enter_context(open(path, mode))  # type: ignore[return-value]
    except OSError as error:
        cause = cause_of(error)
        raise Misuse(
            Text(
                f"ファイル {path} を開けません({cause.ja})。",
                f"Cannot open the file {path} ({cause.en}).",
            )
        ) from error
