"""Tokens per second, time and cost of a training run.

A token costs its matrix products at the rate the GPU sustains, its attention, and the element-wise
work between them, which is bound by memory bandwidth: a stack moves `TRAFFIC` bytes for every byte
that its blocks keep. A micro-step cannot be shorter than the host needs to launch its kernels. To
that come the parts of communication and offload that do not overlap with computing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.sizing import activations
from tools.sizing.flops import Work, training_work
from tools.sizing.hardware import (
    FP8_MATMUL,
    Flash,
    Host,
    attention_share,
    bus_gb_s,
    half_peak_tflops,
    host_link_gb_s,
    mfu_limit,
    sustained,
)
from tools.sizing.models import ModelSpec, Range, Run
from tools.sizing.setup import TrainingSetup, lora_parameters, weight_bytes

Stack = Literal["transformers", "tuned"]
"""`transformers`: eager Transformers, PEFT and DeepSpeed; `tuned`: compiled or Megatron-like."""

TRAFFIC: dict[str, float] = {"transformers": 42.0, "tuned": 20.0}
"""Bytes moved through GPU memory per kept byte. Fitted (benchmarks/sizing.py)."""
LAUNCH_SECONDS = 0.0016
"""Host time to launch one block in one pass, eager. Fitted (benchmarks/sizing.py)."""
STAGE3_LAUNCH = 2.0
"""DeepSpeed's stage 3 hooks double it."""
CPU_ADAM_PER_VCPU = 20e6
"""Parameters per second and vCPU of DeepSpeed's CPU Adam. Fitted (benchmarks/sizing.py)."""
OVERLAP, OVERLAP_STAGE3 = 0.8, 0.5
"""Share of computing under which communication hides (formulas: 0.7 to 0.9; DeepSpeed 3: 0.5)."""
STATE_TRAFFIC = 28
"""Bytes that one AdamW step moves per parameter: 16 read, 12 written."""
NVME_GB_S = 2.0
"""Read or write of local NVMe on p4d and p5 per GPU (estimate)."""


class StepTime(NamedTuple):
    """Seconds of one optimizer step, per GPU."""

    compute: float
    launch: float
    """Shortest possible computing time, from kernel launches."""
    communication: float
    """Exposed part."""
    offload: float

    @property
    def total(self) -> float:
        """Seconds of the whole step."""
        return max(self.compute, self.launch) + self.communication + self.offload


def training_run(
    spec: ModelSpec,
    setup: TrainingSetup,
    gpu: Gpu,
    host: Host,
    *,
    tokens: int | None = None,
    usd_per_hour: Decimal | None = None,
    partition: float = 1.0,
    stack: Stack = "transformers",
    fp8: bool = False,
    flash: Flash = 2,
) -> Run:
    """Return throughput, time and cost; `usd_per_hour` is the price of one instance."""
    work = training_work(spec, setup)
    step = step_time(spec, setup, gpu, host, partition=partition, stack=stack, fp8=fp8, flash=flash)
    batch = setup.tokens * setup.accumulation * setup.data_parallel
    rate = batch / step.total
    peak = peak_flops(gpu, setup, fp8=fp8) * partition * setup.gpus
    low, high = _spread(gpu, setup)
    hours = None if tokens is None else tokens / rate / 3600
    price = None if usd_per_hour is None else float(usd_per_hour) * setup.nodes
    mfu = rate * work.model / peak
    return Run(
        tokens_per_second=Range(low=rate * low, expected=rate, high=rate * high),
        mfu=Range(low=mfu * low, expected=mfu, high=mfu * high),
        flops_per_token=work.model,
        bound=_bound(step),
        tokens=tokens,
        hours=None if hours is None else _inverse(hours, low, high),
        usd=None if hours is None or price is None else _inverse(hours * price, low, high),
        assumption=_assumption(gpu, setup, mfu, measured=sustained(gpu).measured),
    )


