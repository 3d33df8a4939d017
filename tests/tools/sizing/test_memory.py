"""Training memory: exact where a paper is exact, ordered and monotone everywhere."""

from __future__ import annotations

import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.sizing.architectures import named_models, resolve_model
from tools.sizing.host import host_ram_gib, nvme_gb
from tools.sizing.memory import model_states_gb, training_memory, training_peak_gib
from tools.sizing.models import ModelSpec, ZeroStage
from tools.sizing.parts import GIB
from tools.sizing.setup import TrainingSetup, lora_parameters, weight_bytes

CASES = settings(max_examples=120, deadline=None, derandomize=True)


@cache
def decoders() -> list[ModelSpec]:
    return [spec for spec in named_models() if spec.kind == "decoder"]


setups = st.builds(
    TrainingSetup,
    method=st.sampled_from(["full", "lora", "qlora"]),
    engine=st.sampled_from(["trainer", "deepspeed", "fsdp"]),
    optimizer=st.sampled_from(["adamw", "adamw-8bit", "adafactor", "sgd"]),
    precision=st.sampled_from(["bf16", "fp16", "fp32"]),
    attention=st.sampled_from(["sdpa", "eager", "flash_attention_2"]),
    zero_stage=st.integers(0, 3),
    offload=st.sampled_from(["none", "optimizer-cpu", "optimizer-param-cpu", "all-nvme"]),
    checkpointing=st.booleans(),
    liger=st.booleans(),
    compile=st.booleans(),
    sequence_length=st.sampled_from([16, 512, 2048, 8192, 131_072]),
    micro_batch=st.integers(1, 64),
    accumulation=st.sampled_from([1, 8]),
    gpus=st.sampled_from([1, 2, 8, 64]),
)
models = st.deferred(lambda: st.sampled_from(decoders()))


