"""The shape of a model from the text of its Hugging Face config.json.

Text towers are read; a vision tower beside a text model is left out (its weights are few and the
dimensions that decide about memory are the text model's). A key that is missing takes the value
that the library gives it.
"""

from __future__ import annotations

import json
from typing import Any

from tools.errors import ToolInputError
from tools.sizing.common import Attention
from tools.sizing.parameters import Dimensions

_TWO_MATRICES = frozenset(
    "gpt2 gpt_neo gpt_neox gptj opt bloom falcon mpt bert roberta xlm-roberta vit phi starcoder2 "
    "gpt_bigcode deit camembert electra distilbert".split()
)
_ENCODERS = frozenset("bert roberta xlm-roberta electra distilbert camembert deberta-v2".split())
_GEMMA = frozenset("gemma gemma2 gemma3 gemma3_text".split())
_QKV_BIAS = frozenset("qwen2 qwen2_moe gpt2 gpt_neox opt bloom phi gpt_oss".split()) | _ENCODERS
_QK_NORM = frozenset("qwen3 qwen3_moe gemma3 gemma3_text olmo2".split())
_DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_TIED_BY_DEFAULT = frozenset("gpt2 opt bloom mpt gemma gemma2 gemma3 gemma3_text vit".split())

EVERY_ATTENTION: tuple[Attention, ...] = ("flash_attention_2", "sdpa", "eager")
ATTENTION: dict[str, tuple[Attention, ...]] = {
    "gemma2": ("flash_attention_2", "eager"),
    "vaultgemma": ("flash_attention_2", "eager"),
    "gptj": ("flash_attention_2", "eager"),
    "gpt_neo": ("flash_attention_2", "eager"),
    "gpt_oss": ("eager",),
    "bloom": ("eager",),
    "mpt": ("eager",),
    "t5": ("sdpa", "eager"),
    "mt5": ("sdpa", "eager"),
}
"""Classes of Transformers 5.23 without one of them: soft caps (Gemma 2), sinks (gpt-oss, whose
flash kernels are others than FlashAttention-2), ALiBi (BLOOM, MPT)."""


def looks_like_config(text: str) -> bool:
    """Whether `text` is meant as JSON."""
    return text.lstrip().startswith("{")


def shape_of_config(text: str) -> tuple[str | None, str, Dimensions]:
    """Return the name (if the config gives one), the dtype and the shape."""
    config = _parse(text)
    name = config.get("_name_or_path") or None
    dtype = config.get("dtype") or config.get("torch_dtype") or ""
    config = {**config, **config.get("text_config", {})}
    shape = _vision(config) if _is_vision(config) else _transformer(config)
    return name, _DTYPES.get(str(dtype).removeprefix("torch."), "bf16"), shape


