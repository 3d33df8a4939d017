"""`xgboost`: train XGBoost with validation, early stopping and an untouched test set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from tools.charts import Text
from tools.codegen.checks import instance_of, threads_within_cores
from tools.codegen.folder import Folder
from tools.codegen.names import DataGlob, DataPath, FreeText
from tools.codegen.spec import Check, Draft, Options, Setting, Sheet, Workload, judged
from tools.codegen.workloads.placing import (
    Place,
    at_least,
    capability,
    choose_place,
    gpu_not_used,
    setting,
    templates,
)

KEY = "xgboost"
Objective = Literal["binary:logistic", "multi:softprob", "reg:squarederror"]
METRICS: dict[Objective, str] = {
    "binary:logistic": "auc",
    "multi:softprob": "mlogloss",
    "reg:squarederror": "rmse",
}


class XgboostOptions(Options):
    """What to train on."""

    data: DataGlob = "s3://my-bucket/train/*.csv"
    output: DataPath = "s3://my-bucket/xgboost"
    target: Annotated[FreeText, Field(min_length=1, max_length=200)] = "label"
    objective: Objective = "binary:logistic"
    rounds: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_depth: Annotated[int, Field(ge=1, le=32)] = 6
    patience: Annotated[int, Field(ge=1, le=10_000)] = 50


LEAST_CAPABILITY = (7, 5)
"""Older GPUs, and CUDA in the arm64 wheel, were not looked into."""


def device_of(place: Place) -> str:
    """Return XGBoost's device."""
    on_gpu = place.instance.arch == "x86_64" and capability(place.gpu) >= LEAST_CAPABILITY
    return "cuda" if on_gpu else "cpu"


def _settings(place: Place, config: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return the values with their reasons."""
    instance, device = place.instance, config["device"]
    threads = instance.cores
    shared = (
        f"{instance.vcpus} vCPU は {threads} 物理コア。ヒストグラムの計算は同じコアの 2 "
        "スレッドでは速くならない"
        if instance.threads_per_core > 1
        else f"{instance.name} は 1 vCPU が 1 物理コア"
    )
    return (
        setting(
            "threads",
            threads,
            shared,
            f"physical cores behind {instance.vcpus} vCPUs",
        ),
        setting(
            "device",
            device,
            f"{place.gpu.model} で hist を計算する(gpu_hist は廃止)"
            if device == "cuda" and place.gpu
            else "CPU で hist を計算する",
            "tree_method hist runs there (gpu_hist is gone)",
        ),
        setting(
            "patience",
            config["patience"],
            "検証データで改善しない回数。最良の回までの木だけを保存する(テストデータは使わない)",
            "rounds without improvement on the validation set; the best trees are saved",
        ),
        setting(
            "rounds",
            config["rounds"],
            "上限。早期停止で先に終わる",
            "upper limit; early stopping ends sooner",
        ),
    )


def _warnings(place: Place, device: str) -> tuple[Text, ...]:
    if place.gpu is None or device == "cuda":
        return () if place.gpu else gpu_not_used(place)
    return (
        Text(
            ja=f"XGBoost が {place.gpu.model}({place.instance.arch})で動くかは確かめていないため、"
            "CPU で学習します。",
            en=f"Whether XGBoost runs on {place.gpu.model} was not checked: trains on the CPU.",
        ),
    )


def build(catalogue: Catalogue, options: XgboostOptions) -> Draft:
    """Return the bundle."""
    place = choose_place(catalogue, options, default="c7i.4xlarge", fits=at_least(16))
    instance, device = place.instance, device_of(place)
    threads = instance.cores
    config = {
        "data": options.data,
        "output": options.output,
        "target": options.target,
        "objective": options.objective,
        "metric": METRICS[options.objective],
        "device": device,
        "threads": threads,
        "max_depth": options.max_depth,
        "learning_rate": options.learning_rate,
        "subsample": 0.8,
        "max_bin": 256,
        "rounds": options.rounds,
        "patience": options.patience,
        "valid_fraction": 0.1,
        "test_fraction": 0.1,
        "seed": 0,
    }
    return Draft(
        name=f"{KEY}-{instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"XGBoost の学習({instance.name})", en=f"XGBoost training on {instance.name}"
            ),
            instance=instance,
            gpu=place.gpu,
            quote=place.quote,
            settings=_settings(place, config),
            warnings=_warnings(place, device),
        ),
        values={
            "config": config,
            "packages": ["numpy", "pandas", "pyarrow", "s3fs", "scikit-learn", "xgboost"],
            "exports": [],
            "max_hours": None,
        },
        shown="config.toml",
        templates=templates(KEY, "train.py"),
    )


def threads_fit(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Threads are at most the physical cores; CUDA needs a GPU."""
    config, instance = folder.toml(), instance_of(folder, catalogue)
    yield threads_within_cores(config["threads"], instance)
    yield judged(
        "device",
        config["device"] == "cpu" or capability(catalogue.gpu_of(instance)) >= LEAST_CAPABILITY,
        f"device {config['device']}、GPU は {instance.gpu.devices if instance.gpu else 0} 個",
        f"device {config['device']} with {instance.gpu.devices if instance.gpu else 0} GPUs",
    )


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="XGBoost の学習: 物理コア数のスレッド、検証データで早期停止、最良モデルを保存(CPU/GPU)",
        en="XGBoost training: physical cores, early stopping on validation data, best model saved",
    ),
    options=XgboostOptions,
    build=build,
    level="executed",
    verified=Text(
        ja="二値・多クラス・回帰を CPU で実行し、最良の回で保存されることを確かめています。"
        'device = "cuda" は実行していません。',
        en='Run on a CPU for two classes, several and regression. device = "cuda" was not run.',
    ),
    checks=(threads_fit,),
)
