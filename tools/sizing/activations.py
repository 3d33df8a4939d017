"""Activations and logits: what autograd keeps for the backward pass, on one GPU.

A block keeps T x (n h + 4 q + 4 kv + 8 f) bytes: counted with Transformers 5 on a CPU, where it
meets every block within 0.3 % (Llama, Qwen, Gemma, GPT-2). A checkpointed block keeps its input
only, 2 h a token (Korthikanti et al., 2205.05198), and its inside while it is recomputed.
"""

from __future__ import annotations

from tools.sizing.models import ModelSpec
from tools.sizing.parts import Part, amount
from tools.sizing.setup import TrainingSetup, weight_bytes

NORM_BYTES = {"rmsnorm": 16, "layernorm": 16, "gemma": 20}
"""n for 16-bit weights: residuals, norms and what the projections read."""
NORM_BYTES_AUTOCAST = 26
"""n for fp32 weights under autocast: norms stay in fp32, and casts are kept."""
NORM_BYTES_EXTRA = 7
"""Each norm beyond two (Gemma 2 and 3 have four)."""
LORA_BYTES = {"all-linear": 4.5, "attention": 0.5, "query-value": -4.0}
"""Change of n with adapters, under autocast: each adapter keeps its own 16-bit copy of its input,
while frozen matrices keep none."""
NORM_BYTES_FUSED = 8
"""n where norms are fused: each keeps its input and its output (Liger's rms_norm)."""
QUANTIZED_KEPT = 2.5
"""Bytes that each 4-bit product of the MLP keeps besides. Fitted (benchmarks/sizing.py)."""
LOGIT_BYTES = {"plain": 12, "chunked": 4, "fused": 0}
"""A logit of the plain loss: fp32 log-softmax, its gradient and the logits' gradient at the start
of the backward pass; chunked: the 16-bit logits and their gradient."""


def block_bytes(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the bytes that one block keeps per token, without checkpointing."""
    query, kv = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
    if spec.kv_lora_rank:
        query = kv = spec.heads * (spec.head_dim + spec.rope_head_dim)
    split = setup.tensor_parallel
    size = _norm_bytes(spec, setup) * spec.hidden
    size += (4 * query + 4 * kv + _mlp_bytes(spec, setup)) / split
    if setup.method != "full" and setup.lora_dropout:
        size += _dropout_bytes(spec, setup)
    if spec.qk_norm:
        size += 6 * (query + kv) / split
    if setup.attention == "eager":
        scores = 10 if spec.softcap else 6
        size += (scores * spec.heads * setup.sequence_length + 4 * (query - kv)) / split
    if setup.precision == "fp32":
        size *= 2
    return size


def _norm_bytes(spec: ModelSpec, setup: TrainingSetup) -> float:
    adapters = 0.0 if setup.method == "full" else LORA_BYTES[setup.lora_targets]
    more = NORM_BYTES_EXTRA * max(spec.norms - 2, 0)
    if setup.fused_blocks:
        return NORM_BYTES_FUSED + 4 * max(spec.norms - 2, 0) + max(adapters, 0)
    if weight_bytes(spec, setup) == 4 and setup.precision != "fp32":
        return NORM_BYTES_AUTOCAST + more + adapters
    return NORM_BYTES[spec.norm] + more + adapters


def _dropout_bytes(spec: ModelSpec, setup: TrainingSetup) -> int:
    """Return the masks of the adapters' dropout per token: a byte for each input."""
    query = spec.heads * spec.head_dim
    if setup.lora_targets == "query-value":
        return 2 * spec.hidden
    size = 3 * spec.hidden + query
    if setup.lora_targets == "all-linear" and not spec.experts:
        size += (spec.mlp_matrices - 1) * spec.hidden + spec.intermediate
    return size


def _mlp_bytes(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the bytes that the MLP, or the experts a token uses, keep per token."""
    inner = spec.intermediate
    if spec.experts:
        inner = spec.expert_intermediate * spec.experts_active + spec.shared_intermediate
    if spec.mlp_matrices == 2 and (spec.fused_activation or setup.compile):
        kept = 4  # the activation keeps its input, the second matrix its own
    else:
        kept = 6 if setup.fused_blocks else 8
    if setup.method != "full" and setup.lora_targets != "all-linear":
        kept -= 2  # a frozen matrix without an adapter does not need its input
    extra = QUANTIZED_KEPT * spec.mlp_matrices if setup.method == "qlora" else 0
    return (kept + extra) * inner


def stored(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return what all blocks keep until the backward pass."""
    layers = spec.layers + spec.encoder_layers
    tokens = setup.tokens
    if setup.checkpointing:
        width = 4 if setup.precision == "fp32" else 2
        size = float(width * spec.hidden * layers * tokens)
        formula = f"{width} B × {spec.hidden} × {layers} × {amount(tokens)}"
    else:
        block = block_bytes(spec, setup)
        size = block * layers * tokens
        formula = f"{amount(block)} B × {layers} × {amount(tokens)}"
    return Part("activations", size, formula)


def recomputed(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the bytes of the one block that is recomputed, with its gradients."""
    if not setup.checkpointing:
        return 0.0
    return (block_bytes(spec, setup) + backward_bytes(spec, setup)) * setup.tokens


def backward_bytes(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the gradients that one block's backward pass holds per token, at 16 bits.

    Of the MLP the gradients of two inner tensors, and of the hidden state two.
    """
    inner = spec.intermediate
    if spec.experts:
        inner = spec.expert_intermediate * spec.experts_active + spec.shared_intermediate
    width = 2 if setup.precision == "fp32" else 1
    return width * (4 * inner / setup.tensor_parallel + 4 * spec.hidden)


def logits(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the logits, the loss and their gradients at the start of the backward pass."""
    if spec.kind in ("encoder", "vit", "unet"):
        return Part("logits", 0.0, "")
    width = LOGIT_BYTES[setup.loss_kind]
    width += 2 if width and spec.softcap else 0
    size = float(width * setup.tokens * spec.vocab) / setup.tensor_parallel
    return Part("logits", size, f"{width} B × {amount(setup.tokens)} × {amount(spec.vocab)}")
