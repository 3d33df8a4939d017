"""How a training run is set up: everything that decides about its memory and its speed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tools.profiles import Model
from tools.sizing.models import (
    Attention,
    Count,
    Engine,
    Method,
    ModelSpec,
    Offload,
    Optimizer,
    Precision,
    ZeroStage,
)

DEFAULT_BUCKET = 500_000_000
"""reduce_bucket_size of DeepSpeed 0.19.8 where a configuration names none (zero/config.py)."""


class TrainingSetup(Model):
    """One configuration of a training run."""

    method: Method = "full"
    engine: Engine = "trainer"
    optimizer: Optimizer = "adamw"
    precision: Precision = "bf16"
    attention: Attention = "sdpa"
    zero_stage: ZeroStage = 0
    """DeepSpeed's stage; FSDP shards everything whatever this says."""
    offload: Offload = "none"
    checkpointing: bool = False
    loss: Literal["plain", "chunked", "fused"] = "plain"
    """`plain` is the Transformers loss; TRL computes it in chunks, Liger in one kernel."""
    liger: bool = False
    """Fused RMSNorm, SwiGLU and RoPE, and the fused loss."""
    compile: bool = False
    lora_rank: Annotated[int, Field(ge=1, le=4096)] = 16
    lora_targets: Literal["all-linear", "attention", "query-value"] = "all-linear"
    trained_embeddings: bool = False
    """LoRA that also trains the embedding and the head (modules_to_save)."""
    adapter_dtype: Literal["fp32", "bf16"] = "fp32"
    """PEFT 0.21 keeps adapters in fp32 (autocast_adapter_dtype)."""
    lora_dropout: bool = True
    """Generated bundles train adapters with dropout: one byte for each of their inputs."""
    sequence_length: Annotated[int, Field(ge=1)] = 2048
    micro_batch: Count = 1
    accumulation: Count = 1
    gpus: Count = 1
    """Over all instances."""
    gpus_per_node: Count = 8
    tensor_parallel: Count = 1
    pipeline_parallel: Count = 1
    loader_dtype: Precision | None = None
    """Dtype in which the weights are loaded; None: as the checkpoint is stored (Transformers 5)."""
    optimizer_dtype: Literal["fp32", "bf16"] | None = None
    """Dtype of Adam's moments in plain PyTorch; None: that of the weights."""
    double_quantization: bool = True
    """NF4 with its scales quantised again."""
    upcast_embeddings: bool = True
    """QLoRA: prepare_model_for_kbit_training casts what is not quantised to fp32."""
    reduce_bucket: int | None = None
    """Elements; None: what the Transformers integration fills in for "auto" (hidden**2)."""
    overlap: bool | None = None
    """overlap_comm; None: as generated bundles set it, on from stage 2."""
    torch_adam: bool = True
    """DeepSpeed with PyTorch's AdamW (as generated bundles set it), which computes a group of
    parameters at once, with a temporary as large as a moment; False: its fused kernel."""
    whole_load: bool = False
    """The whole 16-bit checkpoint stands on the GPU before it is sharded (DeepSpeed without
    zero.Init). The Transformers integration avoids it."""
    live_parameters: int = 1_000_000_000
    """stage3_max_live_parameters (DeepSpeed's default)."""
    variable_length: bool = False
    """Batches of changing length fragment the allocator more."""

    @property
    def tokens(self) -> int:
        """Tokens of one micro-step on one GPU."""
        return self.sequence_length * self.micro_batch

    @property
    def data_parallel(self) -> int:
        """Model replicas, or shards, that see different data."""
        return max(self.gpus // (self.tensor_parallel * self.pipeline_parallel), 1)

    @property
    def nodes(self) -> int:
        """Instances."""
        return max(-(-self.gpus // self.gpus_per_node), 1)

    @property
    def stage(self) -> int:
        """ZeRO stage, with FSDP counted as stage 3 and plain DDP as 0."""
        if self.engine == "fsdp":
            return 3
        return self.zero_stage if self.engine == "deepspeed" else 0

    @property
    def offloads_optimizer(self) -> bool:
        """Whether optimizer states live outside the GPU."""
        return self.offload != "none" and self.stage > 0

    @property
    def offloads_parameters(self) -> bool:
        """Whether parameters do too; DeepSpeed ignores the wish below stage 3."""
        return self.offload in ("optimizer-param-cpu", "all-nvme") and self.stage == 3

    @property
    def fused_blocks(self) -> bool:
        """Whether element-wise work is fused, so that less is kept for the backward pass."""
        return self.liger or self.compile

    @property
    def loss_kind(self) -> Literal["plain", "chunked", "fused"]:
        """The loss as computed."""
        return "fused" if self.liger else self.loss


BYTES: dict[str, int] = {"fp32": 4, "fp16": 2, "bf16": 2}


def weight_bytes(spec: ModelSpec, setup: TrainingSetup) -> int:
    """Return bytes per weight as the engine holds it on the GPU, quantisation aside.

    DeepSpeed casts the module to the training precision. The plain Trainer keeps the dtype of the
    loader: a bf16 checkpoint stays bf16; fp16 mixed precision needs fp32 weights when they are
    trained (the gradient scaler refuses 16-bit gradients).
    """
    if setup.engine == "deepspeed":
        return BYTES[setup.precision]
    loaded = BYTES[setup.loader_dtype or spec.checkpoint_dtype]
    if setup.method == "full" and setup.precision in ("fp16", "fp32"):
        return 4
    if setup.engine == "fsdp" and setup.method == "full":
        return 4  # accelerate up-casts trainable parameters (utils/fsdp_utils.py)
    return loaded


def lora_parameters(spec: ModelSpec, setup: TrainingSetup) -> int:
    """Return the trainable parameters of the adapters."""
    if setup.method == "full":
        return spec.parameters
    query, kv = spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim
    hidden, rank = spec.hidden, setup.lora_rank
    layer = (hidden + query) + (hidden + kv)
    if setup.lora_targets != "query-value":
        layer += (hidden + kv) + (query + hidden)
    layers = spec.layers + spec.encoder_layers
    adapters = rank * layer * layers
    if setup.lora_targets == "all-linear":
        adapters += rank * _mlp_widths(spec)
    return adapters + trained_embeddings(spec, setup)


def trained_embeddings(spec: ModelSpec, setup: TrainingSetup) -> int:
    """Return the weights of copies that modules_to_save trains besides the adapters."""
    return spec.embedding_parameters if setup.trained_embeddings else 0


def _mlp_widths(spec: ModelSpec) -> int:
    """Return the sum of input and output widths of all MLP matrices.

    Experts are one fused parameter in Transformers 5, which PEFT's all-linear does not touch; their
    attention is adapted, and the dense and shared MLPs.
    """

    def width(inner: int) -> int:
        return spec.mlp_matrices * (spec.hidden + inner)

    if not spec.experts:
        return width(spec.intermediate) * (spec.layers + spec.encoder_layers)
    shared = width(spec.shared_intermediate) if spec.shared_intermediate else 0
    return shared * (spec.layers - spec.dense_layers) + width(spec.intermediate) * spec.dense_layers
