"""Search: the fastest configuration that fits a placement, and the placements worth offering.

Configurations are tried from the fastest kind to the most frugal: states on the GPUs before
offload, a low ZeRO stage before a high one, no checkpointing before checkpointing. The first kind
that fits wins, with the largest micro-batch that pays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.ec2.schema import Gpu
from tools.sizing.models import (
    Attention,
    Engine,
    ModelSpec,
    Offload,
    Precision,
    TrainingRequest,
    ZeroStage,
)
from tools.sizing.placements import COUNTS, Machine, groups, with_host
from tools.sizing.setup import TrainingSetup
from tools.sizing.trial import Trial

DEFAULT_LENGTH = 2048
DEFAULT_BATCH = 16
"""Sequences per optimizer step where none is asked for: common for fine-tuning."""
MAX_MICRO_BATCH = 16
MAX_STEP_TOKENS = 16_384
"""Tokens of a micro-step on one GPU beyond which a larger micro-batch gains nothing."""
LIGER_CAPABILITY = 8.0
"""Liger's Triton kernels are used from Ampere on."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A kind of configuration: engine, ZeRO stage and offload."""

    engine: Engine
    stage: ZeroStage
    offload: Offload = "none"


@dataclass(frozen=True, slots=True)
class Miss:
    """What does not fit: the most frugal trial, and one that only the host has no room for."""

    closest: Trial
    starved: Trial | None = None

    def less(self, other: Miss | None) -> Miss:
        """Return the one of two misses that misses less."""
        mine = self.closest.peak_gib / self.closest.machine.usable_gib
        if other is None or mine < other.closest.peak_gib / other.closest.machine.usable_gib:
            return self
        return other


@dataclass(frozen=True, slots=True)
class Found:
    """What a placement can do: the best trial that fits, else what misses least."""

    best: Trial | None
    miss: Miss


def precision_of(gpu: Gpu, request: TrainingRequest) -> Precision:
    """Return the precision asked for, else bf16 where the GPU has it."""
    return request.precision or ("bf16" if gpu.bf16 else "fp16")


def attention_of(gpu: Gpu, request: TrainingRequest, spec: ModelSpec) -> Attention:
    """Return the attention asked for, else FlashAttention-2 where GPU and model have it.

    A model without SDPA in Transformers gets eager attention, which runs everywhere and needs no
    further package.
    """
    if request.attention:
        return request.attention
    if "sdpa" not in spec.attention:
        return "eager"
    flash = (
        gpu.flash_attention_2
        and "flash_attention_2" in spec.attention
        and spec.kind == "decoder"
        and spec.head_dim <= 256
    )
    half = precision_of(gpu, request) != "fp32"
    # On Blackwell FlashAttention-2 runs, but slower than what SDPA picks.
    return "flash_attention_2" if flash and half and not _is_blackwell(gpu) else "sdpa"


def _is_blackwell(gpu: Gpu) -> bool:
    return float(gpu.compute_capability or 0) >= 10


def length_of(request: TrainingRequest, spec: ModelSpec) -> int:
    """Return the sequence length: asked for, else 2,048 or the model's limit."""
    return request.sequence_length or min(DEFAULT_LENGTH, spec.max_positions or DEFAULT_LENGTH)


def tiers(request: TrainingRequest, gpus: int, *, whole: bool = True) -> Iterator[Tier]:
    """Yield the kinds of configuration that the request allows, fastest first.

    On a part of a GPU (not `whole`) only the Trainer runs: NCCL needs whole ones.
    """
    for tier in _all_tiers(request, gpus):
        if not whole and tier.engine != "trainer":
            continue
        if request.engine not in (None, tier.engine):
            continue
        if request.zero_stage not in (None, tier.stage):
            continue
        if request.offload not in (None, tier.offload):
            continue
        yield tier


