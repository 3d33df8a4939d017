"""Workload: what a question says about a model to train or to serve."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

Task = Literal["train", "infer"]


@dataclass(frozen=True, slots=True)
class Workload:
    """What a question says about a model, its training and its serving. None: not said."""

    model: str | None = None
    """The model as it was written, or the text of a config.json."""
    task: Task | None = None
    asks: frozenset[str] = frozenset()
    """What is asked for, by key of [asks] in workload.toml."""
    method: str | None = None
    optimizer: str | None = None
    engine: str | None = None
    precision: str | None = None
    attention: str | None = None
    weights: str | None = None
    kv_format: str | None = None
    zero_stage: int | None = None
    offload: str | None = None
    checkpointing: bool | None = None
    liger: bool | None = None
    compile: bool | None = None
    spot: bool | None = None
    length: int | None = None
    """Tokens of a sequence (training) or of a request (serving)."""
    micro_batch: int | None = None
    global_batch: int | None = None
    tokens: int | None = None
    samples: int | None = None
    epochs: float | None = None
    lora_rank: int | None = None
    gpus: int | None = None
    concurrency: int | None = None
    tensor_parallel: int | None = None
    deadline_hours: float | None = None

    @property
    def said(self) -> dict[str, Any]:
        """Everything that was said but the task and what is asked."""
        return {
            item.name: value
            for item in fields(self)
            if item.name not in ("task", "asks") and (value := getattr(self, item.name)) is not None
        }

    @property
    def empty(self) -> bool:
        """Whether nothing about a workload was said."""
        return not self.said and self.task is None


NO_WORKLOAD = Workload()


def continued(workload: Workload, before: Workload) -> Workload:
    """Return a follow-up's workload, with what it leaves unsaid from the question before."""
    kept = before.said | workload.said
    dropped = {
        "offload": workload.method and workload.method != before.method,
        "weights": workload.model and workload.model != before.model,
    }
    kept = {
        key: value for key, value in kept.items() if key in workload.said or not dropped.get(key)
    }
    asks = workload.asks - {"which"} or before.asks
    return replace(Workload(**kept), task=workload.task or before.task, asks=asks)
