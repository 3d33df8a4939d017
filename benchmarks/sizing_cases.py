"""Published runs as cases of the sizing engine. Read by benchmarks/sizing.py and its test."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu
from tools.sizing.architectures import build_spec, resolve_model
from tools.sizing.hardware import Flash, Host
from tools.sizing.models import ModelSpec
from tools.sizing.parameters import Dimensions
from tools.sizing.setup import TrainingSetup
from tools.sizing.throughput import Stack

DATA = Path(__file__).parent / "data"
Row = dict[str, str]


@dataclass(frozen=True)
class Case:
    """One published run."""

    row: Row
    spec: ModelSpec
    setup: TrainingSetup
    gpu: Gpu

    @property
    def source(self) -> str:
        """Where it was published."""
        return self.row["source"]

    @property
    def stack(self) -> Stack:
        """The software of a throughput row."""
        return "tuned" if self.row["stack"] == "tuned" else "transformers"

    @property
    def flash(self) -> Flash:
        """Generation of its attention kernels."""
        return 1 if self.row["flash"] == "1" else 3 if self.row["flash"] == "3" else 2

    @property
    def host(self) -> Host:
        """Its host: all multi-node rows ran on RDMA networks, which EFA stands for."""
        vcpus, network = self.row["vcpus"], self.row["network_gbps"]
        return Host(vcpus=int(vcpus or 96), network_gbps=float(network or 100), efa=True)


def rows(name: str) -> list[Row]:
    """Return the rows of a file under benchmarks/data."""
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def cases(name: str) -> Iterator[Case]:
    """Yield the rows that are not excluded, as cases."""
    for row in rows(name):
        if not row["excluded"]:
            yield build_case(row)


def build_case(row: Row) -> Case:
    """Return the case of a row."""
    spec = _extra_models().get(row["model"]) or resolve_model(row["model"])
    if row.get("fused_activation"):
        spec = spec.model_copy(update={"fused_activation": True})
    if row.get("untied_head") and spec.tied_embeddings:
        embedding = spec.embedding_parameters
        spec = spec.model_copy(
            update={
                "tied_embeddings": False,
                "parameters": spec.parameters + embedding,
                "embedding_parameters": 2 * embedding,
            }
        )
    return Case(row=row, spec=spec, setup=_setup(row), gpu=_gpus()[row["gpu"]])


def _setup(row: Row) -> TrainingSetup:
    fields: dict[str, Any] = {}
    for name in TrainingSetup.model_fields:
        value = row.get(name, "")
        if value:
            fields[name] = {"true": True, "false": False}.get(value, value)
    fields["zero_stage"] = int(row.get("zero_stage") or 0)
    return TrainingSetup.model_validate(fields)


@cache
def _gpus() -> dict[str, Gpu]:
    return dict(Catalogue().gpus)


@cache
def _extra_models() -> dict[str, ModelSpec]:
    """Return models that only published runs need (the MPT family of llm-foundry)."""
    items = json.loads((DATA / "models.json").read_text(encoding="utf-8"))
    return {
        item["name"]: build_spec(item["name"], Dimensions.model_validate(item["dims"]))
        for item in items
    }