def _all_tiers(request: TrainingRequest, gpus: int) -> Iterator[Tier]:
    stages: tuple[ZeroStage, ...] = (0, 1, 2, 3) if request.zero_stage is not None else (2, 3)
    adapters = request.method != "full"
    if gpus == 1 or adapters or request.engine == "trainer":
        yield Tier("trainer", 0)
    if request.engine == "fsdp":
        yield Tier("fsdp", 3)
    if request.method == "qlora" and request.engine != "deepspeed" and not request.zero_stage:
        return  # each GPU holds the 4-bit weights: DeepSpeed only where it is asked for
    if gpus > 1 or request.zero_stage is not None or request.engine == "deepspeed":
        for stage in stages if not adapters or request.zero_stage is not None else (3,):
            yield Tier("deepspeed", stage)
    if not adapters:
        yield Tier("deepspeed", 2, "optimizer-cpu")
        yield Tier("deepspeed", 3, "optimizer-cpu")
    yield Tier("deepspeed", 3, "optimizer-param-cpu")
    if request.offload in ("optimizer-nvme", "all-nvme"):
        yield Tier("deepspeed", 3, request.offload)


def _whole(machine: Machine) -> bool:
    return machine.partition == 1


def best_trial(
    spec: ModelSpec, request: TrainingRequest, members: Sequence[Machine], count: int
) -> Found:
    """Return the best trial on `count` of the machines (all of one shape, cheapest first)."""
    closest: Trial | None = None
    starved: Trial | None = None
    for tier in tiers(request, gpus_of(request, members[0], count), whole=_whole(members[0])):
        trials = list(_smallest(spec, request, members[0], count, tier))
        frugal = trials[-1]
        resident = tier.offload == "none" or bool(request.offload)
        if closest is None or (resident and frugal.peak_gib < closest.peak_gib):
            closest = frugal
        if not frugal.fits_gpu:
            continue
        if with_host(tuple(members), frugal.host_gib, frugal.nvme_gb) is None:
            starved = starved or frugal
            continue
        fitting = _fitting(trials, request, tuple(members))
        best = max(fitting, key=lambda trial: trial.tokens_per_second)
        return Found(best, Miss(best))
    if closest is None:
        tier = Tier("deepspeed", request.zero_stage or 3, request.offload or "none")
        if not _whole(members[0]):
            tier = Tier("trainer", 0)
        closest = next(_smallest(spec, request, members[0], count, tier))
    return Found(None, Miss(closest, starved))


def _fitting(
    trials: Sequence[Trial], request: TrainingRequest, members: tuple[Machine, ...]
) -> list[Trial]:
    """Return the trials of a tier that fit, each grown; the last of `trials` is known to."""
    fitting: list[Trial] = []
    for first in trials:
        if fitting and first.setup.liger and not request.liger:
            break  # one more package, only where nothing else fits
        machine = with_host(members, first.host_gib, first.nvme_gb)
        if machine is None or not first.fits_gpu:
            continue
        fitting.append(_grown(first.on(machine), request))
        if fitting[-1].setup.micro_batch > 1 and not fitting[-1].setup.checkpointing:
            break  # room to spare without checkpointing: nothing is faster
    return fitting


def _smallest(
    spec: ModelSpec, request: TrainingRequest, machine: Machine, count: int, tier: Tier
) -> Iterator[Trial]:
    """Yield the trials of a tier with the smallest micro-batch, fastest first."""
    gpu = machine.gpu
    gpus, micro = gpus_of(request, machine, count), request.micro_batch or 1
    setup = TrainingSetup(
        method=request.method,
        engine=tier.engine,
        precision=precision_of(gpu, request),
        attention=attention_of(gpu, request, spec),
        optimizer=request.optimizer,
        zero_stage=tier.stage,
        offload=tier.offload,
        checkpointing=False,
        liger=request.liger,
        compile=request.compile,
        sequence_length=length_of(request, spec),
        micro_batch=micro,
        accumulation=accumulation(request, micro * gpus),
        gpus=gpus,
        gpus_per_node=min(machine.devices, gpus),
        lora_rank=request.lora_rank,
        lora_targets=request.lora_targets,
    )
    choices = (False, True) if request.checkpointing is None else (request.checkpointing,)
    trial = Trial(spec, setup, machine, count)
    for checkpointing in choices:
        yield trial.with_setup(checkpointing=checkpointing)
    if not request.liger and _has_liger(spec, gpu):
        yield trial.with_setup(checkpointing=choices[-1], liger=True)


