"""Throughput and inference: what must hold whatever the constants are."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu
from tools.sizing.architectures import resolve_model
from tools.sizing.cpu import cpu_memory, cpu_run, processor_of
from tools.sizing.flops import training_work
from tools.sizing.hardware import Host, host_of
from tools.sizing.inference import (
    Serving,
    inference_memory,
    max_concurrency,
    max_context,
    serving_run,
    tensor_parallel_degrees,
)
from tools.sizing.models import ZeroStage
from tools.sizing.parts import GIB
from tools.sizing.setup import TrainingSetup
from tools.sizing.throughput import communication_bytes, step_time, training_run
from tools.sizing.weights import kv_bytes, kv_bytes_per_token, weight_bytes

STAGES: tuple[ZeroStage, ...] = (0, 1, 2, 3)
CASES = settings(max_examples=100, deadline=None, derandomize=True)


@cache
def catalogue() -> Catalogue:
    return Catalogue()


def gpu(key: str) -> Gpu:
    return catalogue().gpus[key]


def test_every_gpu_gets_a_rate() -> None:
    spec, setup = resolve_model("llama-3.2-1b"), TrainingSetup()
    for key, item in catalogue().gpus.items():
        assert training_run(spec, setup, item, Host()).tokens_per_second.expected > 0, key


def test_flops_follow_the_published_convention() -> None:
    spec = resolve_model("gpt2-xl")
    work = training_work(spec, TrainingSetup(sequence_length=1024))
    expected = 6 * spec.parameters + 12 * spec.layers * spec.hidden * 1024
    assert work.model == expected
    assert work.linear == 6 * spec.parameters


def test_checkpointing_adds_one_forward_pass() -> None:
    spec = resolve_model("gpt2-xl")
    again = training_work(spec, TrainingSetup(checkpointing=True))
    once = training_work(spec, TrainingSetup())
    assert again.linear == pytest.approx(once.linear * 4 / 3)
    assert again.model == once.model


def test_communication_follows_the_zero_paper() -> None:
    spec = resolve_model("7.5B")
    ddp = TrainingSetup(gpus=8, engine="deepspeed")
    zero3 = ddp.model_copy(update={"zero_stage": 3})
    share = 7 / 8 * 2 * spec.parameters
    assert communication_bytes(spec, ddp) == pytest.approx(2 * share)
    assert communication_bytes(spec, zero3) == pytest.approx(3 * share)
    assert communication_bytes(spec, TrainingSetup()) == 0


@given(
    key=st.sampled_from(["A100-80GB", "H100", "A10G", "L40S"]),
    stage=st.sampled_from(STAGES),
    nodes=st.sampled_from([1, 2, 8]),
    tokens=st.integers(10**6, 10**12),
)
@CASES
def test_time_and_cost_scale_with_tokens(
    key: str, stage: ZeroStage, nodes: int, tokens: int
) -> None:
    spec = resolve_model("llama-3-8b")
    setup = TrainingSetup(engine="deepspeed", zero_stage=stage, gpus=8 * nodes)
    host = Host(network_gbps=400, efa=True)
    run = training_run(spec, setup, gpu(key), host, tokens=tokens, usd_per_hour=Decimal(10))
    assert run.hours is not None and run.usd is not None
    assert run.hours.low < run.hours.expected < run.hours.high
    assert run.hours.expected * 3600 * run.tokens_per_second.expected == pytest.approx(tokens)
    assert run.usd.expected == pytest.approx(run.hours.expected * 10 * nodes)
    assert 0 < run.mfu.expected < 0.9


@given(stage=st.sampled_from(STAGES), fast=st.floats(50, 3200), share=st.floats(0.05, 0.95))
@CASES
def test_a_slower_network_never_speeds_a_run_up(
    stage: ZeroStage, fast: float, share: float
) -> None:
    spec = resolve_model("llama-3-8b")
    setup = TrainingSetup(engine="deepspeed", zero_stage=stage, gpus=32)
    quick = step_time(spec, setup, gpu("A100-40GB"), Host(network_gbps=fast))
    slow = step_time(spec, setup, gpu("A100-40GB"), Host(network_gbps=fast * share))
    assert slow.total >= quick.total


def test_offload_is_slower_and_says_so() -> None:
    spec = resolve_model("llama-2-7b")
    on = TrainingSetup(engine="deepspeed", zero_stage=3, gpus=8, checkpointing=True)
    off = on.model_copy(update={"offload": "optimizer-cpu"})
    host = Host(vcpus=96)
    fast = training_run(spec, on, gpu("A100-80GB"), host)
    slow = training_run(spec, off, gpu("A100-80GB"), host)
    assert slow.tokens_per_second.expected < fast.tokens_per_second.expected
    assert slow.bound == "offload"


@pytest.mark.parametrize(("form", "gb"), [("bf16", 14.0), ("int8", 7.0), ("int4", 3.5)])
def test_weights_are_parameters_times_bits(form: str, gb: float) -> None:
    assert weight_bytes(resolve_model("7B"), form) == gb * 1e9  # pyright: ignore[reportArgumentType]


def test_kv_cache_of_llama_3_8b_at_8k_is_one_gib() -> None:
    spec = resolve_model("llama-3-8b")
    assert kv_bytes_per_token(spec) == 131_072
    assert kv_bytes(spec, 8192) == GIB
    assert kv_bytes_per_token(resolve_model("llama-2-7b")) == 524_288
    assert kv_bytes_per_token(resolve_model("qwen2.5-72b")) == 327_680


def test_windowed_and_latent_attention_cache_less() -> None:
    gemma = resolve_model("gemma-3-27b")
    assert kv_bytes(gemma, 131_072) < kv_bytes_per_token(gemma) * 131_072 / 4
    latent = resolve_model("deepseek-v3")
    assert kv_bytes_per_token(latent) == 61 * 576 * 2


def test_kv_heads_limit_what_tensor_parallelism_saves() -> None:
    spec = resolve_model("llama-3-8b")
    assert kv_bytes(spec, 4096, tensor_parallel=16) == kv_bytes(spec, 4096, tensor_parallel=8)
    assert tensor_parallel_degrees(resolve_model("llama-3-70b"), 8) == (1, 2, 4, 8)
    assert tensor_parallel_degrees(resolve_model("gpt2-xl"), 8) == (1,)


@given(
    usable=st.floats(14, 180),
    context=st.sampled_from([512, 4096, 32_768]),
    form=st.sampled_from(["bf16", "fp8", "int4", "awq"]),
)
@CASES
def test_what_is_called_concurrent_fits_and_one_more_does_not(
    usable: float, context: int, form: str
) -> None:
    spec = resolve_model("llama-3.1-8b")
    serving = Serving(weights=form, context=context)  # pyright: ignore[reportArgumentType]
    most = max_concurrency(spec, serving, usable)
    longest = max_context(spec, serving, usable)
    assert (most >= 1) == (longest >= context)
    if most:
        full = inference_memory(spec, serving._replace(concurrency=most), usable)
        assert full.peak_gib <= full.budget_gib * 1.02
        over = inference_memory(spec, serving._replace(concurrency=most + 2), usable)
        assert not over.fits


def test_a_batch_raises_the_total_and_lowers_the_price() -> None:
    spec, item = resolve_model("llama-3-8b"), gpu("L40S")

    def run(concurrency: int) -> tuple[float, float]:
        serving = Serving(context=2048, concurrency=concurrency)
        found = serving_run(spec, serving, item, gpu_usable_gib=44.3, usd_per_hour=Decimal("2.0"))
        assert found.usd_per_million_tokens is not None
        return found.tokens_per_second_total.expected, found.usd_per_million_tokens.expected

    rates = [run(count) for count in (1, 4, 16, 64)]
    assert [rate for rate, _ in rates] == sorted(rate for rate, _ in rates)
    assert [usd for _, usd in rates] == sorted((usd for _, usd in rates), reverse=True)


def test_one_stream_on_a100_is_near_the_published_rate() -> None:
    found = serving_run(
        resolve_model("llama-3.1-8b"),
        Serving(context=1152),
        gpu("A100-40GB"),
        gpu_usable_gib=39.4,
        prompt_tokens=1024,
    )
    assert found.tokens_per_second_user.low <= 75 <= found.tokens_per_second_user.high


def test_c_instances_serve_small_models() -> None:
    spec, item = resolve_model("llama-3.2-3b"), catalogue().types["c7i.8xlarge"]
    serving = Serving(weights="int4", context=2048)
    memory = cpu_memory(spec, serving, item)
    run = cpu_run(spec, serving, item, usd_per_hour=Decimal("1.5"))
    assert memory.fits and run is not None
    assert run.tokens_per_second_user.low < run.tokens_per_second_user.high
    assert processor_of(catalogue().types["c6gn.4xlarge"]) is not None
    assert host_of(item).vcpus == 32
