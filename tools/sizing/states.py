"""Model states: parameters, gradients, master weights and optimizer states of one GPU.

Bytes per parameter follow the ZeRO paper (1910.02054) and the code of DeepSpeed 0.19.8
(runtime/zero), accelerate 1.15 (utils/fsdp_utils.py), PEFT 0.21 and bitsandbytes.
"""

from __future__ import annotations

from typing import NamedTuple

from tools.sizing.models import ModelSpec
from tools.sizing.parts import Part, amount
from tools.sizing.setup import (
    BYTES,
    TrainingSetup,
    lora_parameters,
    trained_embeddings,
    weight_bytes,
)

NF4_BITS = 4
NF4_SCALE_BYTES = 4 / 64
"""One fp32 scale per 64 weights (bitsandbytes); QLoRA 2305.14314, section 3."""
NF4_DOUBLE_SCALE_BYTES = 0.127 / 8
"""The scales quantised again: 0.127 bits per weight (QLoRA, section 3)."""
ADAM8_BYTES = 2 + 2 * 4 / 256
"""Two 8-bit moments and their fp32 scales per block of 256 (bitsandbytes)."""


class Trained(NamedTuple):
    """Trained weights of one kind and bytes per weight."""

    weights: float
    weight: int
    gradient: int


def trained(spec: ModelSpec, setup: TrainingSetup) -> list[Trained]:
    """Return what is trained on one model replica, by the dtype in which it is held."""
    split = setup.tensor_parallel * setup.pipeline_parallel
    base = weight_bytes(spec, setup)
    if setup.method == "full":
        gradient = BYTES[setup.precision] if setup.engine == "deepspeed" else base
        return [Trained(spec.parameters / split, base, gradient)]
    adapter = BYTES[setup.precision if setup.engine == "deepspeed" else setup.adapter_dtype]
    copies = trained_embeddings(spec, setup)
    adapters = lora_parameters(spec, setup) - copies
    found = [Trained(adapters / split, adapter, adapter)]
    return found + ([Trained(copies / split, base, base)] if copies else [])


def resident(spec: ModelSpec, setup: TrainingSetup) -> list[Part]:
    """Return what stays on the GPU for the whole run, gradients aside."""
    split = setup.tensor_parallel * setup.pipeline_parallel
    parts = _weights(spec, setup, split)
    for kind in trained(spec, setup):
        parts += _trained_states(setup, kind)
    return [part for part in parts if part.size > 0]


