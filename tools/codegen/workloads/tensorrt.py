"""`tensorrt`: inference of an ONNX model with TensorRT 10 or 11, else with ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder
from tools.codegen.names import DataPath
from tools.codegen.spec import (
    BundleRefusal,
    Check,
    Draft,
    Options,
    Setting,
    Sheet,
    Workload,
    judged,
)
from tools.codegen.wheel_names import tensorrt_names
from tools.codegen.wheels import torch_for
from tools.codegen.workloads.placing import (
    Place,
    capability,
    choose_place,
    has_gpu,
    refusal,
    setting,
    templates,
)

KEY = "tensorrt"
TENSORRT = "11.4.0.106"
LEAST_CAPABILITY = (7, 5)
"""Volta was dropped in the course of TensorRT 10."""
WORKSPACE_GIB = 4.0
_CALLED = re.compile(
    r"\b(?:trt|builder|network|parser|config|profile|engine|context|Runtime\(LOGGER\)|TensorIOMode"
    r"|MemoryPoolType|NetworkDefinitionCreationFlag)\.(\w+)"
)
"""What tensorrt_runner.py calls; each is looked up in the wheel's own names."""


class TensorrtOptions(Options):
    """What to run."""

    model: DataPath = "model.onnx"
    precision: Literal["fp16", "fp32"] = "fp16"
    batch: Annotated[int, Field(ge=1, le=65_536)] = 32


def _settings(gpu: Gpu, config: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return the values with their reasons."""
    usable = gpu.usable_gib or gpu.memory_gib
    return (
        setting(
            "precision",
            config["precision"],
            "TensorRT 11 に FP16 フラグはない。型を ONNX のグラフに書き込んでからエンジンを作る"
            if config["precision"] == "fp16"
            else "float32 のまま",
            "TensorRT 11 has no FP16 flag: the types go into the ONNX graph",
        ),
        setting(
            "batch",
            config["batch"],
            "エンジンはこの行数で最も速く、1 行からこの行数まで受け付ける",
            "the engine is tuned for so many rows and takes 1 to that",
        ),
        setting(
            "workspace_gib",
            config["workspace_gib"],
            f"カーネルを選ぶ間の作業領域。{gpu.model} で使える {usable:g} GiB の 1/4 以下",
            f"scratch memory while building, of {usable:g} GiB",
            "GiB",
        ),
    )


def build(catalogue: Catalogue, options: TensorrtOptions) -> Draft | BundleRefusal:
    """Return the bundle, or why there is none for this GPU."""
    place = choose_place(catalogue, options, default="g5.xlarge", fits=has_gpu)
    wheel = torch_for(place.gpu, place.instance.arch)
    if problem := _cannot(place):
        return refusal(
            KEY,
            options,
            problem,
            Text(
                ja="g4dn.xlarge(T4)や g5.xlarge(A10G)なら作れます。",
                en="g4dn.xlarge (T4) and g5.xlarge (A10G) work.",
            ),
        )
    instance, gpu = place.instance, place.gpu
    assert gpu and wheel
    usable = gpu.usable_gib or gpu.memory_gib
    config = {
        "model": options.model,
        "inputs": "",
        "output": "output",
        "precision": options.precision,
        "batch": options.batch,
        "rows": 1024,
        "workspace_gib": min(WORKSPACE_GIB, int(usable / 4 * 10) / 10),
        "threads": instance.cores,
    }
    return Draft(
        name=f"{KEY}-{instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"TensorRT の推論({instance.name}、{gpu.model})",
                en=f"TensorRT inference on {instance.name} ({gpu.model})",
            ),
            instance=instance,
            gpu=gpu,
            quote=place.quote,
            settings=_settings(gpu, config),
        ),
        values={
            "config": config,
            "packages": ["numpy", "onnx", "onnxruntime", "s3fs"],
            "tensorrt": TENSORRT,
            "torch": wheel,
            "exports": [],
            "max_hours": None,
        },
        shown="config.toml",
        templates=templates(KEY, "infer.py", "runner.py", "onnx_runner.py", "tensorrt_runner.py"),
    )


def _cannot(place: Place) -> Text | None:
    instance, gpu = place.instance, place.gpu
    if gpu is None or gpu.compute_capability is None:
        return Text(
            ja=f"{instance.name} には TensorRT が動く NVIDIA の GPU がありません。",
            en=f"{instance.name} has no NVIDIA GPU, which TensorRT needs.",
        )
    if capability(gpu) < LEAST_CAPABILITY:
        return Text(
            ja=f"{gpu.model}(compute capability {gpu.compute_capability})は TensorRT 11 "
            "の対象外です"
            "(7.5 以上が必要)。",
            en=f"TensorRT 11 needs compute capability 7.5; {gpu.model} has "
            f"{gpu.compute_capability}.",
        )
    if torch_for(gpu, instance.arch) is None:
        return Text(
            ja=f"PyPI の torch({instance.arch})に {gpu.model} のカーネルがありません。",
            en=f"No torch wheel on PyPI for {instance.arch} has kernels for {gpu.model}.",
        )
    return None


def gpu_fits(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The GPU is new enough for TensorRT and has the memory that building may use."""
    config, instance = folder.toml(), instance_of(folder, catalogue)
    gpu = catalogue.gpu_of(instance)
    shown = ".".join(map(str, capability(gpu)))
    yield judged(
        "capability",
        capability(gpu) >= LEAST_CAPABILITY,
        f"compute capability {shown}(TensorRT 11 は 7.5 以上)",
        f"compute capability {shown}; TensorRT 11 needs 7.5",
    )
    usable = (gpu.usable_gib or gpu.memory_gib) if gpu else 0.0
    yield judged(
        "workspace",
        0 < config["workspace_gib"] < usable,
        f"作業領域 {config['workspace_gib']} GiB、使えるのは {usable:g} GiB",
        f"workspace {config['workspace_gib']} of {usable:g} GiB",
    )


def names_exist(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Every TensorRT name in tensorrt_runner.py is one that the wheel's bindings define."""
    del catalogue
    source = folder.text("tensorrt_runner.py")
    names = tensorrt_names()
    used = {name for name in _CALLED.findall(source) if name != "__version__"}
    wrong = sorted((used - names.names) | names.removed_in(source))
    yield judged(
        "tensorrt_names",
        bool(used) and not wrong,
        f"tensorrt_runner.py の {len(used)} 個の名前を {names.wheel} と照合"
        + (f"。ないもの: {'、'.join(wrong)}" if wrong else ""),
        f"{len(used)} names compared with {names.wheel}"
        + (f"; absent: {', '.join(wrong)}" if wrong else ""),
    )


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="TensorRT の推論: ONNX からエンジンを作る(10.12 以降と 11、FP16、なければ ONNX Runtime)",
        en="TensorRT inference from ONNX (10.12+ and 11, FP16; ONNX Runtime where it is absent)",
    ),
    options=TensorrtOptions,
    build=build,
    level="checked",
    verified=Text(
        ja="FP16 への変換と推論を ONNX Runtime で CPU 上で実行しています。TensorRT "
        "のエンジンの部分は"
        f"実行しておらず、使う名前を tensorrt_cu13_bindings {TENSORRT} の wheel "
        "と照合しただけです。",
        en="FP16 conversion and inference run on ONNX Runtime on a CPU. The engine part was not "
        "run: "
        f"its names were compared with the wheel tensorrt_cu13_bindings {TENSORRT}.",
    ),
    checks=(gpu_fits, names_exist),
)
