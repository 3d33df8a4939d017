"""What is recomputed from the files of an `llm-train` bundle.

Only the generated files and the catalogue are believed, not the plan: batch sizes, processes,
precision, states per GPU under ZeRO, host memory and disk for offload, EFA and spot settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.ec2.catalogue import Catalogue
from tools.codegen.checks import exported
from tools.codegen.deepspeed_schema import schema_problems
from tools.codegen.folder import Folder
from tools.codegen.spec import Check, CheckFunction, judged, skipped
from tools.codegen.wheels import versions
from tools.codegen.workloads.llm_files import Files, request_of, state_bytes
from tools.sizing.models import (
    TrainingPlan,
    TrainingRefusal,
)

GIB = 2**30
_PROCESSES = re.compile(r"--(?:nproc_per_node|num_gpus) (\d+)|^processes=(\d+)", re.MULTILINE)
_NODES = re.compile(r"--(?:nnodes|num_nodes) (\d+)")
_LAUNCHED = re.compile(r"sudo shutdown -P \"\+\$\(\((\d+) \* 60\)\)\"")
_HOST = re.compile(r"^(\S+) slots=(\d+)$", re.MULTILINE)
_ADAM = 12
"""Bytes per parameter of the fp32 master copy and Adam's two moments."""


def batch(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """global_batch = micro_batch x accumulation x GPUs, in both configurations."""
    files = Files(folder, catalogue)
    micro, whole = files.settings["micro_batch"], files.settings["global_batch"]
    accumulation, rest = divmod(whole, micro * files.gpus)
    agreed = not rest and accumulation > 0 and files.settings["gpus"] == files.gpus
    other = ""
    if files.deepspeed is not None:
        found = tuple(
            files.deepspeed.get(key)
            for key in (
                "train_batch_size",
                "train_micro_batch_size_per_gpu",
                "gradient_accumulation_steps",
            )
        )
        agreed = agreed and found == (whole, micro, accumulation)
        other = f"、ds_config.json は {found[0]} = {found[1]} × {found[2]} × GPU 数"
    yield judged(
        "batch",
        agreed,
        f"global_batch {whole} = micro_batch {micro} × 勾配累積 {accumulation} × {files.gpus} GPU"
        + ("" if agreed else f" が成り立ちません(余り {rest}{other})"),
        f"global_batch {whole}, micro_batch {micro}, {files.gpus} GPUs"
        + ("" if agreed else ": they do not agree"),
    )


def processes(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """launch.sh starts one process per GPU on every instance."""
    files = Files(folder, catalogue)
    script = folder.text("launch.sh")
    started = {int(a or b) for a, b in _PROCESSES.findall(script)}
    nodes = {int(found) for found in _NODES.findall(script)} or {1}
    hosts = [int(slots) for _, slots in _HOST.findall(folder.files.get("hostfile", ""))]
    agreed = started == {files.per_node} and nodes == {files.instances}
    if "--hostfile" in script:
        agreed = agreed and hosts == [files.per_node] * files.instances
    yield judged(
        "processes",
        agreed,
        f"{files.instances} 台 × {files.per_node} プロセス"
        + ("" if agreed else f"のはずが、launch.sh は {nodes} 台 × {started}、hostfile は {hosts}"),
        f"{files.instances} x {files.per_node} processes" + ("" if agreed else " expected"),
    )


def precision(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The GPU has the precision, and all files name the same one."""
    files = Files(folder, catalogue)
    wanted, loaded = files.settings["precision"], files.settings["load_dtype"]
    enabled = {
        name for name in ("bf16", "fp16") if (files.deepspeed or {}).get(name, {}).get("enabled")
    }
    name = files.gpu.model if files.gpu else "GPU"
    problems: list[str] = []
    if files.gpu and not files.gpu.bf16 and ("bf16" in {wanted, *enabled} or loaded == "bfloat16"):
        problems.append(f"{name} は bf16 に対応しません")
    if files.deepspeed is not None and enabled != ({wanted} - {"fp32"}):
        problems.append(f"config.toml は {wanted}、ds_config.json は {enabled or 'fp32'}")
    plain_full = files.deepspeed is None and files.settings["method"] == "full"
    if wanted == "fp16" and plain_full and loaded != "float32":
        problems.append("fp16 の学習には float32 の重みが要ります(load_dtype)")
    yield judged(
        "precision",
        not problems,
        "、".join(problems) or f"{name} で {wanted}",
        "; ".join(problems) or f"{wanted} on {name}",
    )


def states(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The model states of one GPU (ZeRO paper, table 1) are smaller than its memory."""
    files = Files(folder, catalogue)
    assert files.instance.gpu
    usable = (files.gpu.usable_gib if files.gpu else None) or files.instance.gpu.memory_gib
    usable *= files.instance.gpu.partition
    need = state_bytes(files) / GIB
    yield judged(
        "states",
        need <= usable,
        f"モデルの状態 {need:.1f} GiB / GPU、使える {usable:.1f} GiB",
        f"model states {need:.1f} GiB per GPU, {usable:.1f} GiB usable",
    )


def host_memory(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """What is offloaded fits into the host's memory, or on its NVMe disks."""
    files = Files(folder, catalogue)
    devices = {
        name: files.zero[name].get("device")
        for name in ("offload_optimizer", "offload_param")
        if name in files.zero
    }
    each = {"offload_optimizer": 4 + _ADAM, "offload_param": 2}
    on_host = sum(each[name] for name, device in devices.items() if device == "cpu")
    on_disk = sum(each[name] for name, device in devices.items() if device == "nvme")
    need = on_host * files.trained / files.instances / GIB
    memory = files.instance.memory_gib
    yield judged(
        "host_memory",
        need <= memory,
        f"CPU へ退避する状態 {need:.0f} GiB / 台、搭載メモリ {memory:.0f} GiB",
        f"offloaded states {need:.0f} GiB per instance, memory {memory:.0f} GiB",
    )
    store = files.instance.instance_store
    disk = on_disk * files.trained / files.instances / 1e9
    if on_disk:
        have = store.total_gb if store else 0
        yield judged(
            "nvme",
            disk <= have,
            f"NVMe へ退避する状態 {disk:.0f} GB / 台、ローカル NVMe {have} GB",
            f"offloaded to NVMe: {disk:.0f} GB per instance, {have} GB local",
        )


def network(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Several instances: the interface is named right, and all nodes get the same variables."""
    files = Files(folder, catalogue)
    if files.instances == 1:
        return
    variables = exported(folder)
    interface = variables.get("NCCL_SOCKET_IFNAME", "en")
    problems: list[str] = []
    if interface.startswith("eth"):
        problems.append(f"NCCL_SOCKET_IFNAME={interface} というインターフェースはありません(en…)")
    if "hostfile" in folder.files:
        sent = dict(
            line.split("=", 1) for line in folder.text(".deepspeed_env").splitlines() if "=" in line
        )
        if sent != variables:
            problems.append(".deepspeed_env と launch.sh の環境変数が違います")
    efa = files.instance.network.efa_interfaces
    stated = bool(folder.manifest["plan"]["placement"]["efa"])
    if stated and not efa:
        problems.append(f"{files.instance.name} に EFA はありません")
    link = f"EFA({efa} 枚)" if efa else "TCP(EFA なし)"
    yield judged(
        "network",
        not problems,
        "、".join(problems) or f"ノード間は {link}、NCCL の設定は自動",
        "; ".join(problems) or f"between nodes: {'EFA' if efa else 'TCP'}, NCCL decides by itself",
    )


def deepspeed_schema(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """ds_config.json is what the pinned DeepSpeed accepts."""
    files = Files(folder, catalogue)
    if files.deepspeed is None:
        return
    problems = schema_problems(files.deepspeed)
    version = versions()["deepspeed"]
    yield judged(
        "deepspeed_schema",
        not problems,
        f"DeepSpeed {version} のスキーマ" + ("に合う" if not problems else f": {problems}"),
        f"schema of DeepSpeed {version}" + (": accepted" if not problems else f": {problems}"),
    )
    yield skipped(
        "deepspeed_parser",
        "DeepSpeed 自身のパーサーと Transformers の統合は、ask generate --verify で確かめられます",
        "DeepSpeed's own parser and Transformers' integration run in ask generate --verify",
    )


def quantisation(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """QLoRA under ZeRO-3 stores its 4-bit weights in a type that can be split."""
    files = Files(folder, catalogue)
    if files.settings["method"] != "qlora" or files.zero.get("stage") != 3:
        return
    yield judged(
        "quantisation",
        "bnb_4bit_quant_storage=dtype" in folder.text("train.py"),
        "ZeRO-3 で QLoRA: bnb_4bit_quant_storage は重みと同じ型",
        "QLoRA under ZeRO-3: bnb_4bit_quant_storage equals the dtype of the weights",
    )


def spot(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Spot runs send checkpoints to S3, and the script's limit is that of the launch script."""
    del catalogue
    settings = folder.toml()
    if "checkpoint_s3" not in settings:
        return
    limits = [int(found) for found in _LAUNCHED.findall(folder.text("launch.sh"))]
    place = settings["checkpoint_s3"] or "CHECKPOINT_S3"
    told = place.startswith("s3://") or "${CHECKPOINT_S3:?" in folder.text("launch.sh")
    agreed = told and limits == [settings["max_hours"]]
    agreed = agreed and {"spot.py", "spot_callback.py"} <= set(folder.files)
    yield judged(
        "spot",
        agreed,
        f"{place} に保存、上限 {settings['max_hours']} 時間"
        + ("" if agreed else f"(launch.sh は {limits})"),
        f"saves to {place}, at most {settings['max_hours']} h",
    )


def fits(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The sizing engine, asked about exactly what the files say, finds that it fits."""
    from tools.sizing.plan import plan_training

    files = Files(folder, catalogue)
    found = plan_training(catalogue, request_of(files))
    if isinstance(found, TrainingPlan) and found.liger and not files.settings["liger"]:
        yield judged(
            "fits",
            False,
            "liger = true でないと GPU メモリに収まりません",
            "it does not fit without liger = true",
        )
    elif isinstance(found, TrainingPlan):
        peak, usable = found.memory.peak_gib, found.memory.usable_gib
        yield judged(
            "fits",
            True,
            f"ピーク {peak:.1f} GiB / GPU、使える {usable:.1f} GiB",
            f"peak {peak:.1f} GiB per GPU, {usable:.1f} GiB usable",
        )
    elif isinstance(found, TrainingRefusal):
        yield judged("fits", False, found.reason.ja, found.reason.en)


CHECKS: tuple[CheckFunction, ...] = (
    batch,
    processes,
    precision,
    states,
    host_memory,
    network,
    deepspeed_schema,
    quantisation,
    spot,
    fits,
)