def _parse(text: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ToolInputError(
            f"config.json を読めませんでした: {error}", f"The config.json cannot be read: {error}"
        ) from error
    if not isinstance(config, dict):
        raise ToolInputError(
            "config.json は JSON のオブジェクトです。", "It must be a JSON object."
        )
    return config  # pyright: ignore[reportUnknownVariableType]


def _number(config: dict[str, Any], *keys: str, default: int | None = None) -> int:
    """Return the first of `keys` that holds a whole number in a sane range."""
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            if 0 <= value <= 100_000_000:
                return value
            raise ToolInputError(
                f"config.json の {key} = {value} は大きさとして読めません。",
                f"{key} = {value} in the config.json is not a plausible size.",
            )
    if default is not None:
        return default
    raise ToolInputError(
        f"config.json に {keys[0]} がありません。モデルの config.json 全体を渡してください。",
        f"The config.json has no {keys[0]}; paste the whole file.",
    )


def _is_vision(config: dict[str, Any]) -> bool:
    return "patch_size" in config and "vocab_size" not in config


def _vision(config: dict[str, Any]) -> Dimensions:
    hidden = _number(config, "hidden_size")
    heads = max(_number(config, "num_attention_heads"), 1)
    patch = max(_number(config, "patch_size"), 1)
    positions = (_number(config, "image_size", default=224) // patch) ** 2 + 1
    channels = _number(config, "num_channels", default=3)
    return Dimensions(
        kind="vit",
        hidden=hidden,
        layers=_number(config, "num_hidden_layers"),
        heads=heads,
        kv_heads=heads,
        head_dim=hidden // heads,
        intermediate=_number(config, "intermediate_size", default=4 * hidden),
        vocab=0,
        tied=True,
        gated=False,
        norm="layernorm",
        norm_bias=True,
        qkv_bias=True,
        output_bias=True,
        mlp_bias=True,
        learned_positions=positions,
        max_positions=positions,
        extra=2 * hidden + channels * patch * patch * hidden,
    )


def _transformer(config: dict[str, Any]) -> Dimensions:
    kind = str(config.get("model_type", ""))
    hidden = _number(config, "hidden_size", "n_embd", "d_model")
    heads = max(_number(config, "num_attention_heads", "n_head", "n_heads", "num_heads"), 1)
    plain = kind in _TWO_MATRICES
    layer_norm = plain or "layer_norm_epsilon" in config or "layer_norm_eps" in config
    experts = _number(config, "num_local_experts", "num_experts", "n_routed_experts", default=0)
    inner = _number(config, "intermediate_size", "n_inner", "ffn_dim", "d_ff", default=4 * hidden)
    expert_inner = _number(config, "moe_intermediate_size", default=inner)
    head_dim = _number(config, "head_dim", "d_kv", "qk_nope_head_dim", default=hidden // heads)
    return Dimensions(
        kind="encoder" if kind in _ENCODERS else _family(config),
        hidden=hidden,
        layers=_number(config, "num_hidden_layers", "n_layer", "n_layers", "num_layers"),
        encoder_layers=_number(config, "num_layers") if _family(config) != "decoder" else 0,
        heads=heads,
        kv_heads=_number(config, "num_key_value_heads", "num_kv_heads", default=heads),
        head_dim=head_dim,
        intermediate=inner,
        vocab=_number(config, "vocab_size"),
        tied=bool(config.get("tie_word_embeddings", kind in _TIED_BY_DEFAULT or kind in _ENCODERS)),
        gated=not plain,
        fused_activation="gelu_new"
        not in (config.get("activation_function"), config.get("hidden_act")),
        norm="gemma" if kind in _GEMMA else "layernorm" if layer_norm else "rmsnorm",
        norms=4 if kind in _GEMMA - {"gemma"} else 2,
        norm_bias=layer_norm,
        attention=ATTENTION.get(kind, EVERY_ATTENTION),
        softcap=bool(config.get("attn_logit_softcapping")) or kind == "gemma2",
        qk_norm=kind in _QK_NORM,
        qkv_bias=bool(config.get("attention_bias", kind in _QKV_BIAS)),
        output_bias=plain or kind == "gpt_oss",
        mlp_bias=bool(config.get("mlp_bias", plain)) or kind == "gpt_oss",
        learned_positions=_number(config, "n_positions", default=0) if kind == "gpt2" else 0,
        max_positions=_number(config, "max_position_embeddings", "n_positions", default=0) or None,
        sliding_window=_window(config),
        full_attention_layers=_full_layers(config),
        **_expert_keys(config, kind, experts, expert_inner),
        **_latent_keys(config),
    )


def _family(config: dict[str, Any]) -> Any:
    return "encoder-decoder" if config.get("is_encoder_decoder") else "decoder"


def _window(config: dict[str, Any]) -> int | None:
    window = config.get("sliding_window")
    used = config.get("use_sliding_window", True)
    return window if isinstance(window, int) and window > 0 and used else None


def _full_layers(config: dict[str, Any]) -> int | None:
    kinds = config.get("layer_types")
    if isinstance(kinds, list):
        return sum(1 for kind in kinds if kind == "full_attention")  # pyright: ignore[reportUnknownVariableType]
    pattern = config.get("sliding_window_pattern")
    if isinstance(pattern, int) and pattern > 0 and _window(config):
        return _number(config, "num_hidden_layers") // pattern
    return 0 if _window(config) and config.get("model_type") == "mistral" else None


def _expert_keys(
    config: dict[str, Any], kind: str, experts: int, expert_inner: int
) -> dict[str, Any]:
    if not experts:
        return {}
    shared = _number(config, "shared_expert_intermediate_size", default=0)
    shared = shared or _number(config, "n_shared_experts", default=0) * expert_inner
    return {
        "experts": experts,
        "experts_active": _number(
            config, "num_experts_per_tok", "experts_per_token", "num_experts_per_token", default=2
        ),
        "expert_intermediate": expert_inner,
        "shared_intermediate": shared,
        "dense_layers": _number(config, "first_k_dense_replace", default=0),
        "router_bias": kind == "gpt_oss",
        "attention_sinks": kind == "gpt_oss",
    }


def _latent_keys(config: dict[str, Any]) -> dict[str, Any]:
    rank = config.get("kv_lora_rank")
    if not isinstance(rank, int) or rank <= 0:
        return {}
    return {
        "kv_lora_rank": rank,
        "q_lora_rank": config.get("q_lora_rank") or 0,
        "rope_head_dim": _number(config, "qk_rope_head_dim", default=64),
        "value_head_dim": _number(config, "v_head_dim", default=128),
    }
