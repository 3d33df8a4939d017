"""Check a DeepSpeed configuration against the schema extracted from the pinned version.

Without importing DeepSpeed, which costs seconds and is not installed everywhere. What the schema
cannot hold (rules between fields) is repeated here; deepspeed_parser.py asks the library itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from rapidfuzz import process

from tools.codegen.wheels import versions

_DATA = Path(__file__).parent / "data"


def schema_problems(config: dict[str, Any]) -> list[str]:
    """Return what DeepSpeed would reject or silently ignore in a configuration."""
    return [*_top_level(config), *_removed(config), *_blocks(config), *_between_fields(config)]


@cache
def schema() -> dict[str, Any]:
    """Return the extracted schema of the pinned version."""
    path = _DATA / f"deepspeed-{versions()['deepspeed']}.json"
    return json.loads(path.read_text("utf-8"))


def _top_level(config: dict[str, Any]) -> Iterator[str]:
    known: list[str] = schema()["top_level"]
    for key in config:
        if key in schema()["removed"]:
            yield f"{key}: removed from DeepSpeed"
        elif key not in known:
            near = process.extractOne(key, known)
            yield f"{key}: not a key of DeepSpeed" + (f" ({near[0]}?)" if near else "")


def _removed(config: dict[str, Any]) -> Iterator[str]:
    zero = _block(config, "zero_optimization")
    for key in zero:
        if key in schema()["removed_zero"]:
            yield f"zero_optimization.{key}: removed from DeepSpeed"
        elif key in schema()["deprecated_zero"]:
            yield f"zero_optimization.{key}: deprecated"


def _blocks(config: dict[str, Any]) -> Iterator[str]:
    for name, validator in _validators().items():
        if name in config:
            for error in validator.iter_errors(config[name]):
                place = ".".join(str(part) for part in (name, *error.absolute_path))
                yield f"{place}: {error.message[:160]}"


def _between_fields(config: dict[str, Any]) -> Iterator[str]:
    zero = _block(config, "zero_optimization")
    if _enabled(config, "fp16") and _enabled(config, "bf16"):
        yield "fp16, bf16: both enabled"
    if zero.get("offload_param") and zero.get("stage") != 3:
        yield "zero_optimization.offload_param: only stage 3 uses it"
    for name in ("offload_optimizer", "offload_param"):
        offload = _block(zero, name)
        if offload.get("device") == "nvme" and not offload.get("nvme_path"):
            yield f"zero_optimization.{name}: nvme needs nvme_path"


def _block(config: dict[str, Any], name: str) -> dict[str, Any]:
    found = config.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _enabled(config: dict[str, Any], name: str) -> bool:
    return _block(config, name).get("enabled") is True


@cache
def _validators() -> dict[str, Any]:
    from jsonschema import Draft202012Validator

    return {name: Draft202012Validator(rules) for name, rules in schema()["blocks"].items()}
