"""What wheels of libraries that cannot run here say: data/wheel_names.json (wheel_extract)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

_DATA = Path(__file__).parent / "data" / "wheel_names.json"


@dataclass(frozen=True, slots=True)
class TensorrtNames:
    """Names of the TensorRT bindings."""

    wheel: str
    names: frozenset[str]
    absent: frozenset[str]
    """Spellings of earlier versions that are gone."""

    def removed_in(self, source: str) -> set[str]:
        """Return the names used in `source` that this version no longer has."""
        return {name for name in self.absent if re.search(rf"\.{name}\b", source)}


@dataclass(frozen=True, slots=True)
class VllmNames:
    """Arguments of vLLM."""

    wheel: str
    sha256: str
    engine: frozenset[str]
    server: frozenset[str]
    sampling: frozenset[str]
    offline: frozenset[str]
    """Parameters that the offline LLM names itself; it takes the engine's as well."""
    choices: dict[str, tuple[str, ...]]
    requires: dict[str, str]
    """Versions of torch and transformers that it asks for."""

    @property
    def version(self) -> str:
        """The version in the wheel's name."""
        return self.wheel.split("-")[1]


@cache
def _content() -> dict[str, Any]:
    return json.loads(_DATA.read_text("utf-8"))


@cache
def tensorrt_names() -> TensorrtNames:
    """Return the names of the TensorRT wheel."""
    entry = _content()["tensorrt_cu13_bindings"]
    return TensorrtNames(entry["wheel"], frozenset(entry["names"]), frozenset(entry["absent"]))


@cache
def vllm_names() -> VllmNames:
    """Return the arguments of the vLLM wheel."""
    entry = _content()["vllm"]
    return VllmNames(
        wheel=entry["wheel"],
        sha256=entry["sha256"],
        engine=frozenset(entry["engine"]),
        server=frozenset(entry["server"]),
        sampling=frozenset(entry["sampling"]),
        offline=frozenset(entry["offline"]),
        choices={key: tuple(values) for key, values in entry["choices"].items()},
        requires=entry["requires"],
    )


def hosting_types() -> frozenset[str]:
    """Return the `ml.…` types that SageMaker takes for a real-time endpoint."""
    return frozenset(_content()["botocore"]["hosting_types"])


def sagemaker_image(repository: str, region: str, processor: Literal["cpu", "gpu"]) -> str | None:
    """Return the address of AWS's image; None where there is none for the region or processor."""
    entry = _content()["sagemaker_core"]["images"][repository]
    account, tag = entry["accounts"].get(region), entry["tags"].get(processor)
    if account is None or tag is None:
        return None
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"{account}.dkr.ecr.{region}.amazonaws.com{suffix}/{repository}:{tag}"
