"""Serving a model on GPUs: memory, concurrency, speed and cost.

Memory follows vLLM 0.33: a share of the GPU (0.92) holds weights, the activations of a profiling
run, CUDA graphs and, with what is left, the KV cache in blocks of 16 tokens. Speed is a roofline:
decoding reads all weights and the live KV cache once a step, prefill computes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.sizing.flops import attention_flops, matmul_parameters
from tools.sizing.hardware import half_peak_tflops, sustained
from tools.sizing.memory import as_terms
from tools.sizing.models import InferenceRun, MemoryBreakdown, ModelSpec, Range, WeightFormat
from tools.sizing.parts import GIB, Part, amount, size_of
from tools.sizing.weights import (
    KvFormat,
    kv_bytes,
    kv_bytes_per_token,
    quantization_bytes,
    read_per_step,
    weight_bytes,
)

UTILIZATION = 0.92
"""gpu_memory_utilization of vLLM 0.33 (config/cache.py)."""
BLOCK_TOKENS = 16
OUTSIDE_GIB = 1.5
"""CUDA context, NCCL and CUDA graphs (vLLM 0.33 counts graphs in: 0.3 to 1.5 GiB)."""
BANDWIDTH_SHARE = Range(low=0.6, expected=0.77, high=0.85)
"""Of the memory bandwidth in decoding: vLLM on A100 reaches 0.75 to 0.85."""
PREFILL_SHARE = Range(low=0.35, expected=0.5, high=0.65)
"""Of the dense peak in prefill."""
ALL_REDUCE_SECONDS = {True: 12e-6, False: 40e-6}
"""Latency of one small all-reduce, with and without NVLink (estimate)."""


class Serving(NamedTuple):
    """How a model is served."""

    weights: WeightFormat = "bf16"
    kv_format: KvFormat = "bf16"
    tensor_parallel: int = 1
    context: int = 4096
    """Tokens of one request, prompt and answer."""
    concurrency: int = 1
    utilization: float = UTILIZATION


def inference_memory(spec: ModelSpec, serving: Serving, gpu_usable_gib: float) -> MemoryBreakdown:
    """Return the memory of one GPU for this many requests of full context."""
    fixed = _fixed(spec, serving, gpu_usable_gib)
    one = _request_bytes(spec, serving)
    cache = Part(
        "kv_cache",
        one * serving.concurrency,
        f"{kv_bytes_per_token(spec, serving.kv_format)} B × {amount(serving.context)} × "
        f"{serving.concurrency}{_over(serving.tensor_parallel)}",
    )
    overhead = Part("overhead", OUTSIDE_GIB * GIB, f"{OUTSIDE_GIB} GiB")
    inside = size_of([*fixed, cache])
    return MemoryBreakdown(
        terms=as_terms([*fixed, cache, overhead]),
        allocated_gib=inside / GIB,
        reserved_gib=inside / GIB,
        peak_gib=inside / GIB + OUTSIDE_GIB,
        usable_gib=gpu_usable_gib,
        budget_gib=serving.utilization * gpu_usable_gib,
    )


def max_concurrency(spec: ModelSpec, serving: Serving, gpu_usable_gib: float) -> int:
    """Return the requests of full context whose KV cache fits at once; 0 if not even one."""
    return max(int(_cache_room(spec, serving, gpu_usable_gib) // _request_bytes(spec, serving)), 0)


def max_context(spec: ModelSpec, serving: Serving, gpu_usable_gib: float) -> int:
    """Return the longest request that fits alone, within what the model can address."""
    room = _cache_room(spec, serving, gpu_usable_gib)
    limit = spec.max_positions or 10_000_000
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        size = kv_bytes(spec, middle, serving.kv_format, tensor_parallel=serving.tensor_parallel)
        low, high = (middle, high) if size <= room else (low, middle - 1)
    return low if low == limit else low // BLOCK_TOKENS * BLOCK_TOKENS


def tensor_parallel_degrees(spec: ModelSpec, gpus: int) -> tuple[int, ...]:
    """Return the degrees, up to `gpus`, that divide the attention heads evenly (vLLM's rule)."""
    return tuple(
        degree
        for degree in (1, 2, 4, 8, 16)
        if degree <= gpus
        and spec.heads % degree == 0
        and (spec.kv_heads % degree == 0 or degree % spec.kv_heads == 0)
    )


def serving_run(
    spec: ModelSpec,
    serving: Serving,
    gpu: Gpu,
    *,
    gpu_usable_gib: float,
    prompt_tokens: int | None = None,
    usd_per_hour: Decimal | None = None,
    partition: float = 1.0,
) -> InferenceRun:
    """Return speed and cost of one replica; `usd_per_hour` is the price of what runs it."""
    prompt = min(prompt_tokens or serving.context // 2, serving.context)
    answer = max(serving.context - prompt, 1)
    most = max_concurrency(spec, serving, gpu_usable_gib)
    batch = max(min(serving.concurrency, most), 1)
    alone = _rates(spec, serving, gpu, 1, prompt, answer, partition)
    total = _rates(spec, serving, gpu, batch, prompt, answer, partition)
    first = _prefill(spec, serving, gpu, prompt, partition)
    usd = None if usd_per_hour is None else float(usd_per_hour) / 3600 * 1e6
    return InferenceRun(
        max_concurrency=most,
        max_context=max_context(spec, serving, gpu_usable_gib),
        tokens_per_second_user=alone,
        tokens_per_second_total=total,
        time_to_first_token_ms=Range(
            low=first.low * 1e3, expected=first.expected * 1e3, high=first.high * 1e3
        ),
        usd_per_million_tokens=None
        if usd is None
        else Range(low=usd / total.high, expected=usd / total.expected, high=usd / total.low),
        bound=_bound(spec, serving, gpu, batch, most),
        assumption=_assumption(gpu, batch, prompt, answer),
    )


def decode_seconds(
    spec: ModelSpec, serving: Serving, gpu: Gpu, batch: int, live: int, share: float
) -> float:
    """Return the seconds of one decoding step at `live` tokens a request."""
    degree = serving.tensor_parallel
    bandwidth = (gpu.memory_bandwidth_gb_s or 300) * 1e9 * share
    cache = kv_bytes(spec, live, serving.kv_format, tensor_parallel=degree)
    read = read_per_step(spec, serving.weights, batch) / degree + batch * cache
    compute = 2.0 * matmul_parameters(spec) * batch / (degree * peak_flops(gpu, serving.weights))
    reduce = 2 * spec.layers * ALL_REDUCE_SECONDS[gpu.nvlink_gb_s is not None]
    return max(read / bandwidth, compute / sustained(gpu).matmul) + (reduce if degree > 1 else 0)


def peak_flops(gpu: Gpu, weights: WeightFormat) -> float:
    """Return the dense peak at which products run: 4-bit and int8 weights are used at 16 bits."""
    if weights == "fp8" and "fp8" in gpu.tflops:
        return gpu.tflops["fp8"] * 1e12
    if weights == "fp32":
        return gpu.tflops.get("fp32", 10.0) * 1e12
    return half_peak_tflops(gpu) * 1e12


def _fixed(spec: ModelSpec, serving: Serving, gpu_usable_gib: float) -> list[Part]:
    """Return weights and the activations of the profiling run."""
    degree = serving.tensor_parallel
    nominal = weight_bytes(spec, serving.weights) / degree
    extra = quantization_bytes(spec, serving.weights) / degree
    tokens = 8192 if gpu_usable_gib >= 70 else 2048
    tokens = max(min(tokens, serving.context * serving.concurrency), 256)
    inner = spec.intermediate if not spec.experts else spec.expert_intermediate * 2
    working = tokens * (2 * 2 * spec.hidden + 2 * 2 * inner / degree)
    working += 4.0 * spec.vocab / degree * min(serving.concurrency, 256)
    return [
        Part(
            "parameters",
            nominal,
            f"{weight_bytes(spec, serving.weights) / spec.parameters:g} B × "
            f"{amount(spec.parameters)}{_over(degree)}",
        ),
        Part("quantization", extra, f"{extra / GIB:.2f} GiB"),
        Part("activations", working, f"{amount(tokens)} tokens"),
    ]


def _cache_room(spec: ModelSpec, serving: Serving, gpu_usable_gib: float) -> float:
    fixed = size_of(_fixed(spec, serving, gpu_usable_gib))
    return (serving.utilization * gpu_usable_gib - OUTSIDE_GIB) * GIB - fixed


def _request_bytes(spec: ModelSpec, serving: Serving) -> float:
    """Return one GPU's KV cache of a request, in whole blocks."""
    tokens = -(-serving.context // BLOCK_TOKENS) * BLOCK_TOKENS
    degree = serving.tensor_parallel
    return max(kv_bytes(spec, tokens, serving.kv_format, tensor_parallel=degree), 1.0)


def _rates(
    spec: ModelSpec,
    serving: Serving,
    gpu: Gpu,
    batch: int,
    prompt: int,
    answer: int,
    partition: float,
) -> Range:
    """Return answer tokens per second; for a batch, prefill of its requests takes its share."""
    live = prompt + answer // 2

    def rate(share: float, prefill: float) -> float:
        step = decode_seconds(spec, serving, gpu, batch, live, share * partition)
        waits = prefill * (batch if batch > 1 else 0) / answer
        return batch / (step + waits)

    first = _prefill(spec, serving, gpu, prompt, partition)
    shares = BANDWIDTH_SHARE
    return Range(
        low=rate(shares.low, first.high),
        expected=rate(shares.expected, first.expected),
        high=rate(shares.high, first.low),
    )


def _prefill(spec: ModelSpec, serving: Serving, gpu: Gpu, prompt: int, partition: float) -> Range:
    """Return the seconds to process a prompt."""
    flops = prompt * (2.0 * matmul_parameters(spec) + attention_flops(spec, prompt) / 2)
    peak = peak_flops(gpu, serving.weights) * partition * serving.tensor_parallel
    read = read_per_step(spec, serving.weights, prompt) / serving.tensor_parallel
    floor = read / ((gpu.memory_bandwidth_gb_s or 300) * 1e9 * partition)
    share = PREFILL_SHARE
    return Range(
        low=max(flops / (peak * share.high), floor),
        expected=max(flops / (peak * share.expected), floor),
        high=max(flops / (peak * share.low), floor / BANDWIDTH_SHARE.low),
    )


def _bound(
    spec: ModelSpec, serving: Serving, gpu: Gpu, batch: int, most: int
) -> Literal["bandwidth", "compute", "memory"]:
    """Return what limits the rate: the KV cache's room, the products or the bandwidth."""
    if most < serving.concurrency:
        return "memory"
    degree = serving.tensor_parallel
    compute = 2.0 * matmul_parameters(spec) * batch / (degree * peak_flops(gpu, serving.weights))
    read = read_per_step(spec, serving.weights, batch) / degree
    slow = compute / sustained(gpu).matmul
    return "compute" if slow > read / ((gpu.memory_bandwidth_gb_s or 300) * 1e9) else "bandwidth"


def _over(degree: int) -> str:
    return f" / {degree}" if degree > 1 else ""


def _assumption(gpu: Gpu, batch: int, prompt: int, answer: int) -> Text:
    share = BANDWIDTH_SHARE.expected
    return Text(
        ja=f"入力 {prompt:,} トークン・出力 {answer:,} トークン、同時 {batch:,} 件、"
        f"{gpu.model} のメモリ帯域の {share:.0%} を使えると仮定(vLLM の実測 75〜85%)",
        en=f"assumes {prompt:,} tokens in, {answer:,} out, {batch:,} at once and {share:.0%} of "
        f"{gpu.model}'s memory bandwidth (vLLM reaches 75-85%)",
    )
