"""Read the output of nvidia-smi: who holds the memory of which GPU."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.charts import Text
from tools.sizing.doctor_words import Reading, gib, shown

_HEAD = re.compile(
    r"NVIDIA-SMI\s+[\d.]+.*?Driver Version:\s*([\d.]+)(?:.*?CUDA Version:\s*([\d.]+))?"
)
_USE = re.compile(r"(\d+)MiB\s*/\s*(\d+)MiB\s*\|(?:\s*(\d+)%)?")
_PROCESS = re.compile(
    r"^\|\s*(\d+)\s+(?:N/A\s+N/A\s+)?(\d{2,})\s+(?:C|G|C\+G|M\+C)\s+(\S.*?)\s+(\d+)MiB\s*\|",
    re.MULTILINE,
)
SMI = re.compile(r"NVIDIA-SMI|\d+MiB\s*/\s*\d+MiB")
_FULL = 0.9
_IDLE_PERCENT = 10
_ZOMBIE_MIB = 500
_NEW_DRIVER = 580
"""First driver branch of CUDA 13, for which the default PyTorch wheels are built."""


@dataclass(frozen=True, slots=True)
class _Gpu:
    index: int
    used_gib: float
    total_gib: float
    utilization: int | None


def read_smi(text: str) -> Reading:
    """Return what nvidia-smi shows."""
    found = Reading()
    gpus = [
        _Gpu(i, gib(used, "MiB"), gib(total, "MiB"), int(busy) if busy else None)
        for i, (used, total, busy) in enumerate(_USE.findall(text))
    ]
    processes = _PROCESS.findall(text)
    if not gpus:
        return found
    _usage(found, gpus)
    _processes(found, gpus, processes)
    _balance(found, gpus)
    _driver(found, text)
    return found


def _usage(found: Reading, gpus: list[_Gpu]) -> None:
    fullest = max(gpus, key=lambda gpu: gpu.used_gib / gpu.total_gib)
    found.figures |= {
        "gpus": float(len(gpus)),
        "used_gib": fullest.used_gib,
        "total_gib": fullest.total_gib,
        "free_gib": fullest.total_gib - fullest.used_gib,
    }
    used, total = shown(fullest.used_gib), shown(fullest.total_gib)
    full = fullest.used_gib > _FULL * fullest.total_gib
    found.find(
        (
            f"GPU {fullest.index} は {total} GiB のうち {used} GiB を使用中",
            f"GPU {fullest.index} has {used} of {total} GiB in use",
        ),
        ("ほぼ満杯です", "nearly full") if full else ("まだ余裕があります", "there is room left"),
    )
    if full:
        found.dominating = Text(
            ja=f"GPU {fullest.index} を占めるプロセス", en=f"the processes on GPU {fullest.index}"
        )


def _processes(found: Reading, gpus: list[_Gpu], rows: list[tuple[str, str, str, str]]) -> None:
    by_gpu: dict[int, list[tuple[str, str, float]]] = {}
    for index, pid, name, used in rows:
        by_gpu.setdefault(int(index), []).append((pid, name, gib(used, "MiB")))
    for index, held in by_gpu.items():
        if len(held) > 1:
            listed = ", ".join(f"{name} (PID {pid}): {shown(used)} GiB" for pid, name, used in held)
            found.find(
                (
                    f"GPU {index} に {len(held)} つのプロセスがあります",
                    f"GPU {index} has {len(held)} processes",
                ),
                (listed, listed),
            )
            smallest = min(held, key=lambda row: row[2])
            found.change(
                (
                    f"不要なら PID {smallest[0]}({smallest[1]})を終了する",
                    f"end PID {smallest[0]} ({smallest[1]}) if it is not needed",
                ),
                (f"{shown(smallest[2])} GiB 空きます", f"frees {shown(smallest[2])} GiB"),
            )
    hidden = [g for g in gpus if g.used_gib * 1024 > _ZOMBIE_MIB and not by_gpu.get(g.index)]
    if hidden:
        _hidden(found, hidden[0])


def _hidden(found: Reading, gpu: _Gpu) -> None:
    found.find(
        (
            f"GPU {gpu.index} の {shown(gpu.used_gib)} GiB を持つプロセスが一覧にありません",
            f"No listed process holds the {shown(gpu.used_gib)} GiB of GPU {gpu.index}",
        ),
        (
            "コンテナの中か、終了し損ねたプロセスが持っています",
            "it is in a container, or a process that did not end",
        ),
    )
    found.change(
        (
            "ホスト側で `fuser -v /dev/nvidia*` を実行し、残ったプロセスを終了する",
            "run `fuser -v /dev/nvidia*` on the host and end what is left",
        ),
        ("コンテナの中からは PID が見えません", "PIDs are not visible from inside a container"),
    )


def _balance(found: Reading, gpus: list[_Gpu]) -> None:
    idle = [g for g in gpus if g.used_gib < 1 and (g.utilization or 0) < _IDLE_PERCENT]
    busy = [g for g in gpus if g not in idle]
    if len(gpus) > 1 and idle and busy:
        found.find(
            (
                f"{len(gpus)} GPU のうち {len(idle)} GPU が空いています",
                f"{len(idle)} of {len(gpus)} GPUs are idle",
            ),
            (
                "1 つのプロセスが 1 枚だけを使っています",
                "one process uses one GPU only",
            ),
        )
        found.change(
            (
                f"torchrun --nproc-per-node {len(gpus)} か accelerate launch で全 GPU を使う",
                f"start with torchrun --nproc-per-node {len(gpus)} or accelerate launch",
            ),
            (
                "ZeRO や FSDP で状態を分ければ 1 枚あたりの使用量が減ります",
                "with ZeRO or FSDP each GPU then holds less",
            ),
        )
    slow = [g for g in busy if g.utilization is not None and g.utilization < _IDLE_PERCENT]
    if slow and busy:
        found.find(
            (
                f"GPU {slow[0].index} の使用率は {slow[0].utilization} %",
                f"GPU {slow[0].index} is busy {slow[0].utilization} % of the time",
            ),
            ("メモリは使っていても計算していません", "memory is held, but little is computed"),
        )


def _driver(found: Reading, text: str) -> None:
    head = _HEAD.search(text)
    if head and int(head[1].partition(".")[0]) < _NEW_DRIVER:
        found.find(
            (
                f"ドライバー {head[1]} は CUDA 13 より古い系統です",
                f"Driver {head[1]} is older than CUDA 13",
            ),
            (
                "PyTorch の標準ホイール(CUDA 13)には 580 以降が要ります。古いままなら cu126 "
                "版を使います",
                "the default PyTorch wheels (CUDA 13) need 580 or later; else use a cu126 build",
            ),
        )
