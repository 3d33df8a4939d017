"""`spark-batch`: batch inference with Spark and an MLflow model, on one C instance or a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType
from tools.charts import Text
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder, UnreadableFileError
from tools.codegen.names import DataPath, FreeText
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
from tools.codegen.workloads.placing import (
    at_least,
    choose_place,
    gpu_not_used,
    refusal,
    setting,
    templates,
)

KEY = "spark-batch"
HADOOP = "3.5.0"
"""Of the jars in pyspark 4.3.0; hadoop-aws has to be of the same version."""
MIB = 1024
RESERVED_MIB = 2 * MIB
RESERVED_SHARE = 0.07
"""Of the machine, for the system and Spark's own daemon."""
DRIVER_MIB = 2 * MIB
"""The driver runs on one of the instances."""
EXECUTOR_CORES = 5
"""More cores in one JVM get in each other's way at S3 and in garbage collection."""
HEAP_SHARE = 0.5
"""The model runs in Python processes outside the heap, so they get as much as the JVM."""
LEAST_HEAP_MIB = 1024
_MIB_TEXT = re.compile(r"(\d+)m")


class SparkOptions(Options):
    """What to run."""

    instances: Annotated[int, Field(ge=1, le=1000)] = 1
    input: DataPath = "s3://my-bucket/input"
    output: DataPath = "s3://my-bucket/predictions"
    model: FreeText = "models:/my-model@champion"
    """MLflow model: a folder, `s3://…`, `models:/…` or `runs:/…`."""
    tracking_uri: FreeText = "sqlite:///mlflow.db"
    result_type: FreeText = "double"


@dataclass(frozen=True, slots=True)
class Executors:
    """How an instance is divided."""

    count: int
    """Executors of one instance."""
    cores: int
    heap_mib: int
    overhead_mib: int
    """Outside the heap: the Python processes, and the JVM's own needs."""


def divide(instance: InstanceType, *, cluster: bool) -> Executors:
    """Return the executors of an instance; alone, one JVM does everything."""
    total = instance.memory_mib - max(RESERVED_MIB, int(RESERVED_SHARE * instance.memory_mib))
    if not cluster:
        heap = int(total * HEAP_SHARE)
        return Executors(1, instance.vcpus, heap, total - heap)
    usable = max(1, instance.vcpus - 1)  # one for the system and the driver
    count = max(1, round(usable / EXECUTOR_CORES))
    each = (total - DRIVER_MIB) // count
    heap = int(each * HEAP_SHARE)
    return Executors(count, usable // count, heap, each - heap)


def _settings(instance: InstanceType, each: Executors, *, cluster: bool) -> tuple[Setting, ...]:
    """Return the values with their reasons."""
    memory = (
        f"({each.heap_mib} + {each.overhead_mib}) MiB × {each.count} "
        f"= {(each.heap_mib + each.overhead_mib) * each.count / MIB:.1f} GiB、"
        f"{instance.name} は {instance.memory_gib:g} GiB"
    )
    return (
        setting(
            "spark.executor.cores" if cluster else "spark.master",
            each.cores if cluster else f"local[{each.cores}]",
            f"{instance.vcpus} vCPU のうち 1 つを OS に残し、1 台に {each.count} 個の executor"
            if cluster
            else f"1 台だけなので、1 つの JVM で {instance.vcpus} vCPU を使う",
            f"{each.count} executors per instance" if cluster else "one JVM uses all vCPUs",
        ),
        setting(
            "spark.executor.memory" if cluster else "spark.driver.memory",
            f"{each.heap_mib}m",
            f"JVM のヒープ。1 台の合計は {memory}(残りは OS の分)",
            "heap of a JVM; the sum stays within the instance",
        ),
        setting(
            "spark.executor.memoryOverhead" if cluster else "Python",
            f"{each.overhead_mib}m",
            "モデルを動かす Python のプロセスはヒープの外なので、同じだけ残す",
            "the model runs in Python processes outside the heap",
        ),
        setting(
            "spark.sql.ansi.enabled",
            "true",
            "Spark 4 の既定。読めない値で全体が止まらないよう、特徴量は try_cast で読み、"
            "読めない行は rejected/ に分ける",
            "the default of Spark 4: values are read by try_cast, bad rows go to rejected/",
        ),
    )


def build(catalogue: Catalogue, options: SparkOptions) -> Draft | BundleRefusal:
    """Return the bundle, or why the instance is too small."""
    place = choose_place(catalogue, options, default="c6i.4xlarge", fits=at_least(16))
    instance = place.instance
    cluster = options.instances > 1
    each = divide(instance, cluster=cluster)
    if each.heap_mib < LEAST_HEAP_MIB:
        return refusal(KEY, options, *_too_small(instance, each))
    config = {
        "input": options.input,
        "output": options.output,
        "model": options.model,
        "tracking_uri": options.tracking_uri,
        "experiment": "batch-inference",
        "result_type": options.result_type,
    }
    uses_s3 = any(str(value).startswith("s3://") for value in config.values())
    values = {
        "config": config,
        "each": each,
        "cluster": cluster,
        "instances": options.instances,
        "uses_s3": uses_s3,
        "hadoop": HADOOP,
        "driver_mib": DRIVER_MIB,
        "packages": ["boto3", "mlflow", "numpy", "pandas", "pyarrow", "pyspark", "scikit-learn"],
        "exports": [],
        "max_hours": None,
    }
    count = f" × {options.instances} 台" if cluster else ""
    return Draft(
        name=f"{KEY}-{instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"Spark + MLflow のバッチ推論({instance.name}{count})",
                en=f"Batch inference with Spark and MLflow on {options.instances} x "
                f"{instance.name}",
            ),
            instance=instance,
            gpu=place.gpu,
            instances=options.instances,
            quote=place.quote,
            settings=_settings(instance, each, cluster=cluster),
            warnings=gpu_not_used(place),
        ),
        values=values,
        shown="spark.conf",
        templates=templates(KEY, "predict.py", "spark.conf", *(["cluster.sh"] if cluster else [])),
    )