def gradients(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the gradients as they stand when the backward pass ends."""
    sharded = setup.stage >= 2
    shards = setup.data_parallel if sharded else 1
    if sharded and setup.offloads_optimizer:
        return Part("gradients", 0.0, "CPU")
    kinds = trained(spec, setup)
    return Part(
        "gradients",
        sum(kind.gradient * kind.weights for kind in kinds) / shards,
        " + ".join(_formula(kind.gradient, kind.weights, shards) for kind in kinds),
    )


def head_gradient(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the gradient of the output embedding, the first that a backward pass makes.

    It exists beside all activations; where gradients accumulate it is a second copy.
    """
    if setup.method != "full" and not setup.trained_embeddings:
        return Part("gradients", 0.0, "")
    if spec.kind in ("encoder", "vit", "unet") or setup.stage == 3:
        return Part("gradients", 0.0, "")
    width = trained(spec, setup)[-1].gradient
    size = spec.vocab * spec.hidden / (setup.tensor_parallel * setup.pipeline_parallel)
    return Part("gradients", width * size, _formula(width, size, 1))


def step_copies(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the fp32 gradients that DeepSpeed makes for the optimizer step."""
    if setup.engine != "deepspeed" or setup.precision == "fp32" or setup.offloads_optimizer:
        return Part("gradients", 0.0, "")
    count = lora_parameters(spec, setup) / (setup.tensor_parallel * setup.pipeline_parallel)
    share = count / (setup.data_parallel if setup.stage else 1)
    if setup.stage == 3:
        share = min(share, SUB_GROUP)
    width = 8 if setup.torch_adam and setup.optimizer == "adamw" else 4
    return Part("gradients", width * share, f"fp32 {_formula(width, share, 1)}")


def at_load(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the bytes on the GPU while the checkpoint is loaded, where that can be the peak."""
    if not setup.whole_load:
        return 0.0
    return 2.0 * spec.parameters * (1 + 1 / setup.data_parallel)


SUB_GROUP = 1_000_000_000
"""sub_group_size of DeepSpeed stage 3."""


def _weights(spec: ModelSpec, setup: TrainingSetup, split: int) -> list[Part]:
    """Return the model's weights; those trained in full training are counted here too."""
    shards = setup.data_parallel if setup.stage == 3 else 1
    if setup.offloads_parameters:
        return []
    width = weight_bytes(spec, setup)
    parameters = spec.parameters / split
    if setup.method != "qlora":
        return [
            Part("parameters", width * parameters / shards, _formula(width, parameters, shards))
        ]
    # bitsandbytes quantises linear layers; PEFT then holds all the rest in fp32, experts too.
    linear = (spec.linear_parameters - spec.expert_parameters) / split
    rest = parameters - linear
    rest_width = 4 if setup.upcast_embeddings else 2
    scales = NF4_DOUBLE_SCALE_BYTES if setup.double_quantization else NF4_SCALE_BYTES
    return [
        Part(
            "parameters",
            (linear * NF4_BITS / 8 + rest * rest_width) / shards,
            f"(0.5 B × {amount(linear)} + {rest_width} B × {amount(rest)}){_over(shards)}",
        ),
        Part(
            "quantization",
            linear * scales / shards + 2 * largest_matrix(spec),
            f"{scales:.3f} B × {amount(linear)}{_over(shards)} + "
            f"2 B × {amount(largest_matrix(spec))}",
        ),
    ]


def largest_matrix(spec: ModelSpec) -> int:
    """Return the elements of the largest linear layer, which NF4 unpacks to 16 bits for use."""
    return spec.hidden * max(spec.intermediate, spec.heads * spec.head_dim)


def _trained_states(setup: TrainingSetup, kind: Trained) -> list[Part]:
    """Return adapters, master weights and optimizer states."""
    shards = setup.data_parallel if setup.stage >= 1 else 1
    parts: list[Part] = []
    if setup.method != "full":
        own = setup.data_parallel if setup.stage == 3 else 1
        parts.append(
            Part(
                "parameters",
                kind.weight * kind.weights / own,
                _formula(kind.weight, kind.weights, own),
            )
        )
    if setup.offloads_optimizer:
        return parts
    weights = kind.weight
    if setup.engine == "deepspeed" and setup.precision != "fp32":
        parts.append(
            Part("master_weights", 4 * kind.weights / shards, _formula(4, kind.weights, shards))
        )
        weights = 4
    moments = optimizer_bytes(setup, weights)
    parts.append(
        Part("optimizer", moments * kind.weights / shards, _formula(moments, kind.weights, shards))
    )
    return parts


def optimizer_bytes(setup: TrainingSetup, weights: int) -> float:
    """Return bytes of optimizer state per trained parameter, for weights of this many bytes."""
    match setup.optimizer:
        case "adamw":
            width = {None: weights, "fp32": 4, "bf16": 2}[setup.optimizer_dtype]
            return 2 * width
        case "adamw-8bit":
            return ADAM8_BYTES
        case "adafactor":
            return 0.02  # row and column sums of each matrix, 2 x 4 B over some hundred columns
        case "sgd":
            return 0.0  # the Trainer's "sgd" has no momentum


def _formula(width: float, count: float, shards: int) -> str:
    return f"{width:.3g} B × {amount(count)}{_over(shards)}"


def _over(shards: int) -> str:
    return f" / {shards}" if shards > 1 else ""
