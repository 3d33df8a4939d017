import random
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue
from tools.codegen import Bundle, BundleRefusal, BundleRequest, generate, write_bundle
from tools.codegen.folder import Folder
from tools.codegen.verify import verify
from tools.codegen.workloads.spark_batch import divide
from tools.codegen.workloads.vit_lightning import SHAPES, largest_batch, memory_gib
from tools.errors import ToolInputError

REGION = "ap-northeast-1"
SIMPLE = (
    "dask-preprocess",
    "xgboost",
    "spark-batch",
    "cpu-infer",
    "tensorrt",
    "video-detect",
    "vit-lightning",
    "sagemaker-realtime",
    "sagemaker-multimodel",
)

MOST_CODE: dict[str, dict[str, Any]] = {
    "vit-lightning": {"spot": True, "checkpoint_s3": "s3://my-bucket/runs", "instances": 2},
    "spark-batch": {"instances": 2},
    "vllm": {"model": "llama-3-8b", "instance": "g5.xlarge"},
}


def make(catalogue: Catalogue, workload: str, **options: Any) -> Bundle | BundleRefusal:
    request = BundleRequest(workload=workload, region=REGION, options=options)
    return generate(catalogue, request)


def bundle(catalogue: Catalogue, workload: str, **options: Any) -> Bundle:
    made = make(catalogue, workload, **options)
    assert isinstance(made, Bundle), made.reason.ja
    return made


def config_of(made: Bundle) -> dict[str, Any]:
    return tomllib.loads(made.file("config.toml").text)


@pytest.mark.parametrize("workload", (*SIMPLE, "vllm"))
def test_generated_python_is_formatted_and_lint_clean(
    catalogue: Catalogue, tmp_path: Path, workload: str
) -> None:
    write_bundle(bundle(catalogue, workload, **MOST_CODE.get(workload, {})), tmp_path)
    ruff = [sys.executable, "-m", "ruff"]
    common = ["--isolated", "--line-length", "100", "--target-version", "py311", "--no-cache"]
    rules = "E,F,I,B,UP,ANN,DTZ,C90,RUF"
    ignored = "ANN401,RUF001,RUF002,RUF003"
    lint = [*ruff, "check", *common, "--select", rules, "--ignore", ignored, "."]
    for command in (lint, [*ruff, "format", "--check", *common, "."]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workload", SIMPLE)
def test_the_readme_gives_price_date_and_reasons(catalogue: Catalogue, workload: str) -> None:
    made = bundle(catalogue, workload)
    readme = made.file("README.md").text
    assert made.sheet.quote.source is not None
    assert f"{made.sheet.quote.source.as_of} 時点" in readme
    assert made.verified.ja in readme
    assert all(item.why.ja in readme for item in made.sheet.settings)


@pytest.mark.parametrize("name", ["c6i.2xlarge", "c6i.32xlarge", "c7g.16xlarge", "c5.metal"])
def test_dask_workers_and_executors_fit_any_size(catalogue: Catalogue, name: str) -> None:
    bundle(catalogue, "dask-preprocess", instance=name)
    bundle(catalogue, "spark-batch", instance=name)
    bundle(catalogue, "spark-batch", instance=name, instances=3)


def test_xgboost_and_onnx_take_physical_cores(catalogue: Catalogue) -> None:
    for workload in ("xgboost", "cpu-infer"):
        intel = config_of(bundle(catalogue, workload, instance="c6i.4xlarge"))
        graviton = config_of(bundle(catalogue, workload, instance="c7g.4xlarge"))
        assert (intel["threads"], graviton["threads"]) == (8, 16)


def test_a_family_means_a_size_that_is_worth_it(catalogue: Catalogue) -> None:
    made = bundle(catalogue, "dask-preprocess", instance="C6i")
    assert made.sheet.instance.name == "c6i.4xlarge"


def test_a_misspelt_instance_names_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(ToolInputError, match=r"c6i\.4xlarge"):
        make(catalogue, "xgboost", instance="c6i.4xlage")


def test_a_spark_cluster_leaves_room_for_python_and_the_driver(catalogue: Catalogue) -> None:
    instance = catalogue.types["c6i.4xlarge"]
    each = divide(instance, cluster=True)
    assert (each.count, each.cores) == (3, 5)
    used = each.count * (each.heap_mib + each.overhead_mib)
    assert used + 2048 + 2048 < instance.memory_mib
    assert abs(each.heap_mib - each.overhead_mib) <= 1


def test_vit_batches_grow_with_gpu_memory_and_stay_within_it() -> None:
    base = SHAPES["vit-base-patch16"]
    batches = [largest_batch(base, usable) for usable in (14.6, 22.0, 39.4, 79.1)]
    assert batches == sorted(batches) and batches[0] >= 32
    assert all(
        memory_gib(base, batch) < usable
        for batch, usable in zip(batches, (14.6, 22, 39.4, 79.1), strict=True)
    )


def test_vit_uses_fp16_where_the_gpu_has_no_bf16(catalogue: Catalogue) -> None:
    assert (
        config_of(bundle(catalogue, "vit-lightning", instance="g4dn.xlarge"))["precision"]
        == "16-mixed"
    )
    assert config_of(bundle(catalogue, "vit-lightning", instance="p4d.24xlarge")) | {
        "precision": "bf16-mixed",
        "gpus": 8,
    } == config_of(bundle(catalogue, "vit-lightning", instance="p4d.24xlarge"))


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("tensorrt", {"instance": "p3.2xlarge"}, "7.5"),
    ("tensorrt", {"instance": "P3"}, "7.5"),
    ("tensorrt", {"instance": "c6i.4xlarge"}, "GPU"),
    ("tensorrt", {"instance": "g5g.xlarge"}, "T4g"),
    ("video-detect", {"instance": "g5g.xlarge"}, "T4g"),
    ("vit-lightning", {"instance": "g5g.xlarge"}, "T4g"),
    ("vit-lightning", {"instance": "c6i.4xlarge"}, "GPU"),
    ("vit-lightning", {"instance": "C6i"}, "c6i.large"),
    ("vit-lightning", {"spot": True}, "S3"),
    ("vit-lightning", {"model": "someone/unknown"}, "大きさ"),
    ("vit-lightning", {"global_batch": 100}, "倍数"),
    ("spark-batch", {"instance": "c6i.large", "instances": 2}, "MiB"),
    ("sagemaker-multimodel", {"instance": "c7g.xlarge"}, "arm64"),
    ("sagemaker-realtime", {"instance": "p3.2xlarge"}, "V100"),
    ("sagemaker-realtime", {"instance": "inf2.xlarge"}, "Inferentia2"),
    ("sagemaker-realtime", {"instance": "g5g.xlarge"}, "ml.g5g.xlarge"),
]


