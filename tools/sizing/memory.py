"""Training memory of one GPU, term by term, at the moment when it peaks.

Three moments compete: the start of the backward pass (all activations and the logits), its end (all
gradients and one block's activations) and the optimizer step (gradients and fp32 copies). The terms
of the highest are returned and add up to the peak that the driver shows.
"""

from __future__ import annotations

from tools.charts import Text
from tools.sizing import activations, buffers, states
from tools.sizing.models import MemoryBreakdown, MemoryTerm, ModelSpec
from tools.sizing.parts import GIB, Part, amount, size_of
from tools.sizing.setup import TrainingSetup

BUDGET_FIXED, BUDGET_VARIABLE = 0.92, 0.85
"""Share of the usable memory that a plan may fill, for fixed and for changing batch lengths."""
NOT_ALLOCATED = frozenset({"fragmentation", "overhead"})

LABELS: dict[str, Text] = {
    "parameters": Text(ja="パラメータ", en="Parameters"),
    "gradients": Text(ja="勾配", en="Gradients"),
    "optimizer": Text(ja="オプティマイザ状態", en="Optimizer states"),
    "master_weights": Text(ja="fp32 マスター重み", en="fp32 master weights"),
    "activations": Text(ja="活性値", en="Activations"),
    "logits": Text(ja="ロジットと損失", en="Logits and loss"),
    "live_parameters": Text(ja="集めたパラメータ(ZeRO-3)", en="Gathered parameters (ZeRO-3)"),
    "communication": Text(ja="通信バッファ", en="Communication buffers"),
    "quantization": Text(ja="量子化の補助", en="Quantisation constants"),
    "kv_cache": Text(ja="KV キャッシュ", en="KV cache"),
    "overhead": Text(ja="CUDA・NCCL", en="CUDA and NCCL"),
    "fragmentation": Text(ja="断片化", en="Fragmentation"),
}


def training_memory(
    spec: ModelSpec, setup: TrainingSetup, gpu_usable_gib: float
) -> MemoryBreakdown:
    """Return the peak memory of one GPU against what it offers."""
    allocated = peak_parts(spec, setup)
    inside = size_of(allocated)
    lost = buffers.fragmentation(allocated, setup)
    outside = buffers.overhead(setup)
    share = BUDGET_VARIABLE if setup.variable_length else BUDGET_FIXED
    return MemoryBreakdown(
        terms=as_terms([*allocated, outside, lost]),
        allocated_gib=inside / GIB,
        reserved_gib=(inside + lost.size) / GIB,
        peak_gib=(inside + lost.size + outside.size) / GIB,
        usable_gib=gpu_usable_gib,
        budget_gib=share * gpu_usable_gib,
    )


def training_peak_gib(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the peak that `training_memory` gives, without its terms (for searches)."""
    allocated = peak_parts(spec, setup)
    outside = buffers.fragmentation(allocated, setup).size + buffers.overhead(setup).size
    return (size_of(allocated) + outside) / GIB


def model_states_gb(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return parameters, gradients and optimizer states of one GPU in GB (10**9), as papers do."""
    return (size_of(states.resident(spec, setup)) + states.gradients(spec, setup).size) / 1e9


def static_gib(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return what is allocated between two steps: model states, sharded gradients and buffers."""
    parts = [*states.resident(spec, setup), *_lasting(spec, setup)]
    parts.append(buffers.communication(spec, setup))
    return size_of(parts) / GIB


def peak_parts(spec: ModelSpec, setup: TrainingSetup) -> list[Part]:
    """Return the allocated parts at the highest moment."""
    base = [*states.resident(spec, setup), buffers.communication(spec, setup)]
    live = buffers.live_parameters(spec, setup)
    gradients = states.gradients(spec, setup)
    head = states.head_gradient(spec, setup)
    moments = (
        [live, *_backward_start(spec, setup, head), *_lasting(spec, setup)],
        [live, _block(spec, setup), gradients],
        [gradients, states.step_copies(spec, setup)],
    )
    parts = base + max(moments, key=size_of)
    loading = states.at_load(spec, setup)
    if loading > size_of(parts):
        return [Part("parameters", loading, f"2 B × {amount(spec.parameters)} + shard")]
    return parts


def _lasting(spec: ModelSpec, setup: TrainingSetup) -> list[Part]:
    """Return the gradients that exist while a forward pass runs."""
    keeps = setup.accumulation > 1 or (setup.engine == "deepspeed" and setup.stage == 3)
    return [states.gradients(spec, setup)] if keeps else []


def _backward_start(spec: ModelSpec, setup: TrainingSetup, head: Part) -> list[Part]:
    """Return activations and logits when the backward pass begins.

    Under checkpointing a block is recomputed only after the logits are gone.
    """
    kept = activations.stored(spec, setup)
    block = activations.recomputed(spec, setup)
    logits = activations.logits(spec, setup)
    if logits.size + head.size >= block:
        return [kept, logits, head]
    formula = f"{kept.formula} + {block / GIB:.2f} GiB"
    return [Part("activations", kept.size + block, formula)]


def _block(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the activations of one block, the last of the backward pass."""
    size = activations.block_bytes(spec, setup) * setup.tokens
    size += activations.backward_bytes(spec, setup) * setup.tokens
    return Part("activations", size, f"1 × {size / GIB:.2f} GiB")


def as_terms(parts: list[Part]) -> tuple[MemoryTerm, ...]:
    """Return the parts as terms, those of one key together, largest first."""
    grouped: dict[str, list[Part]] = {}
    for part in parts:
        if part.size > 0:
            grouped.setdefault(part.key, []).append(part)
    terms = [
        MemoryTerm(
            key=items[0].key,
            label=LABELS[key],
            gib=size_of(items) / GIB,
            formula=" + ".join(item.formula for item in items if item.formula),
        )
        for key, items in grouped.items()
    ]
    return tuple(sorted(terms, key=lambda term: -term.gib))
