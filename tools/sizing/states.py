"""Model states: parameters, gradients, master weights and optimizer states of one GPU.

Bytes per parameter follow the ZeRO paper (1910.02054) and the code of DeepSpeed 0.19.8
(runtime/zero), accelerate 1.15 (utils/fsdp_utils.py), PEFT 0.21 and bitsandbytes.
"""

from __future__ import annotations

from tools.sizing.models import ModelSpec
from tools.sizing.parts import Part, amount
from tools.sizing.setup import BYTES, TrainingSetup, lora_parameters, weight_bytes

NF4_BITS = 4
NF4_SCALE_BYTES = 4 / 64
"""One fp32 scale per 64 weights (bitsandbytes); QLoRA 2305.14314, section 3."""
NF4_DOUBLE_SCALE_BYTES = 0.127 / 8
"""The scales quantised again: 0.127 bits per weight (QLoRA, section 3)."""
ADAM8_BYTES = 2 + 2 * 4 / 256
"""Two 8-bit moments and their fp32 scales per block of 256 (bitsandbytes)."""
ADAPTER_BYTES = 4
"""PEFT keeps adapters in fp32 (autocast_adapter_dtype)."""


def resident(spec: ModelSpec, setup: TrainingSetup) -> list[Part]:
    """Return what stays on the GPU for the whole run, gradients aside."""
    split = setup.tensor_parallel * setup.pipeline_parallel
    trained = lora_parameters(spec, setup) / split
    parts = _weights(spec, setup, split)
    parts += _trained_states(setup, trained, weight_bytes(spec, setup))
    return [part for part in parts if part.size > 0]


def gradients(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the gradients as they stand when the backward pass ends."""
    trained = lora_parameters(spec, setup) / (setup.tensor_parallel * setup.pipeline_parallel)
    width = gradient_bytes(spec, setup)
    sharded = setup.stage >= 2
    shards = setup.data_parallel if sharded else 1
    if sharded and setup.offloads_optimizer:
        return Part("gradients", 0.0, "CPU")
    return Part("gradients", width * trained / shards, _formula(width, trained, shards))


def gradient_bytes(spec: ModelSpec, setup: TrainingSetup) -> int:
    """Return bytes per gradient: DeepSpeed accumulates in the dtype of the module."""
    if setup.engine == "deepspeed":
        return BYTES[setup.precision]
    return weight_bytes(spec, setup) if setup.method == "full" else ADAPTER_BYTES


def step_copies(spec: ModelSpec, setup: TrainingSetup) -> Part:
    """Return the fp32 gradients that DeepSpeed makes for the optimizer step."""
    if setup.engine != "deepspeed" or setup.precision == "fp32" or setup.offloads_optimizer:
        return Part("gradients", 0.0, "")
    trained = lora_parameters(spec, setup) / (setup.tensor_parallel * setup.pipeline_parallel)
    share = trained / (setup.data_parallel if setup.stage else 1)
    if setup.stage == 3:
        share = min(share, SUB_GROUP)
    return Part("gradients", 4 * share, f"fp32 {_formula(4, share, 1)}")


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
    linear = spec.linear_parameters / split
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


def _trained_states(setup: TrainingSetup, trained: float, weights: int) -> list[Part]:
    """Return adapters, master weights and optimizer states."""
    shards = setup.data_parallel if setup.stage >= 1 else 1
    parts: list[Part] = []
    if setup.method != "full":
        width = BYTES[setup.precision] if setup.engine == "deepspeed" else ADAPTER_BYTES
        own = setup.data_parallel if setup.stage == 3 else 1
        parts.append(Part("parameters", width * trained / own, _formula(width, trained, own)))
        weights = width
    if setup.offloads_optimizer:
        return parts
    if setup.engine == "deepspeed" and setup.precision != "fp32":
        parts.append(Part("master_weights", 4 * trained / shards, _formula(4, trained, shards)))
        weights = 4
    moments = optimizer_bytes(setup, weights)
    parts.append(Part("optimizer", moments * trained / shards, _formula(moments, trained, shards)))
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