@pytest.mark.parametrize(("workload", "options", "reason"), REFUSALS)
def test_what_cannot_work_is_refused_with_a_reason_and_an_alternative(
    catalogue: Catalogue, workload: str, options: dict[str, Any], reason: str
) -> None:
    made = make(catalogue, workload, **options)
    assert isinstance(made, BundleRefusal)
    assert reason in made.reason.ja and made.suggestion is not None


CONFIG, RUNNER, SPARK = "config.toml", "tensorrt_runner.py", "spark.conf"
MULTIMODEL = "sagemaker-multimodel"
MUTATIONS: list[tuple[str, dict[str, Any], str, str, str, str]] = [
    ("dask-preprocess", {}, CONFIG, "workers = 4", "workers = 8", "threads"),
    ("dask-preprocess", {}, CONFIG, "memory_limit_gib = 7.6", "memory_limit_gib = 9.0", "memory"),
    ("xgboost", {"instance": "c6i.4xlarge"}, CONFIG, "threads = 8", "threads = 16", "threads"),
    ("xgboost", {}, CONFIG, 'device = "cpu"', 'device = "cuda"', "device"),
    ("cpu-infer", {}, "launch.sh", "expected_arch=arm64", "expected_arch=x86_64", "architecture"),
    ("cpu-infer", {"instance": "c6g.4xlarge"}, CONFIG, "gemm = false", "gemm = true", "bf16_gemm"),
    ("spark-batch", {"instances": 2}, "spark.conf", "cores 5", "cores 8", "cores"),
    ("spark-batch", {"instances": 2}, SPARK, "executor.memory ", "executor.memory 9", "memory"),
    ("spark-batch", {}, "spark.conf", "driver.memory ", "driver.memory 9", "memory"),
    ("tensorrt", {}, CONFIG, "workspace_gib = 4.0", "workspace_gib = 40.0", "workspace"),
    ("tensorrt", {}, RUNNER, "execute_async_v3", "execute_async_v2", "tensorrt_names"),
    ("tensorrt", {}, RUNNER, "build_serialized_network", "build_engine", "tensorrt_names"),
    ("video-detect", {}, CONFIG, "show_window = false", "show_window = true", "window"),
    ("video-detect", {}, CONFIG, '"fp16"', '"bf16"', "precision"),
    ("vit-lightning", {"instance": "g4dn.xlarge"}, CONFIG, "16-mixed", "bf16-mixed", "precision"),
    ("vit-lightning", {}, CONFIG, "micro_batch = 128", "micro_batch = 512", "batch"),
    ("vit-lightning", {}, CONFIG, "_batch = 128", "_batch = 1024", "memory"),
    ("vit-lightning", {}, CONFIG, "gpus = 1", "gpus = 2", "gpus"),
    ("sagemaker-realtime", {}, CONFIG, "ml.g5.xlarge", "ml.g5.tiny", "instance_type"),
    ("sagemaker-realtime", {"instance": "c7g.xlarge"}, CONFIG, "-arm64", "", "image"),
    (MULTIMODEL, {}, CONFIG, "sagemaker-tritonserver", "pytorch-inference", "image"),
    (MULTIMODEL, {}, CONFIG, "min_instances = 1", "min_instances = 5", "scaling"),
]  # fmt: skip


