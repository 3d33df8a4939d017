"""Floating-point operations of a token: the published convention, and what is really executed."""

from __future__ import annotations

from typing import NamedTuple

from tools.sizing.models import ModelSpec
from tools.sizing.setup import TrainingSetup


class Work(NamedTuple):
    """Operations per token."""

    model: float
    """6 N + 12 L h s (4 N for LoRA): what MFU counts (PaLM 2204.02311, appendix B)."""
    linear: float
    """Executed in matrix products with weights, recomputation included."""
    attention: float
    """Executed in attention, recomputation included."""


def matmul_parameters(spec: ModelSpec) -> int:
    """Return the active weights that take part in products: an untied input embedding does not."""
    if spec.kind in ("encoder", "vit", "unet") or spec.tied_embeddings:
        return spec.active_parameters
    return spec.active_parameters - spec.embedding_parameters // 2


def attention_flops(spec: ModelSpec, sequence: int) -> float:
    """Return the forward operations of attention per token, over the whole sequence (4 L q s)."""
    full = spec.full_attention_layers
    layers = spec.layers + spec.encoder_layers
    windowed = 0 if spec.sliding_window is None else layers - (full or 0)
    window = min(spec.sliding_window or sequence, sequence)
    width = spec.heads * spec.head_dim
    return 4.0 * width * ((layers - windowed) * sequence + windowed * window)


def training_work(spec: ModelSpec, setup: TrainingSetup) -> Work:
    """Return the operations of one trained token."""
    weights = matmul_parameters(spec)
    forward = attention_flops(spec, setup.sequence_length)
    passes = 3 if setup.method == "full" else 2
    """Forward, gradient of the inputs and, where the weights are trained, of the weights."""
    again = 1 if setup.checkpointing else 0
    return Work(
        model=2.0 * passes * weights + 3 * forward,
        linear=2.0 * (passes + again) * weights,
        attention=(3 + again) * forward,
    )
