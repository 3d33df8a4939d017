"""`ask models`: the configured models, each checked with one cheap call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.answer import Language
from assistant.errors import AssistantError
from assistant.llm.wording import phrases
from assistant.models import PLANNER, ModelName, build_model, parse_models
from assistant.settings import Settings

PING = "ping: reply by calling the tool `pong`."
_PONG = {
    "type": "function",
    "function": {
        "name": "pong",
        "description": "Answers a ping.",
        "parameters": {"type": "object", "properties": {"ok": {"type": "boolean"}}},
    },
}


@dataclass(frozen=True, slots=True)
class ModelState:
    """What a check found out."""

    model: str
    ok: bool
    problem: str = ""
    """For the user; empty if all is well."""
    detail: str = ""
    """The client's own words."""
    elapsed_ms: int = 0


def check_models(settings: Settings, language: Language, *, call: bool) -> Iterator[ModelState]:
    """Yield the state of each configured model in the order of use; the planner is the last."""
    for name in parse_models(settings):
        yield _check(name, settings, language, call=call)
    yield ModelState(PLANNER, ok=True)


def _check(name: ModelName, settings: Settings, language: Language, *, call: bool) -> ModelState:
    from assistant.llm.failures import classify

    started = time.perf_counter()
    try:
        model = build_model(name, settings)
        if call:
            bound = model.bind_tools([_PONG])
            bound.invoke(PING, max_tokens=64)
    except AssistantError as error:
        return ModelState(name.label, ok=False, problem=error.message(language))
    except Exception as error:
        kind = "no_tools" if isinstance(error, NotImplementedError) else classify(error).kind
        said = phrases(language)
        detail = classify(error).detail
        return ModelState(name.label, ok=False, problem=said[f"why_{kind}"], detail=detail)
    elapsed = round((time.perf_counter() - started) * 1000) if call else 0
    return ModelState(name.label, ok=True, elapsed_ms=elapsed)
