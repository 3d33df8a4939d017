"""Weights and KV cache of a model that is served."""

from __future__ import annotations

from typing import Literal

from tools.sizing.models import ModelSpec, WeightFormat

KvFormat = Literal["bf16", "fp16", "fp8", "int8"]

WEIGHT_BITS: dict[str, int] = {
    "fp32": 32,
    "fp16": 16,
    "bf16": 16,
    "fp8": 8,
    "int8": 8,
    "int4": 4,
    "awq": 4,
    "gptq": 4,
    "nf4": 4,
}
KV_BYTES: dict[str, int] = {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1}
SCALE_BITS: dict[str, float] = {
    "int4": (16 + 4) / 128,
    "awq": (16 + 4) / 128,
    "gptq": (16 + 4) / 128,
    "nf4": 0.127,
}
"""Scales per weight: fp16 and a 4-bit zero point for a group of 128; NF4 quantised twice."""


def weight_bytes(spec: ModelSpec, form: WeightFormat) -> float:
    """Return parameters x bits / 8: what people quote."""
    return spec.parameters * WEIGHT_BITS[form] / 8


def quantization_bytes(spec: ModelSpec, form: WeightFormat) -> float:
    """Return what a quantised checkpoint adds: scales, and embeddings left at 16 bits."""
    bits = WEIGHT_BITS[form]
    if bits >= 16:
        return 0.0
    kept = spec.parameters - spec.linear_parameters
    return kept * (16 - bits) / 8 + spec.linear_parameters * SCALE_BITS.get(form, 0.0) / 8


def kv_bytes_per_token(spec: ModelSpec, kv_format: KvFormat = "bf16") -> int:
    """Return the KV cache of one token over all layers and GPUs."""
    width = KV_BYTES[kv_format]
    if spec.kv_lora_rank:
        return spec.layers * (spec.kv_lora_rank + spec.rope_head_dim) * width
    return 2 * spec.layers * spec.kv_heads * spec.head_dim * width


def kv_bytes(
    spec: ModelSpec, tokens: int, kv_format: KvFormat = "bf16", *, tensor_parallel: int = 1
) -> float:
    """Return one GPU's KV cache for a sequence; windowed layers keep their window only."""
    each = kv_bytes_per_token(spec, kv_format) / spec.layers
    shards = 1 if spec.kv_lora_rank else min(tensor_parallel, spec.kv_heads)
    windowed = 0
    if spec.sliding_window is not None:
        windowed = spec.layers - (spec.full_attention_layers or 0)
    window = min(tokens, spec.sliding_window or tokens)
    return each * ((spec.layers - windowed) * tokens + windowed * window) / shards


def read_per_step(spec: ModelSpec, form: WeightFormat, batch: int) -> float:
    """Return the bytes of weights that one decoding step reads for a batch.

    Of a mixture of experts, a batch touches each expert with probability 1 - (1 - k/E)^batch.
    """
    whole = weight_bytes(spec, form) + quantization_bytes(spec, form)
    if not spec.tied_embeddings:
        whole -= spec.embedding_parameters  # half of it, at 16 bits: rows are looked up
    if not spec.experts:
        return whole
    share = spec.experts_active / spec.experts
    routed = (spec.parameters - spec.active_parameters) / (1 - share)
    touched = 1 - (1 - share) ** batch
    return whole - routed * WEIGHT_BITS[form] / 8 * (1 - touched)