@pytest.mark.parametrize(("stage", "gb"), [(0, 120), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_the_table_of_the_zero_paper_is_met(stage: ZeroStage, gb: float) -> None:
    setup = TrainingSetup(engine="deepspeed", zero_stage=stage, gpus=64)
    assert round(model_states_gb(resolve_model("7.5B"), setup), 1) == gb


def test_a_bf16_checkpoint_takes_8_bytes_in_the_trainer_and_16_in_deepspeed() -> None:
    spec = resolve_model("llama-3.2-3b")
    plain = model_states_gb(spec, TrainingSetup())
    scaled = model_states_gb(spec, TrainingSetup(engine="deepspeed"))
    assert plain * 1e9 == 8 * spec.parameters
    assert scaled * 1e9 == 16 * spec.parameters


def test_fp16_mixed_precision_needs_fp32_weights_in_the_trainer() -> None:
    spec = resolve_model("llama-3.2-3b")
    assert weight_bytes(spec, TrainingSetup(precision="fp16")) == 4
    assert model_states_gb(spec, TrainingSetup(precision="fp16")) * 1e9 == 16 * spec.parameters


def test_lora_counts_of_published_configurations() -> None:
    llama = resolve_model("llama-2-7b")
    rank8 = TrainingSetup(method="lora", lora_rank=8, lora_targets="query-value")
    assert lora_parameters(llama, rank8) == 4_194_304
    rank64 = TrainingSetup(method="lora", lora_rank=64)
    assert lora_parameters(llama, rank64) == 159_907_840
    small = TrainingSetup(method="lora", lora_rank=32, lora_targets="query-value")
    assert lora_parameters(resolve_model("llama-3.2-3b"), small) == 9_175_040


def test_nf4_weights_take_half_a_byte_and_the_rest_stays() -> None:
    spec = resolve_model("llama-2-7b")
    memory = training_memory(spec, TrainingSetup(method="qlora", checkpointing=True), 22.0)
    weights = next(term.gib for term in memory.terms if term.key == "parameters")
    rest = spec.parameters - spec.linear_parameters
    adapters = lora_parameters(spec, TrainingSetup(method="qlora"))
    assert weights * GIB == pytest.approx(0.5 * spec.linear_parameters + 4 * (rest + adapters))


@given(spec=models, setup=setups)
@CASES
def test_terms_add_up_to_the_peak(spec: ModelSpec, setup: TrainingSetup) -> None:
    memory = training_memory(spec, setup, 79.1)
    assert sum(term.gib for term in memory.terms) == pytest.approx(memory.peak_gib)
    assert memory.allocated_gib <= memory.reserved_gib <= memory.peak_gib
    assert memory.peak_gib == pytest.approx(training_peak_gib(spec, setup))
    assert all(term.gib > 0 and term.formula for term in memory.terms)


@given(spec=models, setup=setups, factor=st.integers(2, 4))
@CASES
def test_memory_grows_with_batch_and_sequence(
    spec: ModelSpec, setup: TrainingSetup, factor: int
) -> None:
    base = training_peak_gib(spec, setup)
    batch = setup.model_copy(update={"micro_batch": setup.micro_batch * factor})
    longer = setup.model_copy(update={"sequence_length": setup.sequence_length * factor})
    assert training_peak_gib(spec, batch) >= base
    assert training_peak_gib(spec, longer) >= base


@given(
    setup=setups,
    pair=st.lists(st.floats(1.5e8, 4e11), min_size=2, max_size=2, unique=True),
)
@CASES
def test_memory_grows_with_parameters(setup: TrainingSetup, pair: list[float]) -> None:
    small, large = (round(size, -7) for size in sorted(pair))
    if large < 1.3 * small:
        return
    few = resolve_model(f"{small / 1e6:.0f}M")
    many = resolve_model(f"{large / 1e6:.0f}M")
    assert training_peak_gib(few, setup) < training_peak_gib(many, setup) * 1.02


@given(spec=models, setup=setups)
@CASES
def test_model_states_shrink_with_the_zero_stage(spec: ModelSpec, setup: TrainingSetup) -> None:
    setup = setup.model_copy(update={"engine": "deepspeed", "offload": "none"})
    sizes = [
        model_states_gb(spec, setup.model_copy(update={"zero_stage": stage}))
        for stage in (0, 1, 2, 3)
    ]
    assert sizes == sorted(sizes, reverse=True)
    if setup.gpus > 1 and setup.method == "full":
        assert sizes[0] > sizes[2] > sizes[3]


@given(spec=models, setup=setups)
@CASES
def test_offload_and_checkpointing_never_need_more(spec: ModelSpec, setup: TrainingSetup) -> None:
    kept = setup.model_copy(update={"offload": "none"})
    assert training_peak_gib(spec, setup) <= training_peak_gib(spec, kept) * (1 + 1e-9)
    plain = setup.model_copy(update={"checkpointing": False})
    saved = setup.model_copy(update={"checkpointing": True})
    if spec.layers >= 4:
        assert training_peak_gib(spec, saved) <= training_peak_gib(spec, plain) * (1 + 1e-9)


def test_offload_moves_the_states_to_the_host() -> None:
    spec = resolve_model("llama-2-7b")
    on = TrainingSetup(engine="deepspeed", zero_stage=3, gpus=8)
    off = on.model_copy(update={"offload": "optimizer-cpu"})
    disk = on.model_copy(update={"offload": "all-nvme"})
    assert host_ram_gib(spec, off) - host_ram_gib(spec, on) > 16 * spec.parameters / GIB
    assert nvme_gb(spec, on) == nvme_gb(spec, off) == 0
    assert nvme_gb(spec, disk) == pytest.approx(18 * spec.parameters / 1e9)
    assert host_ram_gib(spec, disk) < host_ram_gib(spec, off)


def test_a_breakdown_takes_less_than_a_fifth_of_a_millisecond() -> None:
    spec = resolve_model("llama-3-8b")
    setup = TrainingSetup(engine="deepspeed", zero_stage=3, gpus=8, checkpointing=True)
    times: list[float] = []
    for _ in range(200):
        start = time.perf_counter()
        training_memory(spec, setup, 79.1)
        times.append(time.perf_counter() - start)
    assert sorted(times)[len(times) // 2] < 0.0002
