"""The requests and results of sizing. Memory in GiB (2**30 bytes), money in USD before tax.

These models are the contract between the sizing engine, the bundle generator, the planner and the
front ends: a plan holds everything that a bundle's configuration needs, and nothing that a bundle
cannot express.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from knowledge.ec2.schema import Source
from tools.charts import Chart, Text
from tools.profiles import Model
from tools.sizing.common import (
    HOURS_PER_MONTH as HOURS_PER_MONTH,
)
from tools.sizing.common import (
    MODEL_STATES as MODEL_STATES,
)
from tools.sizing.common import (
    Attention as Attention,
)
from tools.sizing.common import (
    Choice as Choice,
)
from tools.sizing.common import (
    Count as Count,
)
from tools.sizing.common import (
    Engine as Engine,
)
from tools.sizing.common import (
    MemoryBreakdown as MemoryBreakdown,
)
from tools.sizing.common import (
    MemoryTerm as MemoryTerm,
)
from tools.sizing.common import (
    Method as Method,
)
from tools.sizing.common import (
    Milliseconds as Milliseconds,
)
from tools.sizing.common import (
    ModelSpec as ModelSpec,
)
from tools.sizing.common import (
    Offload as Offload,
)
from tools.sizing.common import (
    Optimizer as Optimizer,
)
from tools.sizing.common import (
    Placement as Placement,
)
from tools.sizing.common import (
    Precision as Precision,
)
from tools.sizing.common import (
    Range as Range,
)
from tools.sizing.common import (
    Rejection as Rejection,
)
from tools.sizing.common import (
    Tokens as Tokens,
)
from tools.sizing.common import (
    WeightFormat as WeightFormat,
)
from tools.sizing.common import (
    ZeroStage as ZeroStage,
)


class TrainingRequest(Model):
    """What is to be trained, on what. Fields left None are chosen by the planner of the tool."""

    model: str = "Llama 3 8B"
    """Name (`llama-3-8b`), bare size (`7B`, `700億`), or the text of a config.json."""
    method: Method = "full"
    region: str
    instance: str | None = None
    """Instance type, family or GPU as people write it; None: recommend."""
    instances: Count | None = None
    gpus: Count | None = None
    """GPUs over all instances; an alternative to `instances`."""
    sequence_length: Annotated[int, Field(ge=16, le=2_000_000)] | None = None
    """Tokens; None: 2,048, or the model's limit where that is smaller."""
    micro_batch: Count | None = None
    global_batch: Count | None = None
    """Sequences per optimizer step over all GPUs."""
    tokens: Tokens | None = None
    """Tokens to train on in all."""
    samples: Tokens | None = None
    epochs: Annotated[float, Field(gt=0, le=10_000)] | None = None
    engine: Engine | None = None
    optimizer: Optimizer = "adamw"
    precision: Precision | None = None
    attention: Attention | None = None
    zero_stage: ZeroStage | None = None
    offload: Offload | None = None
    checkpointing: bool | None = None
    """Activation (gradient) checkpointing of every block."""
    liger: bool = False
    compile: bool = False
    lora_rank: Annotated[int, Field(ge=1, le=4096)] = 16
    lora_targets: Literal["all-linear", "attention"] = "all-linear"
    spot: bool = False
    states_only: bool = False
    """Whether only the model states per GPU are asked for (the ZeRO paper's figures)."""
    budget_usd: Annotated[Decimal, Field(gt=0)] | None = None
    budget_jpy: Annotated[Decimal, Field(gt=0)] | None = None
    """Needs `jpy_per_usd`; without it the budget is named as not checked."""
    jpy_per_usd: Annotated[Decimal, Field(gt=0)] | None = None
    deadline_hours: Annotated[float, Field(gt=0)] | None = None


class Run(Model):
    """Throughput, time and cost of a training run. None where no number of tokens was given."""

    tokens_per_second: Range
    """Over all GPUs."""
    mfu: Range
    flops_per_token: float
    bound: Literal["compute", "communication", "offload", "input"]
    tokens: int | None
    hours: Range | None
    usd: Range | None
    """None where the instance's price is unknown."""
    assumption: Text


class RunCost(Model):
    """Time and cost of a number of tokens."""

    hours: Range
    usd: Range | None


class TrainingPlan(Model):
    """A configuration that fits, with memory, throughput, cost and the reasons for each choice."""

    kind: Literal["training_plan"] = "training_plan"
    request: TrainingRequest
    model: ModelSpec
    placement: Placement
    method: Method
    engine: Engine
    precision: Precision
    attention: Attention
    optimizer: Optimizer
    zero_stage: ZeroStage
    offload: Offload
    checkpointing: bool
    liger: bool
    sequence_length: int
    micro_batch: int
    accumulation: int
    global_batch: int
    """micro_batch x accumulation x gpus."""
    lora_rank: int | None
    trainable_parameters: int
    memory: MemoryBreakdown
    host_ram_gib: float
    """Host memory needed per instance."""
    nvme_gb: float
    """Local NVMe needed per instance, for offload."""
    run: Run
    per_billion: RunCost | None = None
    """Time and cost of 10**9 tokens, where no number of tokens was given."""
    choices: tuple[Choice, ...]
    rejected: tuple[Rejection, ...]
    warnings: tuple[Text, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict[str, str])
    """NCCL, EFA and allocator variables that the launch script sets."""
    alternatives: tuple[PlanSummary, ...] = ()
    """Other placements that fit, cheapest first."""
    sources: tuple[Source, ...] = ()
    charts: tuple[Chart, ...] = ()


