"""What is recomputed from the files of a `vllm` bundle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import yaml

from knowledge.ec2.catalogue import Catalogue
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder, UnreadableFileError
from tools.codegen.spec import Check, CheckFunction, judged
from tools.codegen.wheel_names import vllm_names

SERVER_ONLY = {"host", "port", "served_model_name"}
GIB = 2**30


def engine_of(folder: Folder) -> dict[str, Any]:
    """Return vllm.yaml with the names as Python spells them. Raises UnreadableFileError."""
    try:
        loaded: object = yaml.safe_load(folder.text("vllm.yaml"))
    except yaml.YAMLError as error:
        raise UnreadableFileError("vllm.yaml", str(error)) from error
    if not isinstance(loaded, dict):
        raise UnreadableFileError("vllm.yaml", "not a table")
    return {str(key).replace("-", "_"): value for key, value in loaded.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def arguments_exist(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Every argument is one of the wheel's, and the closed ones have one of its values."""
    del catalogue
    names, engine = vllm_names(), engine_of(folder)
    known = names.engine | names.server
    wrong = sorted(key for key in engine if key not in known)
    wrong += sorted(key for key in engine if key not in SERVER_ONLY | names.engine)
    wrong += [
        f"{key} {engine[key]}"
        for key, values in names.choices.items()
        if key in engine and engine[key] not in values
    ]
    sampling = _keywords(folder.text("offline.py"), "SamplingParams")
    wrong += sorted(sampling - names.sampling)
    yield judged(
        "vllm_arguments",
        bool(sampling) and not wrong,
        f"{len(engine) + len(sampling)} 個の引数を {names.wheel} と照合"
        + (f"。ないもの: {'、'.join(dict.fromkeys(wrong))}" if wrong else ""),
        f"{len(engine) + len(sampling)} arguments compared with {names.wheel}"
        + (f"; unknown: {', '.join(dict.fromkeys(wrong))}" if wrong else ""),
    )
    pinned = folder.requirements().get("vllm")
    yield judged(
        "vllm_version",
        pinned == names.version,
        f"requirements.txt は vllm {pinned}、照合したのは {names.version}",
        f"requirements.txt has vllm {pinned}; {names.version} was compared",
    )


def _keywords(source: str, function: str) -> set[str]:
    """Return the keywords of the calls of a function."""
    return {
        str(keyword.arg)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == function
        for keyword in node.keywords
    }


def serving_fits(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The GPUs are there, the heads divide, the type is native, one full request fits."""
    engine, instance = engine_of(folder), instance_of(folder, catalogue)
    gpu = catalogue.gpu_of(instance)
    plan: dict[str, Any] = folder.manifest["plan"]
    parallel, devices = engine["tensor_parallel_size"], instance.gpu.devices if instance.gpu else 0
    heads = plan["model"]["heads"]
    yield judged(
        "tensor_parallel",
        0 < parallel <= devices and heads % parallel == 0,
        f"{parallel} 分割、{instance.name} は {devices} GPU、注意ヘッド {heads}",
        f"over {parallel} of {devices} GPUs, {heads} heads",
    )
    native = engine["dtype"] != "bfloat16" or (gpu is not None and gpu.bf16)
    fp8_kv = str(engine.get("kv_cache_dtype", "auto")).startswith("fp8")
    yield judged(
        "precision",
        native and not (fp8_kv and gpu is not None and not gpu.fp8),
        f"dtype {engine['dtype']}、kv-cache-dtype {engine.get('kv_cache_dtype', 'auto')}、"
        f"{gpu.model if gpu else '-'}",
        f"dtype {engine['dtype']} on {gpu.model if gpu else '-'}",
    )
    yield _memory(engine, plan, parallel)


def _memory(engine: dict[str, Any], plan: dict[str, Any], parallel: int) -> Check:
    memory = plan["memory"]
    fixed = sum(term["gib"] for term in memory["terms"] if term["key"] != "kv_cache")
    # Beyond the number of KV heads the cache is replicated, not split further.
    split = min(parallel, max(1, plan["model"]["kv_heads"]))
    cache = plan["kv_bytes_per_token"] * engine["max_model_len"] / split / GIB
    offered = engine["gpu_memory_utilization"] * memory["usable_gib"]
    return judged(
        "memory",
        fixed + cache <= offered and 0 < engine["gpu_memory_utilization"] < 1,
        f"重みなど {fixed:.1f} + 最大長 1 件の KV {cache:.1f} GiB、使えるのは {offered:.1f} GiB",
        f"{fixed:.1f} + KV of one full request {cache:.1f} of {offered:.1f} GiB",
    )


CHECKS: tuple[CheckFunction, ...] = (arguments_exist, serving_fits)
