"""Models by name, by size, or from a config.json.

`resolve_model` accepts a name in the usual spellings, a bare size (`7B`, `700億パラメータ`) or the
text of a Hugging Face config.json. A name that is not known raises `UnknownModelError` with the
nearest ones: a wrong guess (70B for 7B) would cost real money.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from rapidfuzz import fuzz, process

from tools.charts import Text
from tools.errors import ToolInputError
from tools.sizing.hf_config import looks_like_config, shape_of_config
from tools.sizing.models import ModelSpec
from tools.sizing.parameters import Dimensions, count
from tools.sizing.sizes import parse_size, typical_shape
from tools.sizing.spelling import Span, runs, spellings

LICENSES: dict[str, Text] = {
    "llama": Text(
        ja="Llama コミュニティライセンス(月間 7 億利用者超は別契約、名称表示の条件あり)",
        en="Llama community licence (naming terms; separate contract above 700 M monthly users)",
    ),
    "gemma": Text(
        ja="Gemma 利用規約(禁止用途あり)", en="Gemma terms of use (prohibited uses apply)"
    ),
    "deepseek": Text(
        ja="DeepSeek モデルライセンス(用途の制限あり)", en="DeepSeek model licence (use limits)"
    ),
    "mistral-research": Text(
        ja="Mistral 研究ライセンス(商用は別契約)",
        en="Mistral research licence (commercial use needs a contract)",
    ),
    "openrail": Text(ja="OpenRAIL ライセンス(用途の制限あり)", en="OpenRAIL licence (use limits)"),
    "rail": Text(ja="BigScience RAIL(用途の制限あり)", en="BigScience RAIL (use limits)"),
    "opt": Text(ja="OPT-175B ライセンス(研究目的)", en="OPT-175B licence (research)"),
}
NEAR = 3
"""Names offered for one that is not known."""


class UnknownModelError(ToolInputError):
    """A model name that is not in the list."""

    def __init__(self, name: str, suggestions: tuple[str, ...]) -> None:
        """Name the nearest models, and the other ways to say which model is meant."""
        near_ja = f"近いもの: {'、'.join(suggestions)}。" if suggestions else ""
        near_en = f"Closest: {', '.join(suggestions)}. " if suggestions else ""
        super().__init__(
            f"モデル「{name}」は一覧にありません。{near_ja}"
            "パラメータ数(例: 7B)か config.json の内容でも指定できます。",
            f"Model {name!r} is not in the list. {near_en}"
            "A size (7B) or the text of its config.json works too.",
        )
        self.name = name
        self.suggestions = suggestions


def resolve_model(text: str) -> ModelSpec:
    """Return the model that `text` names, sizes or describes. Raises ToolInputError."""
    if looks_like_config(text):
        return from_config(text)
    if (size := parse_size(text)) is not None:
        return from_size(size)
    for key in spellings(text):
        if found := _index().get(key):
            return found
    raise UnknownModelError(text.strip()[:80], nearest_models(text))


def find_models(text: str) -> list[tuple[Span, ModelSpec]]:
    """Return the models named inside a sentence, with where they stand, longest names first."""
    index = _index()
    found: list[tuple[Span, ModelSpec]] = []
    for span, key in runs(text):
        taken = any(span.start < other.end and other.start < span.end for other, _ in found)
        if not taken and key in index:
            found.append((span, index[key]))
    return sorted(found, key=lambda item: item[0].start)


def named_models() -> tuple[ModelSpec, ...]:
    """Return every model of the list."""
    return tuple(dict.fromkeys(_index().values()))


def nearest_models(text: str) -> tuple[str, ...]:
    """Return the names closest to `text`, best first."""
    keys = spellings(text)
    found = process.extract(keys[0] if keys else "", list(_index()), scorer=fuzz.ratio, limit=12)
    names = dict.fromkeys(_index()[key].name for key, score, _ in found if score >= 55)
    return tuple(names)[:NEAR]


def from_size(parameters: int) -> ModelSpec:
    """Return a typical decoder of this many parameters."""
    shape = typical_shape(parameters)
    spec = build_spec(size_name(parameters), shape)
    counted = spec.parameters
    return spec.model_copy(
        update={
            "parameters": parameters,
            "active_parameters": parameters,
            "linear_parameters": round(spec.linear_parameters * parameters / counted),
            "block_parameters": round(spec.block_parameters * parameters / counted),
            "estimated": True,
            "source": "typical dimensions",
        }
    )


def from_config(text: str) -> ModelSpec:
    """Return the model that a config.json describes. Raises ToolInputError."""
    name, dtype, shape = shape_of_config(text)
    parameters = count(shape).total
    return build_spec(name or size_name(parameters), shape, dtype=dtype, source="config.json")


def size_name(parameters: int) -> str:
    """Return `7B`, `1.3B` or `350M`."""
    value, unit = (parameters / 1e9, "B") if parameters >= 1e9 else (parameters / 1e6, "M")
    return f"{value:.4g}{unit}"


def build_spec(
    name: str,
    shape: Dimensions,
    *,
    hf_id: str | None = None,
    dtype: str = "bf16",
    license_key: str | None = None,
    source: str = "",
) -> ModelSpec:
    """Return the spec of a shape, with its counts."""
    counted = count(shape)
    return ModelSpec.model_validate(
        {
            "name": name,
            "hf_id": hf_id,
            "kind": shape.kind,
            "parameters": counted.total,
            "active_parameters": counted.active,
            "hidden": shape.hidden,
            "layers": shape.layers,
            "encoder_layers": shape.encoder_layers,
            "heads": shape.heads,
            "kv_heads": shape.kv_heads,
            "head_dim": shape.head_dim,
            "intermediate": shape.intermediate,
            "vocab": shape.vocab,
            "tied_embeddings": shape.tied,
            "max_positions": shape.max_positions,
            "experts": shape.experts,
            "experts_active": shape.experts_active,
            "expert_intermediate": shape.expert_intermediate,
            "shared_intermediate": shape.shared_intermediate,
            "dense_layers": shape.dense_layers,
            "sliding_window": shape.sliding_window,
            "full_attention_layers": shape.full_attention_layers,
            "mlp_matrices": 3 if shape.gated else 2,
            "norm": shape.norm,
            "qk_norm": shape.qk_norm,
            "norms": shape.norms,
            "softcap": shape.softcap,
            "attention": shape.attention,
            "fused_activation": shape.fused_activation,
            "kv_lora_rank": shape.kv_lora_rank,
            "rope_head_dim": shape.rope_head_dim,
            "embedding_parameters": counted.embedding,
            "linear_parameters": counted.linear,
            "block_parameters": counted.largest_block,
            "checkpoint_dtype": dtype,
            "license_note": LICENSES.get(license_key or ""),
            "source": source,
        }
    )


@cache
def _index() -> dict[str, ModelSpec]:
    """Return the models of the list by every spelling of their names."""
    rows: list[dict[str, Any]] = json.loads(
        files("tools.sizing").joinpath("data/models.json").read_text(encoding="utf-8")
    )
    index: dict[str, ModelSpec] = {}
    second: dict[str, ModelSpec] = {}
    for row in rows:
        hf_id: str = row["hf_id"]
        spec = build_spec(
            row["name"],
            Dimensions.model_validate(row["dims"]),
            hf_id=hf_id,
            dtype=row["dtype"],
            license_key=row["license"],
            source=f"https://huggingface.co/{hf_id}",
        )
        for spelling in (row["name"], hf_id.split("/")[-1]):
            index.setdefault(spellings(spelling)[0], spec)
        for spelling in (row["name"], hf_id, *row["aliases"]):
            for key in spellings(spelling):
                second.setdefault(key, spec)
    return {**second, **index}
