"""All workloads, in the order in which `ask generate --list` shows them."""

from __future__ import annotations

from tools.codegen.spec import Workload
from tools.codegen.workloads import dask_preprocess, llm_train, xgboost
from tools.errors import ToolInputError

WORKLOADS: dict[str, Workload] = {
    workload.key: workload
     for workload in (
        dask_preprocess.WORKLOAD,
        xgboost.WORKLOAD,
        llm_train.WORKLOAD,
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