def step_time(
    spec: ModelSpec,
    setup: TrainingSetup,
    gpu: Gpu,
    host: Host,
    *,
    partition: float = 1.0,
    stack: Stack = "transformers",
    fp8: bool = False,
    flash: Flash = 2,
) -> StepTime:
    """Return the seconds of one optimizer step and where they go."""
    work = training_work(spec, setup)
    split = setup.tensor_parallel * setup.pipeline_parallel
    token = (
        _token_seconds(spec, setup, gpu, work, stack=stack, fp8=fp8, flash=flash)
        / split
        / partition
    )
    bandwidth = (gpu.memory_bandwidth_gb_s or 300) * 1e9 * partition
    states = STATE_TRAFFIC * lora_parameters(spec, setup) / split
    states /= setup.data_parallel if setup.stage else 1
    limit = mfu_limit(gpu, tuned=stack == "tuned" or setup.compile)
    if limit is not None:
        peak = peak_flops(gpu, setup, fp8=fp8) * partition
        token = max(token, work.model / split / (peak * limit))
    micro = token * setup.tokens
    compute = micro * setup.accumulation
    if not setup.offloads_optimizer:
        compute += states / bandwidth
    return StepTime(
        compute=compute,
        launch=_launch_seconds(spec, setup, stack) * setup.accumulation,
        communication=_exposed(spec, setup, gpu, host, compute),
        offload=_offload_seconds(spec, setup, gpu, host),
    )


FP16_OVER_FP32 = 8
"""Dense fp16 against plain fp32, where no fp32 figure is listed (T4 65 and 8.1 TFLOPS)."""


def peak_flops(gpu: Gpu, setup: TrainingSetup, *, fp8: bool = False) -> float:
    """Return the dense peak of one whole GPU in the run's precision, in FLOPS."""
    if fp8 and "fp8" in gpu.tflops:
        return gpu.tflops["fp8"] * 1e12
    if setup.precision == "fp32":
        plain = gpu.tflops.get("tf32") or gpu.tflops.get("fp32")
        return (plain or gpu.tflops.get("fp16", 10.0) / FP16_OVER_FP32) * 1e12
    return (gpu.tflops.get(setup.precision) or half_peak_tflops(gpu)) * 1e12


def _token_seconds(
    spec: ModelSpec,
    setup: TrainingSetup,
    gpu: Gpu,
    work: Work,
    *,
    stack: Stack,
    fp8: bool,
    flash: Flash,
) -> float:
    """Return the GPU's seconds for one token of one micro-step."""
    reach = sustained(gpu)
    peak = peak_flops(gpu, setup)
    linear = peak * reach.matmul
    if fp8 and "fp8" in gpu.tflops:
        linear = gpu.tflops["fp8"] * 1e12 * FP8_MATMUL
    attention = peak * attention_share(gpu, flash)
    causal = 1.0 if spec.kind in ("encoder", "vit") else CAUSAL
    traffic = _traffic(spec, setup, stack)
    return (
        work.linear / linear
        + causal * work.attention / attention
        + traffic / ((gpu.memory_bandwidth_gb_s or 300) * 1e9)
        + _dequantise(spec, setup, gpu)
    )


def _traffic(spec: ModelSpec, setup: TrainingSetup, stack: Stack) -> float:
    """Return the bytes that element-wise work moves per token."""
    tuned = stack == "tuned" or setup.compile
    kept = activations.block_bytes(
        spec, setup.model_copy(update={"liger": True}) if tuned else setup
    )
    passes = 1.0 if setup.method == "full" else 2 / 3  # no gradients of weights
    layers = spec.layers + spec.encoder_layers
    return TRAFFIC["tuned" if tuned else stack] * kept * layers * passes


CAUSAL = 0.5
"""FlashAttention skips the half of the scores that a causal mask hides."""


def _dequantise(spec: ModelSpec, setup: TrainingSetup, gpu: Gpu) -> float:
    """Return the seconds per token that unpacking NF4 weights costs.

    Each pass reads 4 bits and writes 16 per weight, and the product reads them again.
    """
    if setup.method != "qlora":
        return 0.0
    passes = 3 if setup.checkpointing else 2
    linear = spec.linear_parameters - spec.expert_parameters
    moved = linear * (0.5 + 2 + 2) * passes
    return moved / ((gpu.memory_bandwidth_gb_s or 300) * 1e9) / setup.tokens


