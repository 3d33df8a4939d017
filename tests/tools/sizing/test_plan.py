"""Plans for training: what fits, what does not, and that a plan never promises too much."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue, load_catalogue
from tools.errors import ToolInputError
from tools.sizing.model_memory import ModelMemory
from tools.sizing.models import TrainingPlan, TrainingRefusal, TrainingRequest
from tools.sizing.plan import plan_training

TOKYO = "ap-northeast-1"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The packaged catalogue."""
    return load_catalogue()


def plan(catalogue: Catalogue, **given: Any) -> TrainingPlan:
    """Return a plan; fail on a refusal."""
    found = plan_training(catalogue, TrainingRequest.model_validate({"region": TOKYO, **given}))
    assert isinstance(found, TrainingPlan), found
    return found


def refusal(catalogue: Catalogue, **given: Any) -> TrainingRefusal:
    """Return a refusal; fail on a plan."""
    found = plan_training(catalogue, TrainingRequest.model_validate({"region": TOKYO, **given}))
    assert isinstance(found, TrainingRefusal), found
    return found


def test_7b_fits_a_g5_xlarge_with_qlora(catalogue: Catalogue) -> None:
    found = plan(catalogue, model="7B", method="qlora", instance="g5.xlarge")
    assert found.memory.fits
    assert found.placement.gpus == 1
    assert found.engine == "trainer"
    assert found.precision == "bf16"


def test_7b_in_full_does_not_fit_a_g5_xlarge(catalogue: Catalogue) -> None:
    found = refusal(catalogue, model="7B", instance="g5.xlarge")
    assert found.memory is not None
    assert not found.memory.fits
    assert found.memory.dominating.key == "optimizer"
    assert found.smallest_change is not None
    assert "LoRA" in found.smallest_change.en
    assert len(found.alternatives) == 3
    prices = [item.usd_per_hour for item in found.alternatives]
    assert prices == sorted(price for price in prices if price is not None)


def test_the_smallest_change_fits_when_it_is_made(catalogue: Catalogue) -> None:
    assert refusal(catalogue, model="7B", instance="g5.xlarge").smallest_change is not None
    assert plan(catalogue, model="7B", instance="g5.xlarge", method="lora").memory.fits


def test_70b_in_full_needs_several_instances_without_offload(catalogue: Catalogue) -> None:
    found = plan(catalogue, model="llama-3-70b")
    assert found.placement.instances > 1
    assert found.zero_stage == 3
    assert found.offload == "none"
    assert found.placement.efa
    assert found.environment["NCCL_SOCKET_IFNAME"] == "en"
    assert "FI_PROVIDER" not in found.environment
    fewer = found.placement.instances - 1
    assert any(f"{fewer} instances" in item.what.en for item in found.rejected)


def test_placements_stand_in_the_order_that_their_caption_names(catalogue: Catalogue) -> None:
    several = plan(catalogue, model="llama-3-70b")
    rows = [several.per_billion, *several.alternatives]
    assert several.per_billion is not None
    assert several.per_billion.usd is not None
    costs = [item.usd_per_billion for item in several.alternatives if item.usd_per_billion]
    assert len(rows) == len(costs) + 1
    assert costs == sorted(costs)
    assert Decimal(str(several.per_billion.usd.expected)) <= costs[0]
    assert "cost of a token" in several.choices[0].why.en
    single = plan(catalogue, model="llama-3-8b")
    rates = [item.usd_per_hour for item in single.alternatives if item.usd_per_hour]
    assert single.placement.usd_per_hour is not None
    assert [single.placement.usd_per_hour, *rates] == sorted(
        [single.placement.usd_per_hour, *rates]
    )
    assert "hourly price" in single.choices[0].why.en
    named = plan(catalogue, model="llama-3-8b", instance="p5.4xlarge")
    assert "price" not in named.choices[0].why.en


def test_types_without_efa_are_never_called_a_cluster(catalogue: Catalogue) -> None:
    found = plan(catalogue, model="qwen2.5-0.5b", instance="g5.4xlarge", instances=2)
    assert not found.placement.efa
    assert any("TCP" in warning.en for warning in found.warnings)
    assert not any("placement group" in warning.en for warning in found.warnings)


def test_the_batch_is_micro_batch_times_accumulation_times_gpus(catalogue: Catalogue) -> None:
    found = plan(catalogue, model="llama-3-8b", instance="p4d.24xlarge", global_batch=128)
    product = found.micro_batch * found.accumulation * found.placement.gpus
    assert found.global_batch == product == 128


def test_old_gpus_get_fp16_and_sdpa(catalogue: Catalogue) -> None:
    found = plan(catalogue, model="1.3B", method="lora", instance="g4dn.xlarge")
    assert (found.precision, found.attention) == ("fp16", "sdpa")
    assert any("bf16" in item.why.en for item in found.choices)


@pytest.mark.parametrize(
    ("given", "instance", "word"),
    [
        ({"precision": "bf16"}, "p3dn.24xlarge", "bf16"),
        ({"precision": "bf16"}, "g4dn.xlarge", "bf16"),
        ({"attention": "flash_attention_2"}, "g4dn.xlarge", "FlashAttention-2"),
        ({"instances": 2}, "g6f.xlarge", "part of a GPU"),
    ],
)
def test_what_the_gpu_cannot_do_is_refused_with_a_way_out(
    catalogue: Catalogue, given: dict[str, Any], instance: str, word: str
) -> None:
    found = refusal(catalogue, model="1.3B", method="lora", instance=instance, **given)
    assert word in found.reason.en
    assert found.smallest_change is not None
    assert found.memory is None


