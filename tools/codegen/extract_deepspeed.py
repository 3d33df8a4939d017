"""Extract the schema of DeepSpeed's configuration from the installed library.

Run it after a new version is pinned: `python -m tools.codegen.extract_deepspeed`. It writes
data/deepspeed-<version>.json, so that bundles are checked without importing DeepSpeed (seconds).

What is read at the top level is found out by letting the parser read a mapping that notes every key
it is asked for; the blocks whose models forbid unknown keys give their JSON schema. Rules between
fields are not in a schema: deepspeed_schema.py repeats those that matter to bundles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

_DATA = Path(__file__).parent / "data"
_NOISE = ("title", "description", "default", "deprecated", "new_param", "new_param_fn", "format")
_BLOCKS = {
    "zero_optimization": ("deepspeed.runtime.zero.config", "DeepSpeedZeroConfig"),
    "fp16": ("deepspeed.runtime.precision_config", "DeepSpeedFP16Config"),
    "bf16": ("deepspeed.runtime.precision_config", "DeepSpeedBF16Config"),
}


class _Noted(dict[str, Any]):
    """A configuration that notes which keys the parser looks for."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value and note the key."""
        self.asked.add(key)
        return super().get(key, default)

    def keys(self) -> Any:
        """Return the mapping itself: the parser only asks whether a key is among its keys."""
        return self

    def __deepcopy__(self, memo: object) -> _Noted:
        return self


def extract() -> dict[str, Any]:
    """Return the schema of the installed DeepSpeed."""
    from deepspeed.runtime import config  # pyright: ignore[reportMissingTypeStubs]

    source: Any = config
    removed = sorted(source._REMOVED_TOP_LEVEL_CONFIG_KEYS)
    noted = _Noted({"train_batch_size": 1})
    source.DeepSpeedConfig(noted)
    return {
        "version": version("deepspeed"),
        "top_level": sorted(noted.asked - set(removed)),
        "removed": removed,
        "removed_zero": sorted(source._REMOVED_ZERO_CONFIG_KEYS),
        "deprecated_zero": sorted(_deprecated(_model(*_BLOCKS["zero_optimization"]))),
        "blocks": {key: _schema(_model(*place)) for key, place in _BLOCKS.items()},
    }


def _model(module: str, name: str) -> Any:
    from importlib import import_module

    return getattr(import_module(module), name)


def _deprecated(model: Any) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if _extra(field).get("deprecated"):
            yield name


def _extra(field: Any) -> dict[str, Any]:
    extra = field.json_schema_extra
    return cast("dict[str, Any]", extra) if isinstance(extra, dict) else {}


def _schema(model: Any) -> dict[str, Any]:
    """Return a block's JSON schema; a field may go by its name or its alias, or be "auto"."""
    for field in model.model_fields.values():
        _extra(field).pop("new_param_fn", None)  # a function: not for JSON
    model.model_rebuild(force=True)
    schema = _clean(model.model_json_schema(by_alias=True))
    for name, field in model.model_fields.items():
        if field.alias:
            schema["properties"][name] = schema["properties"][field.alias]
    schema["properties"] = {
        name: {"anyOf": [rule, {"const": "auto"}]} for name, rule in schema["properties"].items()
    }
    return schema


def _clean(node: Any) -> Any:
    """Return a schema without texts and defaults; names of properties are kept."""
    if isinstance(node, list):
        return [_clean(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    kept = {k: v for k, v in cast("dict[str, Any]", node).items() if k not in _NOISE}
    for key, value in kept.items():
        named = key in ("properties", "$defs")  # its keys are names, not keywords
        kept[key] = {name: _clean(rule) for name, rule in value.items()} if named else _clean(value)
    return kept


def main() -> None:
    """Write the schema beside the other data."""
    found = extract()
    path = _DATA / f"deepspeed-{found['version']}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(path.name, len(found["top_level"]), "top-level keys")


if __name__ == "__main__":
    main()