def _launch_seconds(spec: ModelSpec, setup: TrainingSetup, stack: Stack) -> float:
    """Return the host's seconds to launch one micro-step."""
    if stack == "tuned" or setup.compile:
        return 0.0
    passes = 4 if setup.checkpointing else 3
    factor = STAGE3_LAUNCH if setup.engine == "deepspeed" and setup.stage == 3 else 1.0
    factor *= 2.0 if setup.method == "qlora" else 1.0
    return LAUNCH_SECONDS * passes * (spec.layers + spec.encoder_layers) * factor


def communication_bytes(spec: ModelSpec, setup: TrainingSetup) -> float:
    """Return the bytes that each GPU moves per optimizer step (ZeRO paper, section 7)."""
    ranks = setup.data_parallel
    if ranks == 1:
        return 0.0
    width = 2 if setup.precision != "fp32" else 4
    split = setup.tensor_parallel * setup.pipeline_parallel
    whole = width * spec.parameters / split
    trained = width * lora_parameters(spec, setup) / split
    if setup.stage == 3:
        # DeepSpeed gathers once more for the recomputed forward pass.
        gathers = 2 + (1 if setup.checkpointing and setup.engine == "deepspeed" else 0)
        moved = (gathers * whole + trained) * setup.accumulation
    elif setup.stage == 2:
        moved = trained * setup.accumulation + trained
    else:
        moved = 2 * trained
    return moved * (ranks - 1) / ranks


def _exposed(spec: ModelSpec, setup: TrainingSetup, gpu: Gpu, host: Host, compute: float) -> float:
    """Return the seconds of communication that computing does not hide."""
    seconds = communication_bytes(spec, setup) / (bus_gb_s(gpu, host, nodes=setup.nodes) * 1e9)
    stage3 = setup.engine == "deepspeed" and setup.stage == 3
    return max(0.0, seconds - (OVERLAP_STAGE3 if stage3 else OVERLAP) * compute)


def _offload_seconds(spec: ModelSpec, setup: TrainingSetup, gpu: Gpu, host: Host) -> float:
    """Return the seconds of CPU Adam and of the traffic to the host, per optimizer step."""
    if not setup.offloads_optimizer:
        return 0.0
    trained = lora_parameters(spec, setup)
    link = host_link_gb_s(gpu) * 1e9
    seconds = trained / setup.nodes / (CPU_ADAM_PER_VCPU * host.vcpus)
    seconds += 2 * weight_bytes(spec, setup) * trained / setup.data_parallel / link
    if setup.offloads_parameters:
        seconds += 2 * 2 * spec.parameters / setup.data_parallel / link * setup.accumulation
    if setup.offload in ("optimizer-nvme", "all-nvme"):
        seconds += 2 * 16 * trained / setup.data_parallel / (NVME_GB_S * 1e9)
    return seconds


def _bound(step: StepTime) -> Literal["compute", "communication", "offload"]:
    """Return what takes most of the step."""
    largest = max(
        ("compute", max(step.compute, step.launch)),
        ("communication", step.communication),
        ("offload", step.offload),
        key=lambda item: item[1],
    )
    return largest[0]  # pyright: ignore[reportReturnType]


def _spread(gpu: Gpu, setup: TrainingSetup) -> tuple[float, float]:
    """Return the factors from the expected rate to its low and high end."""
    if setup.offloads_optimizer:
        return 0.5, 1.6
    if not sustained(gpu).measured:
        return 0.6, 1.35
    return (0.75, 1.25) if setup.nodes == 1 else (0.7, 1.25)


def _inverse(value: float, low: float, high: float) -> Range:
    """Return a range of something that falls as the rate rises."""
    return Range(low=value / high, expected=value, high=value / low)


def _assumption(gpu: Gpu, setup: TrainingSetup, mfu: float, *, measured: bool) -> Text:
    basis_ja = "公開実測と照合した式" if measured else "この GPU の公開実測がないための推定"
    basis_en = "a model checked against published runs" if measured else "an estimate"
    again_ja = "、チェックポインティングの再計算込み" if setup.checkpointing else ""
    again_en = ", recomputation included" if setup.checkpointing else ""
    return Text(
        ja=f"{gpu.model} で MFU {mfu:.0%}({basis_ja}{again_ja})と仮定",
        en=f"assumes {mfu:.0%} MFU on {gpu.model} ({basis_en}{again_en})",
    )
