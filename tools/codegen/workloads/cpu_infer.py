"""`cpu-infer`: batch inference with ONNX Runtime on a C instance, x86_64 or arm64."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType
from tools.charts import Text
from tools.codegen.checks import instance_of, threads_within_cores
from tools.codegen.folder import Folder
from tools.codegen.names import DataGlob, DataPath
from tools.codegen.spec import Check, Draft, Options, Setting, Sheet, Workload, judged
from tools.codegen.workloads.placing import (
    at_least,
    choose_place,
    gpu_not_used,
    setting,
    templates,
)

KEY = "cpu-infer"
BF16_GENERATION = 7
"""Graviton3, the first with bfloat16 matrix instructions, is in C7g."""


class CpuInferOptions(Options):
    """What to run."""

    model: DataPath = "model.onnx"
    input: DataGlob = "s3://my-bucket/rows/*.parquet"
    output: DataPath = "s3://my-bucket/predictions"
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 1024
    bf16: bool = False
    """Multiply in bfloat16 on Graviton3 and later."""


def has_bf16(instance: InstanceType) -> bool:
    """Return whether an arm64 type multiplies bfloat16 matrices."""
    return instance.arch == "arm64" and instance.generation >= BF16_GENERATION


def _settings(instance: InstanceType, config: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return the values with their reasons."""
    one_to_one = instance.threads_per_core == 1
    return (
        setting(
            "threads",
            instance.cores,
            f"{instance.name} は 1 vCPU が 1 物理コア"
            if one_to_one
            else f"{instance.vcpus} vCPU の物理コアの数。"
            "同じコアの 2 スレッドは演算器を共有し、行列積は速くならない",
            f"physical cores behind {instance.vcpus} vCPUs",
        ),
        setting(
            "batch",
            config["batch"],
            "一度に渡す行数。metrics.json の rows_per_second を見て変える",
            "rows at once; tune it by rows_per_second",
        ),
        setting(
            "bf16_gemm",
            config["bf16_gemm"],
            "float32 の行列積を bfloat16 で計算する(Graviton3 以降)。速いが精度が下がるため、"
            "既定は false"
            if has_bf16(instance)
            else "Graviton3(C7g)以降の arm64 だけで使える",
            "multiplies in bfloat16 on Graviton3 and later: faster, less exact",
        ),
    )


def build(catalogue: Catalogue, options: CpuInferOptions) -> Draft:
    """Return the bundle."""
    place = choose_place(catalogue, options, default="c7g.4xlarge", fits=at_least(8))
    instance = place.instance
    bf16 = options.bf16 and has_bf16(instance)
    config = {
        "model": options.model,
        "input": options.input,
        "output": options.output,
        "threads": instance.cores,
        "batch": options.batch,
        "bf16_gemm": bf16,
    }
    return Draft(
        name=f"{KEY}-{instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"ONNX Runtime の CPU 推論({instance.name}、{instance.arch})",
                en=f"ONNX Runtime on the CPU of {instance.name} ({instance.arch})",
            ),
            instance=instance,
            gpu=place.gpu,
            quote=place.quote,
            settings=_settings(instance, config),
            warnings=gpu_not_used(place),
        ),
        values={
            "config": config,
            "packages": ["numpy", "onnx", "onnxruntime", "pyarrow", "s3fs"],
            "exports": [],
            "max_hours": None,
        },
        shown="config.toml",
        templates=templates(KEY, "infer.py"),
    )


def fits_cpu(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Threads are at most the physical cores; bfloat16 products need Graviton3 or later."""
    config, instance = folder.toml(), instance_of(folder, catalogue)
    yield threads_within_cores(config["threads"], instance)
    yield judged(
        "bf16_gemm",
        not config["bf16_gemm"] or has_bf16(instance),
        f"bf16_gemm {config['bf16_gemm']}、{instance.name}({instance.arch}、第 "
        f"{instance.generation} 世代)",
        f"bf16_gemm {config['bf16_gemm']} on {instance.name}",
    )


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="CPU 推論: ONNX Runtime で Parquet を少しずつ推論(C シリーズ、arm64 の C7g 以降も)",
        en="CPU inference: ONNX Runtime over Parquet in batches (C series, arm64 too)",
    ),
    options=CpuInferOptions,
    build=build,
    level="executed",
    verified=Text(
        ja="小さな ONNX モデルで x86_64 の CPU 上で実行しています。arm64 では実行していません"
        "(onnxruntime の aarch64 版に bf16_gemm の設定があることは wheel で確かめました)。",
        en="Run on an x86_64 CPU with a tiny model. Not run on arm64 (the aarch64 wheel of "
        "onnxruntime was read: it knows the bf16_gemm setting).",
    ),
    checks=(fits_cpu,),
)