def test_a_part_of_a_gpu_has_its_part_of_the_memory(catalogue: Catalogue) -> None:
    found = plan(catalogue, model="gpt2", method="lora", instance="g6f.xlarge")
    gpu = found.placement.gpu
    assert gpu is not None
    assert gpu.usable_gib is not None
    assert found.memory.usable_gib < gpu.usable_gib / 7


def test_what_the_region_does_not_offer_is_named_with_the_nearest_region(
    catalogue: Catalogue,
) -> None:
    found = refusal(catalogue, model="llama-3-70b", method="lora", instance="p5e.48xlarge")
    assert "not offered in Asia Pacific (Tokyo)" in found.reason.en
    assert "nearest region" in found.reason.en
    assert found.alternatives


def test_tokens_give_time_and_cost_with_their_uncertainty(catalogue: Catalogue) -> None:
    found = plan(catalogue, model="llama-3-8b", instance="p5.48xlarge", tokens=10**10)
    hours, usd = found.run.hours, found.run.usd
    assert hours is not None
    assert usd is not None
    assert hours.low < hours.expected < hours.high
    rate = found.placement.usd_per_hour
    assert rate is not None
    assert usd.expected == pytest.approx(hours.expected * float(rate), rel=0.01)


def test_epochs_of_samples_become_tokens(catalogue: Catalogue) -> None:
    found = plan(
        catalogue, model="7B", method="lora", instance="g6e.xlarge", samples=1000, epochs=3
    )
    assert found.run.tokens == 1000 * found.sequence_length * 3


def test_a_deadline_adds_instances(catalogue: Catalogue) -> None:
    given: dict[str, Any] = {"model": "llama-3-8b", "instance": "p5.48xlarge", "tokens": 10**11}
    alone = plan(catalogue, **given)
    assert alone.run.hours is not None
    hours = alone.run.hours.expected / 3
    faster = plan(catalogue, **given, deadline_hours=hours)
    assert faster.placement.instances > alone.placement.instances
    assert faster.run.hours is not None
    assert faster.run.hours.expected <= hours


def test_a_budget_that_is_too_small_is_refused(catalogue: Catalogue) -> None:
    found = refusal(catalogue, model="llama-3-70b", tokens=10**12, budget_usd=Decimal(1000))
    assert "budget of 1,000 USD" in found.reason.en


def test_a_budget_in_yen_needs_a_rate(catalogue: Catalogue) -> None:
    given: dict[str, Any] = {"model": "7B", "method": "lora", "tokens": 10**9, "budget_jpy": 10_000}
    assert any("yen" in warning.en for warning in plan(catalogue, **given).warnings)
    assert "67 USD" in refusal(catalogue, **given, jpy_per_usd=150).reason.en


def test_an_unknown_model_is_refused_with_names(catalogue: Catalogue) -> None:
    with pytest.raises(ToolInputError):
        plan(catalogue, model="llama 9 3B")


@pytest.mark.parametrize(
    ("stage", "gb"), [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)], ids=lambda v: str(v)
)
def test_the_table_of_the_zero_paper_is_reproduced(
    catalogue: Catalogue, stage: Any, gb: float
) -> None:
    request = TrainingRequest(model="7.5B", region=TOKYO, gpus=64, states_only=True)
    found = plan_training(catalogue, request)
    assert isinstance(found, ModelMemory)
    assert next(s.gb for s in found.states if s.stage == stage) == pytest.approx(gb, abs=0.05)


GRID = [
    {"model": model, "method": method, "instance": instance, "sequence_length": length}
    for model in ("gpt2-xl", "llama-3-8b", "13B", "llama-3-70b")
    for method in ("full", "lora", "qlora")
    for instance in ("g5.xlarge", "g6e.12xlarge", "p4d.24xlarge", "p5.48xlarge")
    for length in (2048, 16384)
]


@pytest.mark.parametrize("given", GRID, ids=lambda given: "-".join(map(str, given.values())))
def test_a_plan_never_fills_more_than_its_budget(
    catalogue: Catalogue, given: dict[str, Any]
) -> None:
    found = plan_training(catalogue, TrainingRequest.model_validate({"region": TOKYO, **given}))
    if isinstance(found, TrainingPlan):
        assert found.memory.peak_gib <= found.memory.budget_gib
        assert found.host_ram_gib <= found.placement.instance.memory_gib
        assert sum(term.gib for term in found.memory.terms) == pytest.approx(
            found.memory.peak_gib, abs=0.01
        )
    assert isinstance(found, TrainingPlan | TrainingRefusal)
    for item in found.alternatives:
        assert item.peak_gib <= item.usable_gib


def test_more_memory_never_turns_a_plan_into_a_refusal(catalogue: Catalogue) -> None:
    fits = [
        isinstance(
            plan_training(
                catalogue,
                TrainingRequest(model="13B", method="lora", region=TOKYO, instance=name),
            ),
            TrainingPlan,
        )
        for name in ("g5.xlarge", "g6e.xlarge", "g7e.2xlarge")
    ]
    assert fits == sorted(fits)


def test_a_plan_takes_well_under_half_a_second(catalogue: Catalogue) -> None:
    """The bars (50 and 300 ms) are measured by benchmarks/plan.py; this catches slips."""
    started = time.perf_counter()
    plan(catalogue, model="llama-3-8b", method="lora")
    assert time.perf_counter() - started < 2


def test_training_on_cpus_is_refused_with_a_way_out(catalogue: Catalogue) -> None:
    refused = refusal(catalogue, model="7B", instance="c7i.xlarge", method="lora")
    assert "GPU" in refused.reason.ja
    assert refused.alternatives
