"""Options of serving: each machine with each tensor parallel degree, and what fits there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tools.sizing.inference import (
    Serving,
    inference_memory,
    max_concurrency,
    serving_run,
    tensor_parallel_degrees,
)
from tools.sizing.limits import serving_limit
from tools.sizing.models import (
    InferenceRequest,
    InferenceRun,
    MemoryBreakdown,
    ModelSpec,
    WeightFormat,
)
from tools.sizing.placements import Machine, groups

DEFAULT_CONTEXT = 4096
FULL_BATCH = 256
"""Requests at once for which the speed is given where no number was asked for (vLLM's default)."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to serve on one machine."""

    spec: ModelSpec
    serving: Serving
    machine: Machine
    most: int
    """Requests of full context at once."""

    @property
    def memory(self) -> MemoryBreakdown:
        """Memory of a GPU for the requests asked for."""
        return inference_memory(self.spec, self.serving, self.machine.usable_gib)

    def run(self, prompt_tokens: int | None, *, asked: int | None) -> InferenceRun:
        """Return speed and cost of the replica, at `asked` requests or as many as fit."""
        machine = self.machine
        each = machine.usd_per_hour
        share = Decimal(self.serving.tensor_parallel) / machine.devices
        return serving_run(
            self.spec,
            self.serving._replace(concurrency=asked or min(max(self.most, 1), FULL_BATCH)),
            machine.gpu,
            gpu_usable_gib=machine.usable_gib,
            prompt_tokens=prompt_tokens,
            usd_per_hour=None if each is None else each * share,
            partition=machine.partition,
        )


def every_option(
    spec: ModelSpec, request: InferenceRequest, among: Sequence[Machine]
) -> list[Option]:
    """Return the best option of every shape that fits, cheapest machine first."""
    found: list[Option] = []
    for members in groups(tuple(among)):
        if serving_limit(request, members[0]):
            continue
        option = next((o for o in options(spec, request, members[0]) if fits(o)), None)
        if option is not None:
            found.append(option)
    return sorted(found, key=lambda option: option.machine.order)


def fits(option: Option) -> bool:
    """Whether the requests asked for fit at once."""
    return option.most >= option.serving.concurrency


def options(spec: ModelSpec, request: InferenceRequest, machine: Machine) -> Iterator[Option]:
    """Yield the ways to serve on a machine, the smallest tensor parallel degree first."""
    asked = request.tensor_parallel or request.gpus
    if asked and asked > machine.devices:
        return
    for degree in tensor_parallel_degrees(spec, machine.devices):
        if asked not in (None, degree):
            continue
        serving = _serving(spec, request, machine)._replace(tensor_parallel=degree)
        most = max_concurrency(spec, serving, machine.usable_gib)
        yield Option(spec, serving, machine, most)


PUBLISHED: dict[str, WeightFormat] = {
    "openai/gpt-oss-120b": "int4",  # MXFP4
    "openai/gpt-oss-20b": "int4",
    "deepseek-ai/DeepSeek-V3": "fp8",
    "deepseek-ai/DeepSeek-R1": "fp8",
}
"""Models whose weights are published in fewer than 16 bits (model cards)."""


def default_weights(spec: ModelSpec, machine: Machine) -> WeightFormat:
    """Return the format in which a model is published, as far as the GPU runs it."""
    half: WeightFormat = "bf16" if machine.gpu.bf16 else "fp16"
    published = PUBLISHED.get(spec.hf_id or "")
    return half if published is None or (published == "fp8" and not machine.gpu.fp8) else published


def _serving(spec: ModelSpec, request: InferenceRequest, machine: Machine) -> Serving:
    return Serving(
        weights=request.weights or default_weights(spec, machine),
        kv_format=request.kv_format or ("bf16" if machine.gpu.bf16 else "fp16"),
        context=request.context or min(DEFAULT_CONTEXT, spec.max_positions or DEFAULT_CONTEXT),
        concurrency=request.concurrency or 1,
    )