def accumulation(request: TrainingRequest, sequences: int) -> int:
    """Return micro-steps per optimizer step for `sequences` in each micro-step over all GPUs."""
    return max(-(-(request.global_batch or DEFAULT_BATCH) // sequences), 1)


def _has_liger(spec: ModelSpec, gpu: Gpu) -> bool:
    """Whether fused losses run: causal decoders with a gated MLP, from Ampere on."""
    recent = float(gpu.compute_capability or 0) >= LIGER_CAPABILITY
    return recent and spec.kind == "decoder" and spec.mlp_matrices == 3


def _grown(trial: Trial, request: TrainingRequest) -> Trial:
    """Return the trial with the largest micro-batch that fits and still gains."""
    if request.micro_batch is not None:
        return trial
    limit = MAX_MICRO_BATCH
    if request.global_batch:
        limit = min(limit, max(request.global_batch // trial.setup.gpus, 1))
    while True:
        size = trial.setup.micro_batch * 2
        if size > limit or size * trial.setup.sequence_length > MAX_STEP_TOKENS:
            return trial
        steps = accumulation(request, size * trial.setup.gpus)
        larger = trial.with_setup(micro_batch=size, accumulation=steps)
        if not larger.fits:
            return trial
        trial = larger


def gpus_of(request: TrainingRequest, machine: Machine, count: int) -> int:
    """Return the GPUs of a run: all of the instances, or the fewer that were asked for."""
    return min(machine.devices * count, request.gpus or machine.devices * count)


def counts_for(request: TrainingRequest, machine: Machine) -> tuple[int, ...]:
    """Return the numbers of instances to try, smallest first."""
    if request.instances:
        return (request.instances,)
    if request.gpus:
        return (max(-(-request.gpus // machine.devices), 1),)
    return COUNTS if machine.clusters else (1,)


def fewest(spec: ModelSpec, request: TrainingRequest, members: Sequence[Machine]) -> Found:
    """Return the trial on the fewest instances, with offload only if no number does without.

    Instances cost the same per token as long as they scale, and offload more than halves the speed.
    """
    offloaded: Trial | None = None
    miss: Miss | None = None
    for count in counts_for(request, members[0]):
        choice = not (request.instances or request.gpus)
        if choice and count > 1 and (frugal := _most_frugal(spec, request, members[0], count)):
            if not frugal.fits_gpu:
                miss = Miss(frugal).less(miss)
                continue
        found = best_trial(spec, request, members, count)
        if found.best and (found.best.setup.offload == "none" or request.offload):
            return found
        offloaded = offloaded or found.best
        miss = found.miss.less(miss)
    assert miss is not None
    return Found(offloaded, miss)


def _most_frugal(
    spec: ModelSpec, request: TrainingRequest, machine: Machine, count: int
) -> Trial | None:
    """Return the resident trial with the lowest peak: if it does not fit, none does."""
    resident = [t for t in tiers(request, gpus_of(request, machine, count)) if t.offload == "none"]
    if not resident or request.offload:
        return None
    return list(_smallest(spec, request, machine, count, resident[-1]))[-1]


def every_placement(
    spec: ModelSpec, request: TrainingRequest, offered: Sequence[Machine]
) -> list[Trial]:
    """Return the best trial of every shape that fits, without offload where one exists."""
    found: list[Trial] = []
    for members in groups(tuple(offered)):
        several = max(request.instances or 1, request.gpus or 1) > 1
        if members[0].partition < 1 and several:
            continue
        trial = fewest(spec, request, members).best
        if trial is not None:
            found.append(trial)
    resident = [trial for trial in found if trial.setup.offload == "none"]
    return resident or found


def ordered(request: TrainingRequest, trials: Sequence[Trial]) -> list[Trial]:
    """Return trials cheapest first.

    With a number of tokens, or where one instance is not enough, what counts is the cost of a
    token; otherwise the price of an hour of a single instance. Unpriced ones come last.
    """
    if not by_token(request, trials):
        single = [trial for trial in trials if trial.count == 1]
        rest = [trial for trial in trials if trial.count > 1]
        by_hour = sorted(single, key=lambda t: (_usd(t), -t.tokens_per_second, t.machine.name))
        return by_hour + sorted(rest, key=lambda trial: trial.usd_per_token)
    return sorted(trials, key=lambda t: (t.usd_per_token, -t.tokens_per_second, t.machine.name))


def by_token(request: TrainingRequest, trials: Sequence[Trial]) -> bool:
    """Whether `ordered` compares the cost of a token rather than the price of an hour."""
    return request.tokens is not None or all(trial.count > 1 for trial in trials)


def _usd(trial: Trial) -> float:
    hourly = trial.usd_per_hour
    return float("inf") if hourly is None else hourly
