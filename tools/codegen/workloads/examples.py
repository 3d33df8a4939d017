"""Models that stand in for a bare size (`7B`): code needs weights that can be downloaded."""

from __future__ import annotations

from tools.sizing.models import ModelSpec

_REPOSITORIES = (
    "Qwen/Qwen2.5-",
    "Qwen/Qwen3-",
    "meta-llama/Llama-3",
    "meta-llama/Meta-Llama-3",
)
TOLERANCE = 0.15
"""How far the example's size may be from the one that was asked for."""


def example_of(size: ModelSpec) -> str | None:
    """Return the name of the model nearest to a size, if there is one near enough."""
    from tools.sizing.architectures import named_models

    near = [
        spec
        for spec in named_models()
        if spec.hf_id
        and spec.hf_id.startswith(_REPOSITORIES)
        and abs(spec.parameters / size.parameters - 1) <= TOLERANCE
    ]
    near.sort(key=lambda spec: abs(spec.parameters - size.parameters))
    return near[0].name if near else None
