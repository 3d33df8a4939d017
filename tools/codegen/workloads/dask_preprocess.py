"""`dask-preprocess`: clean and scale tables with Dask on one C instance or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType
from tools.charts import Text
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder
from tools.codegen.names import Columns, DataGlob, DataPath, SchedulerAddress
from tools.codegen.spec import Check, Draft, Options, Setting, Sheet, Workload, judged
from tools.codegen.workloads.placing import (
    at_least,
    choose_place,
    gpu_not_used,
    power_of_two,
    setting,
    templates,
)

KEY = "dask-preprocess"
MAX_THREADS = 4
"""Per worker process: pandas holds the interpreter lock for part of its work."""
RESERVED_GIB = 1.0
RESERVED_SHARE = 0.05
"""Of the machine's memory, for the system, the scheduler and the client."""
COPIES = 10
"""A CSV block grows by parsing and is held several times while it is transformed."""


class DaskOptions(Options):
    """What to preprocess."""

    input: DataGlob = "s3://my-bucket/raw/*.csv"
    output: DataPath = "s3://my-bucket/processed"
    scheduler: SchedulerAddress = ""
    """A running Dask scheduler; empty: a cluster on the instance."""
    target: Annotated[str, Field(max_length=200)] = ""
    log_columns: Columns = ()
    valid_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.1


def workers(instance: InstanceType) -> tuple[int, int, float]:
    """Return worker processes, threads of each, and memory of each in GiB."""
    threads = min(MAX_THREADS, instance.vcpus)
    processes = instance.vcpus // threads
    reserved = max(RESERVED_GIB, RESERVED_SHARE * instance.memory_gib)
    each = (instance.memory_gib - reserved) / processes
    return processes, threads, int(each * 10) / 10


def _settings(instance: InstanceType, config: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return the values with their reasons."""
    processes, threads = config["workers"], config["threads_per_worker"]
    size = f"{instance.vcpus} vCPU、{instance.memory_gib:g} GiB"
    return (
        setting(
            "workers",
            processes,
            f"{instance.name} は {size}。{processes} プロセス × {threads} スレッドで全 vCPU を使う",
            f"{instance.name} has {instance.vcpus} vCPUs: {processes} processes of {threads}",
        ),
        setting(
            "threads_per_worker",
            threads,
            "pandas は処理の一部で GIL を離さないため、プロセスも分ける",
            "pandas holds the interpreter lock in part, so there are processes too",
        ),
        setting(
            "memory_limit_gib",
            config["memory_limit_gib"],
            f"OS とスケジューラの分を除いたメモリを {processes} 等分。近づくと scratch に退避する",
            f"memory without the system's share, over {processes} workers",
            "GiB",
        ),
        setting(
            "block_mib",
            config["block_mib"],
            f"CSV の 1 区画。展開後の写しを含め約 {COPIES} 倍になっても 1 スレッドの分に収まる",
            f"one CSV partition: {COPIES} times of it fit into a thread's share",
            "MiB",
        ),
        setting(
            "scratch",
            config["scratch"],
            "メモリからあふれたデータの退避先"
            + (
                "(ローカル NVMe)"
                if instance.instance_store
                else "(EBS。d 付きの型なら NVMe がある)"
            ),
            "where data spill to",
        ),
    )


def build(catalogue: Catalogue, options: DaskOptions) -> Draft:
    """Return the bundle."""
    place = choose_place(catalogue, options, default="c6i.4xlarge", fits=at_least(16))
    instance = place.instance
    processes, threads, memory_gib = workers(instance)
    block_mib = min(256, power_of_two(memory_gib * 1024 / threads / COPIES))
    disk = "/local_nvme/dask" if instance.instance_store else "/tmp/dask"
    config = {
        "input": options.input,
        "output": options.output,
        "scheduler": options.scheduler,
        "workers": processes,
        "threads_per_worker": threads,
        "memory_limit_gib": memory_gib,
        "scratch": disk,
        "block_mib": block_mib,
        "target": options.target,
        "log_columns": list(options.log_columns),
        "valid_fraction": options.valid_fraction,
        "seed": 0,
    }
    return Draft(
        name=f"{KEY}-{instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"Dask の前処理(CSV → Parquet、{instance.name})",
                en=f"Dask preprocessing on {instance.name}",
            ),
            instance=instance,
            gpu=place.gpu,
            quote=place.quote,
            settings=_settings(instance, config),
            warnings=gpu_not_used(place),
        ),
        values={
            "config": config,
            "packages": ["dask[dataframe,distributed]", "numpy", "pandas", "pyarrow", "s3fs"],
            "exports": [("OMP_NUM_THREADS", "1", "並列化は Dask が行う")],
            "max_hours": None,
        },
        shown="config.toml",
        templates=templates(KEY, "preprocess.py"),
    )


def cluster_fits(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Workers use no more vCPUs and memory than the instance has."""
    config, instance = folder.toml(), instance_of(folder, catalogue)
    if config["scheduler"]:
        return
    threads = config["workers"] * config["threads_per_worker"]
    yield judged(
        "threads",
        threads <= instance.vcpus,
        f"{config['workers']} × {config['threads_per_worker']} = {threads} スレッド、"
        f"{instance.vcpus} vCPU",
        f"{threads} threads on {instance.vcpus} vCPUs",
    )
    memory = config["workers"] * config["memory_limit_gib"]
    yield judged(
        "memory",
        memory < instance.memory_gib,
        f"ワーカーの合計 {memory:.1f} GiB、{instance.name} は {instance.memory_gib:g} GiB",
        f"workers take {memory:.1f} of {instance.memory_gib:g} GiB",
    )


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="Dask の前処理: 欠損補完・log1p・標準化を並列に行い Parquet に書く(CPU、S3 対応)",
        en="Dask preprocessing: imputation, log1p and scaling in parallel, to Parquet (CPU, S3)",
    ),
    options=DaskOptions,
    build=build,
    level="executed",
    verified=Text(
        ja="合成データで LocalCluster を実際に動かし、"
        "欠損・0・文字列の列を含む結果を確かめています。",
        en="Run on a LocalCluster with synthetic data that hold gaps, zeros and text.",
    ),
    checks=(cluster_fits,),
)
