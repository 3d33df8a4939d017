"""A trial: one configuration on one placement, with its memory, host needs and speed.

The search makes many trials; each figure is computed when it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from tools.sizing.hardware import host_of
from tools.sizing.host import host_ram_gib, nvme_gb
from tools.sizing.memory import BUDGET_FIXED, training_memory, training_peak_gib
from tools.sizing.models import MemoryBreakdown, ModelSpec, Run
from tools.sizing.placements import Machine
from tools.sizing.setup import TrainingSetup
from tools.sizing.throughput import training_run

PROBE_TOKENS = 10**9
"""Tokens for which trials are compared."""


@dataclass(frozen=True)
class Trial:
    """A setup on machines."""

    spec: ModelSpec
    setup: TrainingSetup
    machine: Machine
    count: int

    @cached_property
    def memory(self) -> MemoryBreakdown:
        """Peak memory of a GPU, term by term."""
        return training_memory(self.spec, self.setup, self.machine.usable_gib)

    @cached_property
    def peak_gib(self) -> float:
        """Peak memory of a GPU."""
        return training_peak_gib(self.spec, self.setup)

    @property
    def fits_gpu(self) -> bool:
        """Whether the peak is within the share of the GPU that a plan may use."""
        return self.peak_gib <= BUDGET_FIXED * self.machine.usable_gib

    @cached_property
    def host_gib(self) -> float:
        """Host memory needed in each instance."""
        return host_ram_gib(self.spec, self.setup)

    @cached_property
    def nvme_gb(self) -> float:
        """NVMe needed in each instance."""
        return nvme_gb(self.spec, self.setup)

    @property
    def fits(self) -> bool:
        """Whether GPUs and host hold the run."""
        hosted = self.host_gib <= self.machine.host_gib and self.nvme_gb <= self.machine.nvme_gb
        return self.fits_gpu and hosted

    @cached_property
    def run(self) -> Run:
        """Speed, and time and cost of a billion tokens."""
        return self.run_for(PROBE_TOKENS)

    @property
    def tokens_per_second(self) -> float:
        """Expected speed over all GPUs."""
        return self.run.tokens_per_second.expected

    def hours(self, tokens: int) -> float:
        """Return the expected hours for a number of tokens."""
        return tokens / self.tokens_per_second / 3600

    def run_for(self, tokens: int | None) -> Run:
        """Return speed, and time and cost of a number of tokens if there is one."""
        machine = self.machine
        return training_run(
            self.spec,
            self.setup,
            machine.gpu,
            host_of(machine.item),
            tokens=tokens,
            usd_per_hour=machine.usd_per_hour,
            partition=machine.partition,
        )

    @property
    def usd_per_hour(self) -> float | None:
        """Price of all instances."""
        each = self.machine.usd_per_hour
        return None if each is None else float(each) * self.count

    @property
    def usd_per_token(self) -> float:
        """Cost of a token; infinite without a price."""
        hourly = self.usd_per_hour
        return float("inf") if hourly is None else hourly / 3600 / self.tokens_per_second

    def with_setup(self, **changes: object) -> Trial:
        """Return the trial with some of its setup changed."""
        return replace(self, setup=self.setup.model_copy(update=changes))

    def on(self, machine: Machine) -> Trial:
        """Return the trial on another machine of the same shape."""
        return replace(self, machine=machine)
