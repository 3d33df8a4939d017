"""The two output streams of a command: answers on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

from ui.language import Text
from ui.render import render_terminal
from ui.terminal import ColorChoice, Terminal, clean_text, terminal_for
from ui.width import fit

_ERASE = "\r\x1b[2K"


@dataclass(slots=True)
class Console:
    """Writes for one command, as `--color`, `-q` and `-v` ask for."""

    color: ColorChoice = "auto"
    quiet: bool = False
    verbose: bool = False
    out: Terminal = field(init=False)
    err: Terminal = field(init=False)
    _transient: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Look at the streams once."""
        self.out = terminal_for(sys.stdout, self.color)
        self.err = terminal_for(sys.stderr, self.color)

    @property
    def shows_steps(self) -> bool:
        """Whether someone would see the steps of an answer."""
        return self.verbose or (self.err.cursor and not self.quiet)

    def write(self, text: str) -> None:
        """Write to stdout at once."""
        self.clear_step()
        sys.stdout.write(clean_text(text))
        sys.stdout.flush()

    def markdown(self, text: str) -> None:
        """Write Markdown to stdout: laid out for a screen, as it is for a pipe."""
        text = text.rstrip() + "\n"
        self.write(render_terminal(text, self.out) if self.out.laid_out else text)

    def json(self, value: Any) -> None:
        """Write a JSON value to stdout."""
        self.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")

    def note(self, text: Text | str) -> None:
        """Tell the user something beside the answer, unless `-q`."""
        if not self.quiet:
            self._write_err(str(text))

    def detail(self, text: Text | str) -> None:
        """Tell the user something with `-v` only."""
        if self.verbose:
            self._write_err(str(text))

    def step(self, text: Text | str) -> None:
        """Show what is being done: a line that is erased by what follows, or with `-v` stays."""
        if self.err.cursor and not self.quiet:
            line = fit(str(text).replace("\n", " "), self.err.width - 1)
            sys.stderr.write(_ERASE + (f"\x1b[2m{line}\x1b[0m" if self.err.color else line))
            sys.stderr.flush()
            self._transient = True
        else:
            self.detail(text)

    def clear_step(self) -> None:
        """Erase the line of the current step."""
        if self._transient:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
            self._transient = False

    def _write_err(self, text: str) -> None:
        self.clear_step()
        line = clean_text(text)
        sys.stderr.write(f"\x1b[2m{line}\x1b[0m\n" if self.err.color else f"{line}\n")
        sys.stderr.flush()
