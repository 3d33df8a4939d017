"""Plans for serving: what fits, how many requests at once, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue, load_catalogue
from tools.sizing.model_memory import ModelMemoryRequest, model_memory
from tools.sizing.models import InferencePlan, InferenceRefusal, InferenceRequest
from tools.sizing.serve import plan_inference

TOKYO = "ap-northeast-1"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The packaged catalogue."""
    return load_catalogue()


def serve(catalogue: Catalogue, **given: Any) -> InferencePlan | InferenceRefusal:
    """Return the plan or refusal."""
    return plan_inference(catalogue, InferenceRequest.model_validate({"region": TOKYO, **given}))


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({"model": "llama-3-8b", "weights": "bf16", "instance": "g5.xlarge"}, True),
        ({"model": "llama-2-13b", "weights": "fp16", "instance": "g5.xlarge"}, False),
        ({"model": "llama-2-13b", "weights": "fp16", "instance": "g6e.xlarge"}, True),
        ({"model": "70B", "weights": "fp16", "instance": "p5.4xlarge"}, False),
        ({"model": "70B", "weights": "fp16", "instance": "p4d.24xlarge"}, True),
        ({"model": "llama-3.3-70b", "weights": "int4", "instance": "g7e.2xlarge"}, True),
        ({"model": "llama-3.1-405b", "weights": "bf16", "instance": "p5.48xlarge"}, False),
        ({"model": "llama-3.1-405b", "weights": "fp8", "instance": "p5.48xlarge"}, True),
        ({"model": "llama-3-8b", "weights": "fp16", "instance": "g4dn.xlarge"}, False),
        ({"model": "mixtral-8x7b", "weights": "bf16", "instance": "g6e.xlarge"}, False),
    ],
    ids=lambda value: str(value),
)
def test_what_fits_fits(catalogue: Catalogue, given: dict[str, Any], fits: bool) -> None:
    found = serve(catalogue, **given)
    assert isinstance(found, InferencePlan) is fits
    if isinstance(found, InferencePlan):
        assert found.memory.peak_gib <= found.memory.budget_gib


def test_70b_in_16_bits_is_served_by_the_cheapest_machine(catalogue: Catalogue) -> None:
    found = serve(catalogue, model="70B", weights="fp16")
    assert isinstance(found, InferencePlan)
    assert found.placement.instance.name == "g7e.12xlarge"
    assert found.tensor_parallel == 2


def test_more_context_means_fewer_requests(catalogue: Catalogue) -> None:
    counts: list[int] = []
    for context in (2048, 4096, 8192):
        found = serve(catalogue, model="qwen2.5-7b", instance="g6.xlarge", context=context)
        assert isinstance(found, InferencePlan)
        counts.append(found.run.max_concurrency)
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] > 0


def test_requests_that_do_not_fit_at_once_are_refused(catalogue: Catalogue) -> None:
    found = serve(catalogue, model="llama-3-8b", instance="g5.xlarge", concurrency=500)
    assert isinstance(found, InferenceRefusal)
    assert found.smallest_change is not None


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"weights": "bf16", "instance": "g4dn.xlarge"}, "bf16"),
        ({"weights": "fp8", "instance": "g5.xlarge"}, "FP8"),
        ({"instance": "p3dn.24xlarge"}, "kernels"),
        ({"instance": "p5e.48xlarge"}, "not offered"),
    ],
    ids=lambda value: str(value),
)
def test_what_cannot_be_is_refused_with_others(
    catalogue: Catalogue, given: dict[str, Any], word: str
) -> None:
    found = serve(catalogue, model="llama-3-8b", **given)
    assert isinstance(found, InferenceRefusal)
    assert word in found.reason.en
    assert found.alternatives


def test_a_c_instance_serves_on_its_cpu(catalogue: Catalogue) -> None:
    found = serve(catalogue, model="llama-3-8b", instance="c7i.8xlarge")
    assert isinstance(found, InferencePlan)
    assert found.placement.gpu is None
    assert found.tensor_parallel == 0


def test_the_cache_of_llama_3_8b_at_8k_is_one_gib(catalogue: Catalogue) -> None:
    found = model_memory(catalogue, ModelMemoryRequest(model="llama-3-8b", context=8192))
    assert found.kv_gib == 1.0
    assert found.kv_bytes_per_token == 131_072


def test_weights_are_parameters_times_bytes(catalogue: Catalogue) -> None:
    found = model_memory(catalogue, ModelMemoryRequest(model="7B"))
    sizes = {size.format: size.gb for size in found.weights}
    assert (sizes["bf16"], sizes["int8"], sizes["int4"]) == (14.0, 7.0, 3.5)


def test_a_table_compares_whole_instances(catalogue: Catalogue) -> None:
    """The price of an hour buys all replicas: cost of a million tokens follows from the row."""
    request = InferenceRequest(model="llama-3.1-405b", region=TOKYO, weights="fp8")
    found = plan_inference(catalogue, request)
    assert isinstance(found, InferencePlan)
    assert found.alternatives
    for item in found.alternatives:
        assert item.usd_per_hour is not None
        assert item.usd_per_million_tokens is not None
        hourly = float(item.usd_per_hour) / 3600 / item.tokens_per_second_total * 1e6
        assert hourly == pytest.approx(float(item.usd_per_million_tokens), rel=0.01)


@pytest.mark.parametrize("instance", ["g4ad.xlarge", "p2.xlarge", "p3.2xlarge"])
def test_gpus_without_current_kernels_are_refused_with_others(
    catalogue: Catalogue, instance: str
) -> None:
    request = InferenceRequest(model="llama-3.1-8b", region=TOKYO, instance=instance)
    found = plan_inference(catalogue, request)
    assert isinstance(found, InferenceRefusal)
    assert found.alternatives
