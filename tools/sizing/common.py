"""What training and serving share: names of methods and formats, models, memory, placements."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from knowledge.ec2.schema import Gpu, InstanceType
from tools.charts import Text
from tools.profiles import Model, Quote

Method = Literal["full", "lora", "qlora"]
Engine = Literal["trainer", "deepspeed", "fsdp"]
"""`trainer`: plain Transformers Trainer (DDP on several GPUs)."""
Optimizer = Literal["adamw", "adamw-8bit", "adafactor", "sgd"]
Precision = Literal["fp32", "fp16", "bf16"]
Attention = Literal["flash_attention_2", "sdpa", "eager"]
ZeroStage = Literal[0, 1, 2, 3]
Offload = Literal["none", "optimizer-cpu", "optimizer-param-cpu", "optimizer-nvme", "all-nvme"]
WeightFormat = Literal["fp32", "fp16", "bf16", "fp8", "int8", "int4", "awq", "gptq", "nf4"]
Count = Annotated[int, Field(ge=1, le=100_000)]
Tokens = Annotated[int, Field(ge=1, le=10**18)]
HOURS_PER_MONTH = 730  # 8,760 hours / 12
Milliseconds = Annotated[float, Field(gt=0)]


class ModelSpec(Model):
    """A model whose memory can be computed. Dimensions are None where only the size is known."""

    name: str
    """As people call it: `Llama 3 8B`."""
    hf_id: str | None = None
    """Repository on the Hugging Face hub; None for a bare size such as `7B`."""
    kind: Literal["decoder", "encoder", "encoder-decoder", "vit", "unet"] = "decoder"
    parameters: int
    """Total, tied embeddings counted once."""
    active_parameters: int
    """Used for one token; fewer than `parameters` for a mixture of experts."""
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied_embeddings: bool = False
    max_positions: int | None = None
    experts: int = 0
    experts_active: int = 0
    sliding_window: int | None = None
    mlp_matrices: Literal[2, 3] = 3
    """3 for gated MLPs (SwiGLU, GeGLU), 2 for plain ones."""
    norm: Literal["rmsnorm", "gemma", "layernorm"] = "rmsnorm"
    qk_norm: bool = False
    norms: int = 2
    """Norms per layer, those of queries and keys aside."""
    softcap: bool = False
    """Whether attention scores and logits pass through tanh (Gemma 2)."""
    fused_activation: bool = True
    """Whether the activation of a plain MLP is one kernel (GELU) or several (GPT-2's)."""
    encoder_layers: int = 0
    """Layers of the encoder where `layers` are those of the decoder."""
    full_attention_layers: int | None = None
    """Layers that see the whole context where the others have `sliding_window`; None: all."""
    expert_intermediate: int = 0
    shared_intermediate: int = 0
    """Inner size of the experts that every token uses, together."""
    dense_layers: int = 0
    """First layers with a plain MLP in a mixture of experts."""
    kv_lora_rank: int = 0
    """Width of compressed keys and values (multi-head latent attention); 0 for none."""
    rope_head_dim: int = 0
    embedding_parameters: int = 0
    """Input embedding, and the head where it is not tied."""
    linear_parameters: int = 0
    """In the linear layers of the blocks: what quantisation and LoRA act on."""
    attention: tuple[Attention, ...] = ("flash_attention_2", "sdpa", "eager")
    """Attention that Transformers has for it."""
    block_parameters: int = 0
    """In the largest block."""
    checkpoint_dtype: Precision = "bf16"
    """The dtype in which the checkpoint is published."""
    estimated: bool = False
    """True if the dimensions were derived from a parameter count alone."""
    license_note: Text | None = None
    source: str = ""

    @property
    def expert_parameters(self) -> int:
        """Weights of the routed experts: fused parameters in Transformers 5, no linear layers."""
        inner = self.expert_intermediate or self.intermediate
        one = self.mlp_matrices * self.hidden * inner
        return self.experts * one * (self.layers - self.dense_layers)


class MemoryTerm(Model):
    """One part of the memory of a GPU (or of the host)."""

    key: Literal[
        "parameters",
        "gradients",
        "optimizer",
        "master_weights",
        "activations",
        "logits",
        "live_parameters",
        "communication",
        "quantization",
        "kv_cache",
        "overhead",
        "fragmentation",
    ]
    label: Text
    gib: float
    formula: str
    """The formula with the numbers in it: `2 B × 8.03e9 / 8`."""


MODEL_STATES = frozenset({"parameters", "gradients", "optimizer", "master_weights"})


class MemoryBreakdown(Model):
    """Peak memory per GPU, term by term, against what the GPU offers."""

    terms: tuple[MemoryTerm, ...]
    allocated_gib: float
    """Peak of live tensors (torch.cuda.max_memory_allocated)."""
    reserved_gib: float
    """Peak held by the allocator (torch.cuda.max_memory_reserved)."""
    peak_gib: float
    """What the driver shows: reserved, CUDA context and NCCL."""
    usable_gib: float
    """What CUDA offers to a process on this GPU."""
    budget_gib: float
    """Share of `usable_gib` that a plan may use."""

    @property
    def fits(self) -> bool:
        """Whether the peak is within the budget."""
        return self.peak_gib <= self.budget_gib

    @property
    def headroom_gib(self) -> float:
        """What is left of the budget; negative if the peak exceeds it."""
        return self.budget_gib - self.peak_gib

    @property
    def states_gib(self) -> float:
        """Parameters, gradients, optimizer states and master weights together."""
        return sum(term.gib for term in self.terms if term.key in MODEL_STATES)

    @property
    def share_percent(self) -> float:
        """Share of the usable memory that the peak takes."""
        return 100 * self.peak_gib / self.usable_gib

    @property
    def dominating(self) -> MemoryTerm:
        """The largest term."""
        return max(self.terms, key=lambda term: term.gib)


class Range(Model):
    """A figure with its uncertainty."""

    low: float
    expected: float
    high: float


class Choice(Model):
    """A decision of a plan and why it was taken."""

    what: Text
    why: Text


class Rejection(Model):
    """An alternative that was not taken and why not."""

    what: Text
    why: Text


class Placement(Model):
    """Where a plan runs."""

    instance: InstanceType
    gpu: Gpu | None
    instances: int
    gpus: int
    """Over all instances."""
    quote: Quote
    """The instance's price in the region under the plan's term."""
    efa: bool
    """Whether several instances should talk through EFA."""

    @property
    def usd_per_hour(self) -> Decimal | None:
        """Price of all instances, if the catalogue has it."""
        each = self.quote.usd_per_hour
        return None if each is None else each * self.instances

    @property
    def usd_per_month(self) -> Decimal | None:
        """Price of all instances around the clock for a month."""
        hourly = self.usd_per_hour
        return None if hourly is None else hourly * HOURS_PER_MONTH
