"""Versions that bundles pin, and which GPUs the wheels behind them have kernels for.

data/versions.toml holds the versions with which the tests run the bundles; data/wheels.toml the
CUDA architectures compiled into each torch wheel, read from the wheel itself.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from knowledge.ec2.schema import Arch, Gpu

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class TorchWheel:
    """A torch wheel on PyPI."""

    version: str
    arch: Arch
    cuda: str
    """CUDA version it was built with."""
    kernels: tuple[str, ...]
    """Architectures with compiled kernels: `sm_80`."""
    tested: bool
    """Whether the tests run this version (its CPU build)."""

    def runs_on(self, gpu: Gpu) -> bool:
        """Return whether the wheel has kernels for the GPU.

        A kernel for X.Y also runs on X.Z with Z >= Y, never on another X.
        """
        if gpu.compute_capability is None:
            return False
        major, minor = (int(part) for part in gpu.compute_capability.split("."))
        built = [(int(name[3:-1]), int(name[-1])) for name in self.kernels]
        return any(found == major and least <= minor for found, least in built)


@cache
def versions() -> dict[str, str]:
    """Return the tested version of each package."""
    return dict(tomllib.loads((_DATA / "versions.toml").read_text("utf-8"))["versions"])


@cache
def torch_wheels() -> tuple[TorchWheel, ...]:
    """Return the known wheels, preferred first."""
    rows: list[dict[str, Any]] = tomllib.loads((_DATA / "wheels.toml").read_text("utf-8"))["torch"]
    tested = versions()["torch"]
    return tuple(
        TorchWheel(
            version=row["version"],
            arch=row["arch"],
            cuda=row["cuda"],
            kernels=tuple(row["kernels"]),
            tested=row["version"] == tested,
        )
        for row in rows
    )


def torch_for(gpu: Gpu | None, arch: Arch) -> TorchWheel | None:
    """Return the preferred wheel with kernels for the GPU (the first, without a GPU), if any."""
    fitting = (
        wheel
        for wheel in torch_wheels()
        if wheel.arch == arch and (gpu is None or wheel.runs_on(gpu))
    )
    return next(fitting, None)


def torch_wheel(version: str, arch: Arch) -> TorchWheel | None:
    """Return the wheel of a version, if its kernels are known."""
    return next((w for w in torch_wheels() if (w.version, w.arch) == (version, arch)), None)
