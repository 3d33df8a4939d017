"""Read an out-of-memory traceback: how much was asked for, what held the rest, and where it broke.

Covers the messages of torch 1.x (`cached`, `reserved in total`), 2.0, 2.1 (`capacty`) and later, of
the CPU allocator, of killed processes and of vLLM's start-up checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.sizing.doctor_remedies import NAMES, REMEDIES
from tools.sizing.doctor_words import Cause, Reading, gib, shown

_AMOUNT = r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)"
_PATTERNS: dict[str, tuple[str, ...]] = {
    "tried_gib": (rf"[Tt]ried to allocate\s+{_AMOUNT}",),
    "capacity_gib": (rf"total capac(?:i)?ty of\s+{_AMOUNT}", rf"{_AMOUNT}\s+total capacity"),
    "free_gib": (rf"of which\s+{_AMOUNT}\s+is free", rf"{_AMOUNT}\s+free"),
    "process_gib": (rf"this process has\s+{_AMOUNT}\s+memory in use",),
    "allocated_gib": (
        rf"{_AMOUNT}\s+is allocated by PyTorch",
        rf"{_AMOUNT}\s+already allocated",
    ),
    "unallocated_gib": (rf"{_AMOUNT}\s+is reserved by PyTorch but unallocated",),
    "reserved_gib": (rf"{_AMOUNT}\s+reserved in total", rf"{_AMOUNT}\s+cached"),
}
_OTHERS = re.compile(rf"Process \d+ has\s+{_AMOUNT}\s+memory in use")
_HOST = re.compile(
    r"DefaultCPUAllocator|Cannot allocate memory|exit(?:ed with)? ?code:? -9|SIGKILL|Signal 9|"
    r"oom-kill|Out of memory: Killed process|MemoryError|unable to mmap",
    re.IGNORECASE,
)
_VLLM_LENGTH = re.compile(
    r"max seq(?:uence)? len(?:gth)? \((\d+)\)|"
    r"maximum number of tokens that can be stored in KV cache \((\d+)\)"
)
_VLLM_KV = re.compile(rf"{_AMOUNT}\s+KV cache is needed.*?available KV cache memory \({_AMOUNT}\)")
OOM = re.compile(
    r"out of memory|OutOfMemoryError|No available memory for the cache blocks|"
    r"CUBLAS_STATUS_ALLOC_FAILED|"
    r"can't allocate memory|KV cache is needed|maximum number of tokens that can be stored in "
    r"KV cache",
    re.IGNORECASE,
)
_PLACES: tuple[tuple[Cause, re.Pattern[str]], ...] = (
    (
        "optimizer",
        re.compile(r"exp_avg|_multi_tensor_adam|optimizer\.step|optim/adam|_init_group|adamw\.py"),
    ),
    (
        "logits",
        re.compile(
            r"cross_entropy|logits\.float|logits = |lm_head|log_softmax|nll_loss|loss_utils"
        ),
    ),
    (
        "attention",
        re.compile(r"eager_attention|attn_weights|softmax\(|baddbmm|torch\.matmul\(query"),
    ),
    (
        "kv_cache",
        re.compile(
            r"past_key_value|cache_utils|DynamicCache|cache blocks|KV cache|generation/utils"
        ),
    ),
    (
        "live_parameters",
        re.compile(r"partition_param|all_gather|fetch_sub_module|_allgather_params|coordinator"),
    ),
    (
        "weights",
        re.compile(
            r"from_pretrained|_load_state_dict|load_model|model\.to\(|\.cuda\(\)|"
            r"_materialize|set_module_tensor|modeling_utils"
        ),
    ),
    (
        "gradients",
        re.compile(r"loss\.backward|\.backward\(|autograd/__init__|accelerator\.backward"),
    ),
    (
        "activations",
        re.compile(r"forward\(|down_proj|act_fn|gelu|self\.mlp|_call_impl|conv2d|F\.linear"),
    ),
)
_FRAGMENTED = 0.1
"""Share of the GPU that lies reserved and idle from which fragmentation is a cause."""
_FOREIGN_GIB = 1.0
"""More than this outside the process is another process, not the CUDA context."""


def read_traceback(text: str, gpus: Iterable[Gpu]) -> Reading:
    """Return what a traceback says. `gpus` are those of the catalogue."""
    found = Reading(figures=_amounts(text))
    cause = _place(text)
    if _HOST.search(text) and "capacity_gib" not in found.figures:
        cause = "host"
    _describe(found, gpus)
    _lengths(found, text)
    fragmented = _fragmentation(found)
    foreign = _foreign(found, text)
    first: Cause | None = "other_process" if foreign else cause
    if first is None:
        first = "fragmentation" if fragmented else "activations"
    if cause:
        found.find(
            (f"止まった場所: {NAMES[cause][0]}", f"Where it stopped: {NAMES[cause][1]}"),
            ("スタックトレースの呼び出し元から", "from the frames of the traceback"),
        )
    found.dominating = Text(ja=NAMES[first][0], en=NAMES[first][1])
    found.changes_of(REMEDIES[cause or "activations"])
    _hopeless(found)
    return found


def _amounts(text: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, patterns in _PATTERNS.items():
        match = next((m for p in patterns if (m := re.search(p, text))), None)
        if match:
            figures[name] = gib(match[1], match[2])
    if "reserved_gib" in figures and "allocated_gib" in figures:
        figures["unallocated_gib"] = max(figures["reserved_gib"] - figures["allocated_gib"], 0.0)
    return figures


def _place(text: str) -> Cause | None:
    """Return what the innermost telling frame belongs to."""
    message = OOM.search(text)
    frames = text[: message.start()] if message else text
    lines = [line for line in frames.splitlines() if line.strip()][-60:]
    for line in reversed(lines):
        for cause, pattern in _PLACES:
            if cause not in ("activations", "gradients") and pattern.search(line):
                return cause
    for cause, pattern in _PLACES:
        if pattern.search(text):
            return cause
    return None


def _describe(found: Reading, gpus: Iterable[Gpu]) -> None:
    figures = found.figures
    if "tried_gib" in figures:
        tried = shown(figures["tried_gib"])
        free = figures.get("free_gib")
        rest = (
            (f"、空きは {shown(free)} GiB", f", {shown(free)} GiB free")
            if free is not None
            else ("", "")
        )
        found.find(
            (
                f"{tried} GiB を確保できませんでした{rest[0]}",
                f"{tried} GiB could not be allocated{rest[1]}",
            ),
            (
                "この 1 回の確保が最後の一押しです",
                "this allocation was the last straw, not the whole need",
            ),
        )
    if "capacity_gib" in figures:
        capacity = figures["capacity_gib"]
        names = [
            g.key for g in gpus if g.usable_gib and abs(g.usable_gib - capacity) < 0.03 * capacity
        ]
        listed = " / ".join(names)
        found.find(
            (f"GPU の容量は {shown(capacity)} GiB", f"The GPU offers {shown(capacity)} GiB"),
            (f"{listed} に相当します", f"matches {listed}") if names else ("", ""),
        )
    if "allocated_gib" in figures:
        held = shown(figures["allocated_gib"])
        found.find(
            (f"PyTorch が使用中のメモリは {held} GiB", f"PyTorch holds {held} GiB in live tensors"),
            (
                "重み・勾配・オプティマイザ・中間値の合計です",
                "weights, gradients, optimizer states and activations together",
            ),
        )


def _fragmentation(found: Reading) -> bool:
    idle, figures = found.figures.get("unallocated_gib", 0.0), found.figures
    capacity = figures.get("capacity_gib", 0.0)
    if not capacity or idle < max(_FRAGMENTED * capacity, figures.get("tried_gib", 0.0)):
        return False
    found.find(
        (
            f"確保済みで未使用の領域が {shown(idle)} GiB あります",
            f"{shown(idle)} GiB is reserved but not in use",
        ),
        (
            "合計は足りても、連続した領域がない断片化です",
            "enough in all, but in pieces: fragmentation",
        ),
    )
    found.change(
        (
            "PYTORCH_ALLOC_CONF=expandable_segments:True を設定する(torch 2.8 以前は "
            "PYTORCH_CUDA_ALLOC_CONF)",
            "set PYTORCH_ALLOC_CONF=expandable_segments:True (older torch: "
            "PYTORCH_CUDA_ALLOC_CONF)",
        ),
        ("コードを変えずに断片化を減らせます", "less fragmentation, no change of code"),
    )
    return True


def _foreign(found: Reading, text: str) -> bool:
    """Whether other processes hold much of the GPU."""
    figures = found.figures
    others = [gib(number, unit) for number, unit in _OTHERS.findall(text)]
    outside = sum(others)
    if "process_gib" not in figures and others:
        outside -= max(others)  # torch 2.1 names its own process by number too
    if not others and {"capacity_gib", "free_gib", "process_gib"} <= figures.keys():
        outside = figures["capacity_gib"] - figures["free_gib"] - figures["process_gib"]
    if not others and {"capacity_gib", "free_gib", "reserved_gib"} <= figures.keys():
        outside = figures["capacity_gib"] - figures["free_gib"] - figures["reserved_gib"]
        outside -= _FOREIGN_GIB  # the CUDA context
    if outside < _FOREIGN_GIB:
        return False
    figures["other_process_gib"] = outside
    found.find(
        (
            f"ほかのプロセスが {shown(outside)} GiB を使っています",
            f"Other processes hold {shown(outside)} GiB",
        ),
        (
            "残ったプロセスやノートブックがよくある原因です",
            "often a left-over process or a notebook",
        ),
    )
    found.change(
        (
            "nvidia-smi で確かめ、不要なプロセスを終了する",
            "look at nvidia-smi and end the processes that are not needed",
        ),
        ("設定を変えずに空きが増えます", "frees memory without any change of settings"),
    )
    return outside > 0.3 * figures.get("capacity_gib", outside)


def _lengths(found: Reading, text: str) -> None:
    """Read vLLM's refusals: the context asked for against what the KV cache holds."""
    if kv := _VLLM_KV.search(text):
        found.figures["kv_needed_gib"] = gib(kv[1], kv[2])
        found.figures["kv_available_gib"] = gib(kv[3], kv[4])
        needed, free = (shown(found.figures[f"kv_{name}_gib"]) for name in ("needed", "available"))
        found.find(
            (
                f"KV キャッシュに {needed} GiB 必要で、使えるのは {free} GiB です",
                f"The KV cache needs {needed} GiB and {free} GiB is available",
            ),
            ("最長の 1 リクエストも置けません", "not even one request of full length fits"),
        )
    asked, held = None, None
    for match in _VLLM_LENGTH.finditer(text):
        asked, held = (match[1] or asked), (match[2] or held)
    if asked and held:
        found.figures |= {"context_tokens": float(asked), "kv_tokens": float(held)}
        found.change(
            (f"max_model_len を {held} 以下にする", f"set max_model_len to {held} or less"),
            (
                f"置けるのは {held} トークンで、指定は {asked} トークンです",
                f"{held} tokens fit, {asked} were asked for",
            ),
        )


def _hopeless(found: Reading) -> None:
    """Say so when the live tensors alone nearly fill the GPU."""
    figures = found.figures
    capacity, held = figures.get("capacity_gib"), figures.get("allocated_gib")
    if capacity and held and held > 0.85 * capacity:
        found.change(
            ("メモリの大きい GPU に替えるか、枚数を増やす", "use a larger GPU, or more of them"),
            (
                "使用中のテンソルだけで容量の大半を占めています。「ask size "
                "train」で収まる構成を探せます",
                "live tensors alone fill most of it; `ask size train` finds what fits",
            ),
        )