@pytest.mark.parametrize(("workload", "options", "path", "old", "new", "check"), MUTATIONS)
def test_a_wrong_bundle_is_rejected_by_its_own_check(
    catalogue: Catalogue,
    workload: str,
    options: dict[str, Any],
    path: str,
    old: str,
    new: str,
    check: str,
) -> None:
    files = {item.path: item.text for item in bundle(catalogue, workload, **options).files}
    assert old in files[path]
    files[path] = files[path].replace(old, new)
    failed = {item.key for item in verify(Folder(files), catalogue) if item.status == "failed"}
    assert check in failed


NASTY = ('a"b', "it's", "$(touch x)", "{{ 7*7 }}", "a\nb", "\\", "日本語", "`id`", "#", "%s")


@pytest.mark.parametrize("text", NASTY)
def test_names_of_columns_come_back_as_they_were_typed(catalogue: Catalogue, text: str) -> None:
    assert config_of(bundle(catalogue, "xgboost", target=text))["target"] == text
    dask = config_of(bundle(catalogue, "dask-preprocess", log_columns=[text], target=text))
    assert (dask["log_columns"], dask["target"]) == ([text], text)
    spark = config_of(bundle(catalogue, "spark-batch", model=text, result_type=text))
    assert (spark["model"], spark["result_type"]) == (text, text)


@pytest.mark.parametrize(
    ("workload", "option"),
    [
        ("dask-preprocess", "input"),
        ("dask-preprocess", "output"),
        ("dask-preprocess", "scheduler"),
        ("xgboost", "data"),
        ("cpu-infer", "model"),
        ("video-detect", "source"),
        ("video-detect", "model"),
        ("vit-lightning", "data"),
        ("sagemaker-realtime", "endpoint"),
        ("sagemaker-realtime", "role"),
        ("sagemaker-realtime", "bucket"),
        ("sagemaker-realtime", "prefix"),
        ("sagemaker-multimodel", "models"),
    ],
)
@pytest.mark.parametrize("text", ["$(touch x)", "a\nb", '"; rm -rf /', "../../etc", "{{ x }}"])
def test_places_that_are_no_places_are_refused(
    catalogue: Catalogue, workload: str, option: str, text: str
) -> None:
    with pytest.raises(ToolInputError) as error:
        make(catalogue, workload, **{option: text})
    assert option in error.value.message_ja


@pytest.mark.parametrize("workload", SIMPLE)
def test_any_instance_gives_a_verified_bundle_or_a_reasoned_refusal(
    catalogue: Catalogue, workload: str
) -> None:
    """A refusal comes from the workload itself, never from a bundle that failed its checks."""
    chance = random.Random(workload)
    for name in chance.sample(sorted(catalogue.types), 25):
        done = make(catalogue, workload, instance=name)
        if isinstance(done, BundleRefusal):
            assert not done.checks and done.suggestion, (name, done.reason.ja)


def test_a_gpu_that_xgboost_was_not_checked_on_is_left_idle(catalogue: Catalogue) -> None:
    assert config_of(bundle(catalogue, "xgboost", instance="g5.xlarge"))["device"] == "cuda"
    for name in ("g4ad.xlarge", "g5g.xlarge", "p2.xlarge"):
        made = bundle(catalogue, "xgboost", instance=name)
        assert config_of(made)["device"] == "cpu" and made.sheet.warnings


def test_a_cluster_gets_a_script_for_its_parts(catalogue: Catalogue) -> None:
    made = bundle(catalogue, "spark-batch", instances=2)
    assert "spark.executor.instances 6" in made.file("spark.conf").text
    assert "--cores 15" in made.file("cluster.sh").text
    assert "hadoop-aws:3.5.0" in made.file("launch.sh").text


def test_hadoop_aws_has_the_version_of_pysparks_jars() -> None:
    pyspark = pytest.importorskip("pyspark")
    jars = Path(pyspark.__file__).parent / "jars"
    from tools.codegen.workloads.spark_batch import HADOOP

    assert (jars / f"hadoop-client-api-{HADOOP}.jar").exists()


@pytest.mark.parametrize("workload", SIMPLE)
def test_pinned_versions_are_the_installed_ones(catalogue: Catalogue, workload: str) -> None:
    from importlib.metadata import version

    pins = Folder({f.path: f.text for f in bundle(catalogue, workload).files}).requirements()
    for name, pinned in pins.items():
        if name not in ("tensorrt", "torch"):
            assert version(name) == pinned, name
