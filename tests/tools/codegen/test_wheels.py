"""Pinned versions are those that the tests run; a torch is chosen that has kernels for the GPU."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

from knowledge.ec2.catalogue import Catalogue
from tools.codegen.wheels import torch_for, versions
from tools.codegen.workloads.model_types import model_type_of, model_types


@pytest.mark.parametrize(("name", "pinned"), versions().items())
def test_bundles_pin_what_is_installed_here(name: str, pinned: str) -> None:
    try:
        installed = version(name).partition("+")[0]
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed (extra: bundles)")
    assert installed == pinned


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        ("p4d.24xlarge", "2.13.0"),
        ("g4dn.xlarge", "2.13.0"),
        ("g6.xlarge", "2.13.0"),
        ("p6-b200.48xlarge", "2.13.0"),
        ("p3.16xlarge", "2.10.0"),
        ("g5g.xlarge", None),
    ],
)
def test_the_wheel_has_kernels_for_the_gpu(
    catalogue: Catalogue, instance: str, expected: str | None
) -> None:
    item = catalogue.types[instance]
    wheel = torch_for(catalogue.gpu_of(item), item.arch)
    assert (wheel.version if wheel else None) == expected
    if wheel:
        assert wheel.tested == (wheel.version == versions()["torch"])


def test_every_model_type_has_a_tiny_model_that_trains() -> None:
    """One forward and backward pass of each class, and the projections that LoRA names."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    for kind in model_types():
        config = transformers.AutoConfig.for_model(kind.key, vocab_size=203, **kind.tiny)
        model = transformers.AutoModelForCausalLM.from_config(config)
        ids = torch.randint(3, 203, (2, 16))
        model(input_ids=ids, labels=ids).loss.backward()
        names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
        assert set(kind.attention) <= names, kind.key


@pytest.mark.parametrize(
    ("repository", "key"),
    [
        ("openai-community/gpt2-xl", "gpt2"),
        ("meta-llama/Llama-3.1-8B", "llama"),
        ("Qwen/Qwen2.5-7B", "qwen2"),
        ("Qwen/Qwen3-30B-A3B", "qwen3_moe"),
        ("google/gemma-2-9b", "gemma2"),
        ("google/gemma-2b", "gemma"),
        ("microsoft/phi-4", "phi3"),
        ("Qwen/Qwen-7B", None),
        ("someone/unknown", None),
    ],
)
def test_a_repository_has_the_type_of_its_name(repository: str, key: str | None) -> None:
    kind = model_type_of(repository)
    assert (kind.key if kind else None) == key
