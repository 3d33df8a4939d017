"""The pieces of a memory sum: a key, bytes and the formula with its numbers."""

from __future__ import annotations

from typing import Literal, NamedTuple

GIB = 2**30
Key = Literal[
    "parameters",
    "gradients",
    "optimizer",
    "master_weights",
    "activations",
    "logits",
    "live_parameters",
    "communication",
    "quantization",
    "kv_cache",
    "overhead",
    "fragmentation",
]


class Part(NamedTuple):
    """Bytes of one kind on one GPU."""

    key: Key
    size: float
    formula: str


def size_of(parts: list[Part]) -> float:
    """Return the bytes of all parts together."""
    return sum(part.size for part in parts)


def amount(value: float) -> str:
    """Return a count as people write it: `8.03e9`, `1.5e6`, `4096`."""
    if value < 1e5:
        return f"{value:g}"
    exponent = 9 if value >= 1e8 else 6
    return f"{value / 10**exponent:.4g}e{exponent}"
