"""What is recomputed from the files of an `llm-train` bundle."""

from __future__ import annotations

from tools.codegen.spec import CheckFunction

CHECKS: tuple[CheckFunction, ...] = ()
