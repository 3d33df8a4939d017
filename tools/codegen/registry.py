"""All workloads, in the order in which `ask generate --list` shows them."""

from __future__ import annotations

from tools.codegen.spec import Workload
from tools.codegen.workloads import (
    cpu_infer,
    dask_preprocess,
    llm_train,
    sagemaker,
    spark_batch,
    tensorrt,
    video_detect,
    vit_lightning,
    vllm,
    xgboost,
)
from tools.errors import ToolInputError

WORKLOADS: dict[str, Workload] = {
    workload.key: workload
    for workload in (
        llm_train.WORKLOAD,
        vit_lightning.WORKLOAD,
        dask_preprocess.WORKLOAD,
        xgboost.WORKLOAD,
        spark_batch.WORKLOAD,
        cpu_infer.WORKLOAD,
        vllm.WORKLOAD,
        tensorrt.WORKLOAD,
        video_detect.WORKLOAD,
        sagemaker.REALTIME_WORKLOAD,
        sagemaker.MULTIMODEL_WORKLOAD,
    )
}


def find_workload(key: str) -> Workload:
    """Return the workload called `key`. Raises ToolInputError."""
    wanted = key.strip().lower().replace("_", "-")
    if wanted in WORKLOADS:
        return WORKLOADS[wanted]
    known = ", ".join(WORKLOADS)
    raise ToolInputError(
        f"「{key}」というワークロードはありません。使えるもの: {known}",
        f"There is no workload {key!r}. Known: {known}",
    )
