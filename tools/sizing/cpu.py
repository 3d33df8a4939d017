"""Serving a model on the CPU of a C instance: memory bandwidth decides.

Bandwidth is that of the processor's memory channels; an instance gets its share by vCPUs. AWS does
not publish what a partial instance really gets, so results are ranges.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from knowledge.ec2.schema import InstanceType
from tools.charts import Text
from tools.sizing.flops import matmul_parameters
from tools.sizing.inference import Serving
from tools.sizing.memory import as_terms
from tools.sizing.models import InferenceRun, MemoryBreakdown, ModelSpec, Range
from tools.sizing.parts import GIB, Part, amount
from tools.sizing.weights import kv_bytes, quantization_bytes, read_per_step, weight_bytes


class Processor(NamedTuple):
    """One socket."""

    gb_s: float
    """Channels x transfer rate x 8 bytes, from the maker's data sheet."""
    vcpus: int
    """vCPUs that EC2 sells of one socket."""
    tflops: float
    """Dense bf16 of one socket in TFLOPS, roughly: cores x clock x operations a cycle."""


PROCESSORS: dict[str, Processor] = {
    "c5": Processor(140.8, 48, 3.0),  # Cascade Lake: 6 x DDR4-2933
    "c5n": Processor(128.0, 36, 2.5),
    "c5a": Processor(204.8, 96, 2.2),  # Rome: 8 x DDR4-3200
    "c6i": Processor(204.8, 64, 4.5),  # Ice Lake: 8 x DDR4-3200
    "c6a": Processor(204.8, 96, 3.0),  # Milan: 8 x DDR4-3200
    "c6g": Processor(204.8, 64, 2.5),  # Graviton2: 8 x DDR4-3200
    "c7i": Processor(307.2, 96, 40.0),  # Sapphire Rapids: 8 x DDR5-4800, AMX
    "c7a": Processor(460.8, 96, 10.0),  # Genoa: 12 x DDR5-4800, AVX-512 bf16
    "c7g": Processor(307.2, 64, 10.0),  # Graviton3: 8 x DDR5-4800, SVE bf16
    "c8g": Processor(537.6, 96, 17.0),  # Graviton4: 12 x DDR5-5600
    "c8i": Processor(691.2, 192, 90.0),  # Granite Rapids: 12 x DDR5-7200, AMX
    "c8a": Processor(614.4, 192, 25.0),  # Turin: 12 x DDR5-6400
}
SHARE = Range(low=0.4, expected=0.6, high=0.8)
"""Of the channel bandwidth in llama.cpp-like decoding (STREAM reaches about 0.8)."""
SYSTEM_GIB = 2.0
RUNTIME_BYTES = 0.1
"""Working memory of the runtime, as a share of the weights."""


def processor_of(instance: InstanceType) -> Processor | None:
    """Return the processor of an instance type's family; None if it is not known."""
    family = instance.family.split("-")[0]
    for name in (family, family.rstrip("nd"), family.rstrip("n"), family.rstrip("d")):
        if name in PROCESSORS:
            return PROCESSORS[name]
    return None


def cpu_memory(spec: ModelSpec, serving: Serving, instance: InstanceType) -> MemoryBreakdown:
    """Return the host memory that serving takes."""
    nominal = weight_bytes(spec, serving.weights)
    extra = quantization_bytes(spec, serving.weights)
    cache = kv_bytes(spec, serving.context, serving.kv_format) * serving.concurrency
    parts = [
        Part("parameters", nominal, f"{nominal / spec.parameters:g} B × {amount(spec.parameters)}"),
        Part("quantization", extra, f"{extra / GIB:.2f} GiB"),
        Part("kv_cache", cache, f"{amount(serving.context)} tokens × {serving.concurrency}"),
        Part("activations", RUNTIME_BYTES * nominal, f"{RUNTIME_BYTES:.0%}"),
        Part("overhead", SYSTEM_GIB * GIB, "OS"),
    ]
    size = sum(part.size for part in parts) / GIB
    return MemoryBreakdown(
        terms=as_terms(parts),
        allocated_gib=size,
        reserved_gib=size,
        peak_gib=size,
        usable_gib=instance.memory_gib,
        budget_gib=0.92 * instance.memory_gib,
    )


def cpu_run(
    spec: ModelSpec,
    serving: Serving,
    instance: InstanceType,
    *,
    prompt_tokens: int | None = None,
    usd_per_hour: Decimal | None = None,
) -> InferenceRun | None:
    """Return speed and cost on this instance; None if its processor is not known."""
    processor = processor_of(instance)
    if processor is None:
        return None
    sockets = instance.vcpus / processor.vcpus
    prompt = min(prompt_tokens or serving.context // 2, serving.context)
    room = cpu_memory(spec, serving._replace(concurrency=0), instance)
    one = max(kv_bytes(spec, serving.context, serving.kv_format), 1.0)
    most = max(int((room.budget_gib - room.peak_gib) * GIB // one), 0)
    batch = max(min(serving.concurrency, most), 1)
    alone = _rates(spec, serving, processor, sockets, 1, prompt)
    total = _rates(spec, serving, processor, sockets, batch, prompt)
    first = 2.0 * matmul_parameters(spec) * prompt / (processor.tflops * 1e12 * sockets) * 1e3
    usd = None if usd_per_hour is None else float(usd_per_hour) / 3600 * 1e6
    limit = spec.max_positions or 10_000_000
    return InferenceRun(
        max_concurrency=most,
        max_context=min(most * serving.context, limit),
        tokens_per_second_user=alone,
        tokens_per_second_total=total,
        time_to_first_token_ms=Range(low=first / 0.6, expected=first / 0.3, high=first / 0.1),
        usd_per_million_tokens=None
        if usd is None
        else Range(low=usd / total.high, expected=usd / total.expected, high=usd / total.low),
        bound="memory" if most < serving.concurrency else "bandwidth",
        assumption=_assumption(processor, sockets),
    )


def _rates(
    spec: ModelSpec,
    serving: Serving,
    processor: Processor,
    sockets: float,
    batch: int,
    prompt: int,
) -> Range:
    """Return tokens per second of decoding; several sockets help little without NUMA care."""
    live = (prompt + serving.context) // 2
    read = read_per_step(spec, serving.weights, batch)
    read += batch * kv_bytes(spec, live, serving.kv_format)
    bandwidth = processor.gb_s * 1e9 * sockets
    compute = 2.0 * matmul_parameters(spec) * batch / (processor.tflops * 1e12 * sockets * 0.3)

    def rate(share: float) -> float:
        return batch / max(read / (bandwidth * share), compute)

    return Range(low=rate(SHARE.low), expected=rate(SHARE.expected), high=rate(SHARE.high))


def _assumption(processor: Processor, sockets: float) -> Text:
    each = processor.gb_s * sockets
    return Text(
        ja=f"メモリ帯域を vCPU の割合で {each:,.0f} GB/s と見積もり、その 40〜80% を使えると仮定",
        en=f"assumes {each:,.0f} GB/s of memory bandwidth by share of vCPUs, 40-80% of it usable",
    )
