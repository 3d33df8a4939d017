"""Bytes that a block keeps for its backward pass: the formula against Transformers on a CPU.

Run: python benchmarks/activations.py

Every model is built small, with random bf16 weights, and runs under autocast as in the Trainer;
hooks on autograd's saved tensors count each storage once. Two layers minus one gives a block. Not
compared: dropout, whose masks take one byte on a GPU and four on a CPU.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# PyTorch and PEFT are partly untyped.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from tools.sizing.activations import block_bytes, logits  # noqa: E402
from tools.sizing.architectures import resolve_model  # noqa: E402
from tools.sizing.setup import TrainingSetup  # noqa: E402

BATCH, LENGTH = 2, 64
LLAMA = {"hidden_size": 256, "intermediate_size": 896, "num_attention_heads": 4,
         "num_key_value_heads": 2, "vocab_size": 1024, "head_dim": 64}  # fmt: skip
PLAIN = {"hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 4,
         "vocab_size": 1024}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "llama": LLAMA,
    "qwen2": LLAMA,
    "qwen3": LLAMA,
    "mistral": LLAMA,
    "gemma": LLAMA,
    "gemma2": LLAMA,
    "gpt2": {"n_embd": 256, "n_head": 4, "n_layer": 2, "vocab_size": 1024, "resid_pdrop": 0.0,
             "embd_pdrop": 0.0, "attn_pdrop": 0.0, "activation_function": "gelu_new"},
    "gpt_neox": {**PLAIN, "use_parallel_residual": True},
    "phi": {**PLAIN, "hidden_act": "gelu_new"},
    "bert": {**PLAIN, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
}  # fmt: skip


def measured(kind: str, layers: int, setup: TrainingSetup) -> float:
    """Return the bytes that a forward pass with its loss keeps."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

    depth = {"n_layer": layers} if kind == "gpt2" else {"num_hidden_layers": layers}
    config: Any = AutoConfig.for_model(kind, **{**SHAPES[kind], **depth})
    config.use_cache = False
    auto: Any = AutoModelForMaskedLM if kind == "bert" else AutoModelForCausalLM
    torch.manual_seed(0)
    model: Any = auto.from_config(
        config, dtype=torch.bfloat16, attn_implementation=setup.attention
    ).train()
    if setup.method == "lora":
        model = _adapted(model, setup)
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    alive: list[Any] = []
    batch = torch.randint(0, 1024, (BATCH, LENGTH))
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        model(input_ids=batch, labels=batch)
    return float(sum(kept.values()))


def _adapted(model: Any, setup: TrainingSetup) -> Any:
    from peft import LoraConfig, get_peft_model

    model.enable_input_require_grads()
    targets: Any = "all-linear" if setup.lora_targets == "all-linear" else ["q_proj", "v_proj"]
    return get_peft_model(model, LoraConfig(r=1, target_modules=targets, task_type="CAUSAL_LM"))


def predicted(kind: str, setup: TrainingSetup) -> tuple[float, float]:
    """Return the formula's bytes of a block and of the logits, for all tokens."""
    depth = {"n_layer": 2} if kind == "gpt2" else {"num_hidden_layers": 2}
    spec = resolve_model(json.dumps({"model_type": kind, **SHAPES[kind], **depth}))
    return block_bytes(spec, setup) * setup.tokens, logits(spec, setup).size


def main() -> None:
    """Print every model, and the variants of one."""
    plain = TrainingSetup(sequence_length=LENGTH, micro_batch=BATCH)
    eager = plain.model_copy(update={"attention": "eager"})
    variants = [(kind, eager if kind == "gemma2" else plain) for kind in SHAPES]
    variants.append(("llama", eager))
    for targets in ("all-linear", "query-value"):
        change = {"method": "lora", "lora_targets": targets, "lora_dropout": False}
        variants.append(("llama", plain.model_copy(update=change)))
    for kind, setup in variants:
        one, two = (measured(kind, layers, setup) for layers in (1, 2))
        block, head = predicted(kind, setup)
        what = f"{kind} {setup.method} {setup.attention}"
        if setup.method == "lora":
            what += f" {setup.lora_targets}"
        print(
            f"{what:28} block {two - one:10,.0f} B, formula {block:10,.0f} "
            f"{block / (two - one) - 1:+6.1%}; rest {2 * one - two:10,.0f} B, logits {head:10,.0f}"
        )


if __name__ == "__main__":
    main()
