"""The files of an `llm-train` bundle as its checks read them, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu, InstanceType
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder, UnreadableFileError
from tools.sizing.models import ModelSpec, Offload, Optimizer, TrainingRequest

_OPTIMIZER_BYTES = {"adamw_torch_fused": 8, "adamw_bnb_8bit": 2, "adafactor": 0, "sgd": 0}
_DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_OPTIMIZERS: dict[str, Optimizer] = {
    "adamw_torch_fused": "adamw",
    "adamw_bnb_8bit": "adamw-8bit",
    "adafactor": "adafactor",
    "sgd": "sgd",
}


@dataclass(frozen=True)
class Files:
    """The files of a bundle, read."""

    folder: Folder
    catalogue: Catalogue

    @cached_property
    def settings(self) -> dict[str, Any]:
        """config.toml."""
        return self.folder.toml()

    @cached_property
    def deepspeed(self) -> dict[str, Any] | None:
        """ds_config.json, if training runs on DeepSpeed."""
        return self.folder.json("ds_config.json") if "ds_config.json" in self.folder.files else None

    @cached_property
    def instance(self) -> InstanceType:
        """The instance type that the bundle is for."""
        return instance_of(self.folder, self.catalogue)

    @cached_property
    def instances(self) -> int:
        """How many of them."""
        return int(self.folder.manifest["sheet"]["instances"])

    @cached_property
    def per_node(self) -> int:
        """GPUs of an instance. Raises UnreadableFileError if it has none."""
        if self.instance.gpu is None:
            raise UnreadableFileError("bundle.json", f"{self.instance.name} has no GPU")
        return self.instance.gpu.devices

    @property
    def gpus(self) -> int:
        """GPUs of all instances."""
        return self.per_node * self.instances

    @cached_property
    def gpu(self) -> Gpu | None:
        """Facts of the GPU."""
        return self.catalogue.gpu_of(self.instance)

    @cached_property
    def model(self) -> ModelSpec:
        """The model: the one that config.toml names, if it is known, else that of the plan."""
        planned = ModelSpec.model_validate(self.folder.manifest["plan"]["model"])
        return _named(str(self.settings["model"])) or planned

    @property
    def zero(self) -> dict[str, Any]:
        """The block zero_optimization; empty without DeepSpeed."""
        return (self.deepspeed or {}).get("zero_optimization", {})

    @property
    def trained(self) -> int:
        """Parameters that are trained."""
        if self.settings["method"] == "full":
            return self.model.parameters
        return int(self.folder.manifest["plan"]["trainable_parameters"])


def _named(hf_id: str) -> ModelSpec | None:
    from tools.sizing.architectures import named_models

    return next((spec for spec in named_models() if spec.hf_id == hf_id), None)


def state_bytes(files: Files) -> float:
    """Return the bytes of weights, gradients and optimizer states of one GPU."""
    method, trained = files.settings["method"], files.trained
    stage, ranks = int(files.zero.get("stage", 0)), files.gpus
    over = {level: ranks if stage >= level else 1 for level in (1, 2, 3)}
    optimizer = files.settings["optimizer"]
    if files.deepspeed is None:
        width = _DTYPE_BYTES[files.settings["load_dtype"]]
        if method == "full":
            return trained * width * (2 + _OPTIMIZER_BYTES[optimizer] / 4)
        base = _base_bytes(files, width)
        return base + trained * (8 + _OPTIMIZER_BYTES[optimizer])
    weights = 2 if files.settings["precision"] != "fp32" else 4
    base = _base_bytes(files, weights) / over[3]
    if "offload_param" in files.zero:
        base = 0
    if "offload_optimizer" in files.zero:
        return base
    held = 4 + _OPTIMIZER_BYTES[optimizer] if weights == 2 else _OPTIMIZER_BYTES[optimizer]
    return base + trained * (weights / over[2] + held / over[1])


def _base_bytes(files: Files, width: int) -> float:
    """Return the bytes of the weights: 16 or 32 bit, or NF4 with the rest left wide."""
    model = files.model
    if files.settings["method"] != "qlora":
        return model.parameters * width
    wide = 2 * model.vocab * model.hidden / (2 if model.tied_embeddings else 1)
    return (model.parameters - wide) * 0.516 + wide * 2


def request_of(files: Files) -> TrainingRequest:
    """Return the sizing request that the files amount to, with nothing left to choose."""
    settings, manifest = files.settings, files.folder.manifest
    precise = files.deepspeed is not None
    return TrainingRequest(
        model=files.model.name,
        method=settings["method"],
        region=manifest["sheet"]["quote"]["region"],
        instance=files.instance.name,
        instances=files.instances,
        sequence_length=settings["sequence_length"],
        micro_batch=settings["micro_batch"],
        global_batch=settings["global_batch"],
        engine="deepspeed" if precise else "trainer",
        optimizer=_OPTIMIZERS[settings["optimizer"]],
        precision=settings["precision"],
        zero_stage=files.zero.get("stage", 0) if precise else None,
        offload=_offload(files.zero) if precise else None,
        checkpointing=settings["checkpointing"],
        liger=settings["liger"],
        lora_rank=settings.get("lora_rank", 16),
        lora_targets="all-linear"
        if settings.get("lora_targets", "all-linear") == "all-linear"
        else "attention",
        spot="checkpoint_s3" in settings,
    )


def _offload(zero: dict[str, Any]) -> Offload:
    devices = [zero.get(name, {}).get("device") for name in ("offload_optimizer", "offload_param")]
    match devices:
        case ["cpu", None]:
            return "optimizer-cpu"
        case ["cpu", "cpu"]:
            return "optimizer-param-cpu"
        case ["nvme", None]:
            return "optimizer-nvme"
        case ["nvme", "nvme"]:
            return "all-nvme"
        case _:
            return "none"