class PlanSummary(Model):
    """Another placement that fits, in short."""

    instance: str
    instances: int
    gpu: str | None
    gpus: int
    zero_stage: ZeroStage
    offload: Offload
    micro_batch: int
    peak_gib: float
    usable_gib: float
    tokens_per_second: float
    usd_per_hour: Decimal | None
    usd: Decimal | None
    hours: float | None
    usd_per_billion: Decimal | None = None
    """Expected cost of 10**9 tokens."""


class TrainingRefusal(Model):
    """The run does not fit (or is not possible), with what would make it fit."""

    kind: Literal["training_refusal"] = "training_refusal"
    request: TrainingRequest
    model: ModelSpec
    reason: Text
    memory: MemoryBreakdown | None
    """Of the closest configuration that was tried."""
    smallest_change: Text | None
    alternatives: tuple[PlanSummary, ...]
    """The cheapest placements that fit without any other change, in the region."""
    sources: tuple[Source, ...] = ()
    charts: tuple[Chart, ...] = ()


class InferenceRequest(Model):
    """What is to be served, on what."""

    model: str
    region: str
    instance: str | None = None
    instances: Count | None = None
    """Copies of the server, behind a load balancer; None: one."""
    gpus: Count | None = None
    """GPUs that the model is split over; an alternative to `tensor_parallel`."""
    weights: WeightFormat | None = None
    kv_format: Literal["bf16", "fp16", "fp8", "int8"] | None = None
    context: Annotated[int, Field(ge=16, le=10_000_000)] | None = None
    """Tokens of one request, prompt and answer together."""
    prompt_tokens: Tokens | None = None
    concurrency: Count | None = None
    """Requests at the same time."""
    tensor_parallel: Count | None = None
    spot: bool = False


class InferenceRun(Model):
    """Speed and cost of serving."""

    max_concurrency: int
    """Requests of full context whose KV cache fits at once."""
    max_context: int
    tokens_per_second_user: Range
    """Decoding, one request, alone."""
    tokens_per_second_total: Range
    """Decoding, at the concurrency asked for (or the most that fits)."""
    time_to_first_token_ms: Range
    usd_per_million_tokens: Range | None
    bound: Literal["bandwidth", "compute", "memory"]
    assumption: Text


class InferencePlan(Model):
    """A way to serve a model that fits."""

    kind: Literal["inference_plan"] = "inference_plan"
    request: InferenceRequest
    model: ModelSpec
    placement: Placement
    weights: WeightFormat
    kv_format: Literal["bf16", "fp16", "fp8", "int8"]
    tensor_parallel: int
    """0 on a CPU instance."""
    max_model_len: int
    gpu_memory_utilization: float
    memory: MemoryBreakdown
    kv_bytes_per_token: int
    """Over all GPUs."""
    run: InferenceRun
    choices: tuple[Choice, ...]
    rejected: tuple[Rejection, ...]
    warnings: tuple[Text, ...] = ()
    alternatives: tuple[InferenceSummary, ...] = ()
    sources: tuple[Source, ...] = ()
    charts: tuple[Chart, ...] = ()

    @property
    def kv_request_gib(self) -> float:
        """KV cache of one request of full length, over all GPUs."""
        return self.kv_bytes_per_token * self.max_model_len / 2**30


class InferenceSummary(Model):
    """Another placement that serves the model, in short."""

    instance: str
    gpu: str | None
    gpus: int
    weights: WeightFormat
    tensor_parallel: int
    max_concurrency: int
    tokens_per_second_total: float
    usd_per_hour: Decimal | None
    usd_per_million_tokens: Decimal | None


class InferenceRefusal(Model):
    """The model cannot be served so, with what would make it fit."""

    kind: Literal["inference_refusal"] = "inference_refusal"
    request: InferenceRequest
    model: ModelSpec
    reason: Text
    memory: MemoryBreakdown | None
    smallest_change: Text | None
    alternatives: tuple[InferenceSummary, ...]
    sources: tuple[Source, ...] = ()
    charts: tuple[Chart, ...] = ()


class Diagnosis(Model):
    """What a pasted traceback, nvidia-smi output or DeepSpeed configuration says."""

    kind: Literal["diagnosis"] = "diagnosis"
    source: Literal["traceback", "nvidia-smi", "deepspeed-config", "model-config"]
    findings: tuple[Choice, ...]
    """What was read, and what it means."""
    dominating: Text | None
    changes: tuple[Choice, ...]
    """What to change, smallest first, with the effect."""
    figures: dict[str, float] = Field(default_factory=dict[str, float])
    """Numbers that were read or computed, by name with unit: `tried_gib`."""


TrainingPlan.model_rebuild()
InferencePlan.model_rebuild()
