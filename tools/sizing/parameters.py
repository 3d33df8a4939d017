"""Parameter counts from the dimensions of a transformer.

`Dimensions` holds what a config.json holds; `count` adds up the weights of every part. Tied
embeddings count once. Parts that the dimensions do not describe (a pooler, a vision tower) enter as
`extra`, and are named in the data file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.profiles import Model
from tools.sizing.common import Attention

Norm = Literal["rmsnorm", "gemma", "layernorm"]


class Dimensions(Model):
    """The shape of a model."""

    kind: Literal["decoder", "encoder", "encoder-decoder", "vit", "unet"] = "decoder"
    hidden: int
    layers: int
    """Decoder layers of an encoder-decoder; its encoder has `encoder_layers`."""
    encoder_layers: int = 0
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool = False
    gated: bool = True
    """Three matrices in the MLP (SwiGLU, GeGLU) instead of two."""
    norm: Norm = "rmsnorm"
    fused_activation: bool = True
    """False for the tanh GELU of GPT-2, written in several operations."""
    norms: int = 2
    """Norms per layer, q/k norms aside."""
    softcap: bool = False
    """Attention scores and logits pass through tanh (Gemma 2)."""
    attention: tuple[Attention, ...] = ("flash_attention_2", "sdpa", "eager")
    """Attention that Transformers has for the class (5.23: `_supports_sdpa` and its like)."""
    final_norm: bool = True
    norm_bias: bool = False
    qk_norm: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    head_bias: bool = False
    embedding_width: int | None = None
    """Width of the embedding where a projection leads to `hidden`."""
    learned_positions: int = 0
    experts: int = 0
    experts_active: int = 0
    expert_intermediate: int = 0
    shared_intermediate: int = 0
    """Inner size of the experts that every token uses, together."""
    shared_gate: bool = False
    dense_layers: int = 0
    """First layers with a plain MLP in a mixture of experts."""
    router_bias: bool = False
    attention_sinks: bool = False
    """One learned logit per head (gpt-oss)."""
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    """Latent attention (DeepSeek): width of the compressed keys and values; 0 for none."""
    rope_head_dim: int = 0
    value_head_dim: int = 0
    sliding_window: int | None = None
    full_attention_layers: int | None = None
    """Layers that see the whole context where the others have the window; None: as `layers`,
    or 0 where a window holds for all."""
    max_positions: int | None = None
    extra: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Parameters of a model by part."""

    total: int
    active: int
    """Used for one token."""
    embedding: int
    """Input embedding, and the head where it is not tied."""
    linear: int
    """In the linear layers of the blocks: what quantisation and LoRA act on."""
    largest_block: int
    """The largest layer."""


def count(shape: Dimensions) -> Count:
    """Return the parameters of a model of this shape."""
    attention, attention_rest = _attention(shape)
    dense = _mlp(shape, shape.intermediate, bias=shape.mlp_bias)
    norms = _norms(shape)
    experts, used = _experts(shape)
    plain = attention + dense
    moe_layers = shape.layers - shape.dense_layers if shape.experts else 0
    plain_layers = shape.layers - moe_layers
    weights = plain * plain_layers + (attention + experts) * moe_layers
    active = plain * plain_layers + (attention + used) * moe_layers
    rest = (attention_rest + norms) * shape.layers
    if shape.encoder_layers:
        # Every decoder layer of T5 has a second, cross attention with its norm.
        weights += plain * shape.encoder_layers + attention * shape.layers
        active = weights
        rest += norms * shape.encoder_layers + norms // 2 * shape.layers + shape.hidden
    width = shape.embedding_width or shape.hidden
    embedding = shape.vocab * width * (1 if shape.tied else 2)
    norm = shape.hidden * (2 if shape.norm_bias else 1)
    rest += shape.learned_positions * width + (norm if shape.final_norm else 0) + shape.extra
    rest += shape.vocab if shape.head_bias else 0
    rest += 2 * width * shape.hidden if shape.embedding_width else 0
    block = attention + (max(experts, dense) if moe_layers else dense) + attention_rest + norms
    biases = _linear_bias(shape)
    return Count(
        total=weights + embedding + rest,
        active=active + embedding + rest,
        embedding=embedding,
        linear=weights - biases,
        largest_block=block,
    )


def _attention(shape: Dimensions) -> tuple[int, int]:
    """Return the weights (with biases) of one attention and its small rest."""
    if shape.kv_lora_rank:
        return _latent_attention(shape)
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    weights = shape.hidden * (2 * q + 2 * kv)
    weights += q + 2 * kv if shape.qkv_bias else 0
    weights += shape.hidden if shape.output_bias else 0
    rest = 2 * shape.head_dim if shape.qk_norm else 0
    return weights, rest + (shape.heads if shape.attention_sinks else 0)


def _latent_attention(shape: Dimensions) -> tuple[int, int]:
    """Return the weights of one multi-head latent attention and its norms."""
    query_out = shape.heads * (shape.head_dim + shape.rope_head_dim)
    if shape.q_lora_rank:
        query = shape.q_lora_rank * (shape.hidden + query_out)
    else:
        query = shape.hidden * query_out
    down = shape.hidden * (shape.kv_lora_rank + shape.rope_head_dim)
    up = shape.kv_lora_rank * shape.heads * (shape.head_dim + shape.value_head_dim)
    out = shape.heads * shape.value_head_dim * shape.hidden
    return query + down + up + out, shape.q_lora_rank + shape.kv_lora_rank


def _mlp(shape: Dimensions, inner: int, *, bias: bool) -> int:
    matrices = 3 if shape.gated else 2
    weights = matrices * shape.hidden * inner
    return weights + ((matrices - 1) * inner + shape.hidden if bias else 0)


def _experts(shape: Dimensions) -> tuple[int, int]:
    """Return the weights of one layer of experts with its router, and those one token uses."""
    if not shape.experts:
        return 0, 0
    expert = _mlp(shape, shape.expert_intermediate, bias=shape.mlp_bias)
    shared = _mlp(shape, shape.shared_intermediate, bias=False) if shape.shared_intermediate else 0
    shared += shape.hidden if shape.shared_gate else 0
    router = shape.hidden * shape.experts + (shape.experts if shape.router_bias else 0)
    every = shared + router
    return expert * shape.experts + every, expert * shape.experts_active + every


def _norms(shape: Dimensions) -> int:
    return shape.norms * shape.hidden * (2 if shape.norm_bias else 1)


def _linear_bias(shape: Dimensions) -> int:
    """Return the biases inside the linear layers of all blocks (never quantised)."""
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    each = (q + 2 * kv if shape.qkv_bias else 0) + (shape.hidden if shape.output_bias else 0)
    if shape.mlp_bias and not shape.experts:
        each += shape.intermediate * (2 if shape.gated else 1) + shape.hidden
    return each * shape.layers
