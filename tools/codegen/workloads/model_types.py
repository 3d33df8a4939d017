"""Which transformers class a repository has, and the sizes of a tiny model of that class."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_TINY: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 128,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_PLAIN_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


@dataclass(frozen=True, slots=True)
class ModelType:
    """A `model_type` of transformers."""

    key: str
    repositories: tuple[str, ...]
    attention: tuple[str, ...]
    """Names of the attention projections."""
    tiny: dict[str, Any]
    """Arguments of the configuration of a tiny model, beside vocab_size."""


@cache
def model_types() -> tuple[ModelType, ...]:
    """Return all known types, in the order in which names are matched."""
    path = Path(__file__).parents[1] / "data" / "model_types.toml"
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))["type"]
    return tuple(
        ModelType(
            key=row["key"],
            repositories=tuple(row["repositories"]),
            attention=tuple(row.get("attention", _PLAIN_ATTENTION)),
            tiny={k: v for k, v in _TINY.items() if k not in row.get("drop", ())}
            | row.get("tiny", {}),
        )
        for row in rows
    )


def model_type_of(repository: str) -> ModelType | None:
    """Return the type of a repository; None where transformers has no class of its own for it."""
    lower = repository.lower()
    for kind in model_types():
        if lower.startswith(tuple(name.lower() for name in kind.repositories)):
            return kind
    return None
