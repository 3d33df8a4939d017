"""Sizes in words (`7B`, `1.3 billion`, `700億パラメータ`) and the typical decoder of a size."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal

from tools.sizing.parameters import Dimensions, count

_UNITS: dict[str, Decimal] = {
    "b": Decimal(10**9),
    "billion": Decimal(10**9),
    "bn": Decimal(10**9),
    "m": Decimal(10**6),
    "million": Decimal(10**6),
    "t": Decimal(10**12),
    "trillion": Decimal(10**12),
    "兆": Decimal(10**12),
    "億": Decimal(10**8),
    "万": Decimal(10**4),
}
_SIZE = re.compile(
    r"(?:約|およそ|about )?\s*(\d+(?:,\d{3})*(?:\.\d+)?)\s*"
    r"(billion|million|trillion|bn|b|m|t|兆|億|万)\s*"
    r"(?:個の)?(?:級|クラス|規模|class|size)?\s*の?\s*"
    r"(?:パラメー?タ(?:ー|数)?|param(?:eter)?s?|モデル|llm|model|級|クラス|規模|\s)*"
)
SMALLEST, LARGEST = 10**6, 10**14

_ANCHORS = (
    (1.25e8, 768, 12),
    (3.5e8, 1024, 24),
    (7.6e8, 1536, 24),
    (1.3e9, 2048, 24),
    (3.0e9, 3072, 28),
    (8.0e9, 4096, 32),
    (1.4e10, 5120, 40),
    (3.2e10, 6656, 60),
    (7.0e10, 8192, 80),
    (1.75e11, 12288, 96),
    (4.05e11, 16384, 126),
    (1.0e12, 25600, 128),
)
"""Size, hidden, layers: GPT-3 (2005.14165, table 2.1) below 2B, then Llama and GPT-3."""
MODERN = 2.5e9
"""From here on Llama 3's block (gated MLP, 8 KV heads, 128k vocabulary), below GPT-2's."""


def parse_size(text: str) -> int | None:
    """Return the number of parameters if `text` is a size and nothing else."""
    word = unicodedata.normalize("NFKC", text).strip().lower()
    match = _SIZE.fullmatch(word)
    if not match:
        return None
    value = int(Decimal(match[1].replace(",", "")) * _UNITS[match[2]])
    return value if SMALLEST <= value <= LARGEST else None


def typical_shape(parameters: int) -> Dimensions:
    """Return the dimensions of a usual decoder with about this many parameters."""
    hidden, layers = _interpolate(parameters)
    modern = parameters >= MODERN
    heads = hidden // 128 if modern else max(hidden // 64, 1)
    shape = Dimensions(
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=8 if modern and heads % 8 == 0 else heads,
        head_dim=128 if modern else 64,
        intermediate=4 * hidden,
        vocab=128_256 if modern else 50_304,
        tied=parameters < 5e9,
        gated=modern,
        norm="rmsnorm" if modern else "layernorm",
        max_positions=131_072 if modern else None,
    )
    # The inner size absorbs what is left, so that the count meets the size asked for.
    matrices = 3 if modern else 2
    missing = parameters - count(shape).total
    inner = shape.intermediate + missing / (layers * matrices * hidden)
    return shape.model_copy(update={"intermediate": max(round(inner / 64) * 64, hidden)})


def _interpolate(parameters: int) -> tuple[int, int]:
    """Return hidden size (a multiple of 128) and layers, between the anchors on a log scale."""
    if parameters <= _ANCHORS[0][0]:
        scale = (parameters / _ANCHORS[0][0]) ** (1 / 3)
        return max(round(768 * scale / 64) * 64, 64), max(round(12 * scale), 1)
    above = next((item for item in _ANCHORS if item[0] >= parameters), None)
    if above is None:
        size, hidden, layers = _ANCHORS[-1]
        scale = (parameters / size) ** 0.5
        return round(hidden * scale / 1024) * 1024, layers
    below = _ANCHORS[max(_ANCHORS.index(above) - 1, 0)]
    span = math.log(above[0] / below[0]) or 1.0
    share = math.log(parameters / below[0]) / span
    step = 1024 if parameters >= MODERN * 2 else 128
    hidden = below[1] * (above[1] / below[1]) ** share
    layers = below[2] * (above[2] / below[2]) ** share
    return max(round(hidden / step) * step, 128), round(layers)
