"""ds_config.json from a training plan.

Values that config.toml owns are "auto": the Trainer fills them from there, so that a value stands
in one place. Batch sizes are numbers, for the reader and DeepSpeed's own parser; train.py renews
them from config.toml.
"""

from __future__ import annotations

from typing import Any

from tools.sizing.models import TrainingPlan

NVME_PATH = "/local_nvme/offload"
_OFFLOADED_PARAMETERS = ("optimizer-param-cpu", "all-nvme")
AUTO = "auto"


def deepspeed_config(plan: TrainingPlan) -> dict[str, Any]:
    """Return the DeepSpeed configuration of a plan."""
    config: dict[str, Any] = {
        "train_batch_size": plan.global_batch,
        "train_micro_batch_size_per_gpu": plan.micro_batch,
        "gradient_accumulation_steps": plan.accumulation,
        "gradient_clipping": AUTO,
        **_precision(plan),
        "zero_optimization": _zero(plan),
        **_optimizer(plan),
        "steps_per_print": 100,
        "wall_clock_breakdown": False,
    }
    if "nvme" in plan.offload:
        config["aio"] = {"block_size": 1048576, "queue_depth": 8, "overlap_events": True}
    return config


def _precision(plan: TrainingPlan) -> dict[str, Any]:
    if plan.precision == "bf16":
        return {"bf16": {"enabled": True}}
    if plan.precision == "fp16":
        # 0: the scale follows the overflows, beginning at 2^16.
        return {"fp16": {"enabled": True, "loss_scale": 0, "initial_scale_power": 16}}
    return {}


def _zero(plan: TrainingPlan) -> dict[str, Any]:
    square = plan.model.hidden**2
    zero: dict[str, Any] = {
        "stage": plan.zero_stage,
        "contiguous_gradients": True,
        "overlap_comm": plan.zero_stage >= 2,
        "reduce_bucket_size": square,
    }
    if plan.zero_stage in (1, 2):
        zero["allgather_bucket_size"] = square
    if plan.zero_stage == 3:
        zero |= {
            "stage3_prefetch_bucket_size": square * 9 // 10,
            "stage3_param_persistence_threshold": 10 * plan.model.hidden,
            "stage3_gather_16bit_weights_on_model_save": True,
        }
    if plan.offload != "none":
        zero["offload_optimizer"] = _device("nvme" in plan.offload)
    if plan.offload in _OFFLOADED_PARAMETERS:
        zero["offload_param"] = _device(plan.offload == "all-nvme")
    return zero


def _device(nvme: bool) -> dict[str, Any]:
    if nvme:
        return {"device": "nvme", "nvme_path": NVME_PATH, "pin_memory": True}
    return {"device": "cpu", "pin_memory": True}


def _optimizer(plan: TrainingPlan) -> dict[str, Any]:
    """Return the AdamW block; other optimizers are the Trainer's, handed to ZeRO as they are."""
    if plan.optimizer != "adamw":
        return {"zero_allow_untested_optimizer": True}
    params: dict[str, Any] = dict.fromkeys(("lr", "betas", "eps", "weight_decay"), AUTO)
    if plan.offload == "none":
        params["torch_adam"] = True  # PyTorch's AdamW: nothing to compile before the first step
    return {"optimizer": {"type": "AdamW", "params": params}}