def _too_small(instance: InstanceType, each: Executors) -> tuple[Text, Text]:
    return Text(
        ja=f"{instance.name}({instance.memory_gib:g} GiB)では JVM に {max(0, each.heap_mib)} MiB "
        "しか"
        f"渡せず、Spark を動かせません({LEAST_HEAP_MIB} MiB 以上が必要)。",
        en=f"{instance.name} leaves {max(0, each.heap_mib)} MiB for a JVM, too little for Spark.",
    ), Text(ja="c6i.2xlarge(16 GiB)以上なら作れます。", en="c6i.2xlarge (16 GiB) and larger work.")


def spark_conf(folder: Folder) -> dict[str, str]:
    """Return the settings of spark.conf. Raises UnreadableFileError."""
    lines = [line.split("#")[0].split() for line in folder.text("spark.conf").splitlines()]
    return {words[0]: words[1] for words in lines if len(words) == 2}


def _mib(conf: dict[str, str], key: str) -> int:
    match = _MIB_TEXT.fullmatch(conf.get(key, "0m"))
    if match is None:
        raise UnreadableFileError("spark.conf", f"{key} {conf[key]}")
    return int(match[1])


def executors_fit(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The executors of an instance use no more cores and memory than it has."""
    conf, instance = spark_conf(folder), instance_of(folder, catalogue)
    local = re.fullmatch(r"local\[(\d+)\]", conf.get("spark.master", ""))
    if local:
        count, cores = 1, int(local[1])
        memory = _mib(conf, "spark.driver.memory")
    else:
        cores = int(conf["spark.executor.cores"])
        total = int(conf["spark.executor.instances"])
        machines = int(folder.manifest["sheet"]["instances"])
        count = -(-total // machines)
        overhead = _mib(conf, "spark.executor.memoryOverhead")
        heap = _mib(conf, "spark.executor.memory")
        memory = count * (heap + overhead) + _mib(conf, "spark.driver.memory")
        yield judged(
            "overhead",
            overhead >= max(384, heap // 10),
            f"memoryOverhead {overhead} MiB、Spark の下限は {max(384, heap // 10)} MiB",
            f"memoryOverhead {overhead} MiB, at least {max(384, heap // 10)}",
        )
    yield judged(
        "cores",
        0 < count * cores <= instance.vcpus,
        f"{count} × {cores} = {count * cores} コア、{instance.vcpus} vCPU",
        f"{count * cores} cores on {instance.vcpus} vCPUs",
    )
    yield judged(
        "memory",
        0 < memory < instance.memory_mib,
        f"合計 {memory / MIB:.1f} GiB、{instance.name} は {instance.memory_gib:g} GiB",
        f"{memory / MIB:.1f} of {instance.memory_gib:g} GiB",
    )


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="Spark + MLflow のバッチ推論: 1 台またはクラスタ、収まる executor、s3a(CPU)",
        en="Batch inference with Spark and MLflow: one instance or a cluster, executors that fit",
    ),
    options=SparkOptions,
    build=build,
    level="executed",
    verified=Text(
        ja="Java 17 の上で、ディスクに保存した MLflow のモデルを使い local モードで実行しています。"
        "S3(s3a)と複数台では実行していません。",
        en="Run in local mode on Java 17 with an MLflow model saved to disk. Not run on S3 or on "
        "several instances.",
    ),
    checks=(executors_fit,),
)
