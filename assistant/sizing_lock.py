"""The number lock's rules for sizing: which words a figure of a plan must stand beside.

A part of the memory must be called by its name, a peak a peak, a speed a speed. Amounts of memory
may be written in any unit of bytes. grounding.py asks here for facts that begin with `size:`.
"""

from __future__ import annotations

from decimal import Decimal

from assistant.figures import FigureMention
from assistant.lock_rules import Equal, has_words, unit_of
from tools.facts import Fact

PREFIX = "size:"
_BYTES: dict[str, Decimal] = {
    "B": Decimal(1),
    "バイト": Decimal(1),
    "bytes": Decimal(1),
    "KB": Decimal(10) ** 3,
    "KiB": Decimal(2) ** 10,
    "MB": Decimal(10) ** 6,
    "MiB": Decimal(2) ** 20,
    "GB": Decimal(10) ** 9,
    "GiB": Decimal(2) ** 30,
    "TB": Decimal(10) ** 12,
    "TiB": Decimal(2) ** 40,
}
_SAME = {
    "×": "GPU",
    "tokens/s": "トークン/秒",
    "tokens": "トークン",
    "requests": "件",
    "request": "件",
    "人": "件",
    "users": "件",
    "リクエスト": "件",
    "seconds": "秒",
    "s": "秒",
    "samples": "件",
}
_COLUMNS = {"台数": "台", "Instances": "台"}
_WORDS: dict[str, tuple[str, ...]] = {
    "memory_parameters": ("パラメータ", "重み", "arameters", "eights"),
    "memory_gradients": ("勾配", "radients"),
    "memory_optimizer": ("オプティマイザ", "ptimizer", "Adam"),
    "memory_master": ("マスター", "aster"),
    "memory_activations": ("中間値", "アクティベーション", "活性", "ctivations"),
    "memory_logits": ("ロジット", "損失", "ogits", "oss"),
    "memory_live": ("集め", "展開", "athered", "Live", "live"),
    "memory_communication": ("通信", "バッファ", "ommunication", "uffers"),
    "memory_quantization": ("量子化", "uantisation", "uantization"),
    "memory_kv_cache": ("KV",),
    "memory_overhead": ("OS", "オーバーヘッド", "CUDA", "フレームワーク", "verhead", "ramework"),
    "memory_fragmentation": ("断片", "ragmentation"),
    "states": ("状態", "states"),
    "peak": ("ピーク", "合計", "必要", "peak", "Peak", "total", "Total", "needs", "needed"),
    "usable": ("使える", "中", "容量", "usable", "of"),
    "budget_usd": ("予算", "budget"),
    "budget": ("目安", "余裕", "budget", "limit"),
    "headroom": ("余", "不足", "超", "left", "short", "over"),
    "share": ("使える", "使用", "割合", "of"),
    "parameters": ("パラメータ", "arameters"),
    "active": ("アクティブ", "1 トークン", "ctive"),
    "trainable": ("学習", "アダプタ", "rainable", "trained"),
    "rank": ("ランク", "rank"),
    "host": ("ホスト", "メモリ", "Host", "host"),
    "nvme": ("NVMe",),
    "micro_batch": ("マイクロバッチ", "icro-batch"),
    "accumulation": ("累積", "ccumulation"),
    "global_batch": ("全体", "グローバル", "lobal"),
    "mfu": ("MFU",),
    "speed_user": ("1 人", "1 リクエスト", "単独", "user", "alone"),
    "first_token": ("最初", "first"),
    "usd_million": ("100 万トークン", "百万トークン", "illion"),
    "usd_hour": ("時", "hour", "/h"),
    "usd_month": ("月", "month"),
    "kv": ("KV",),
    "context_limit": ("最長", "最大", "longest", "max"),
    "tensor_parallel": ("テンソル並列", "ensor parallel", "TP"),
    "utilization": ("utilization",),
    "adam": ("Adam",),
    "zero": ("ZeRO", "状態", "states"),
    "checkpointed": ("中間値", "活性", "チェックポイント", "ctivations"),
    "logits": ("ロジット", "損失", "ogits"),
    "deadline": ("以内", "期限", "within", "deadline"),
    "length": ("系列", "文脈", "トークン", "長", "tokens", "context", "ength"),
}


def agrees(mention: FigureMention, fact: Fact, equal: Equal) -> bool:
    """Whether a figure may state a fact of a plan, by unit, words around it and value."""
    name = fact.attribute.removeprefix(PREFIX)
    if not has_words(f"{mention.label} {mention.unit}", name, _WORDS):
        return False
    if fact.unit in ("GiB", "GB"):
        size = _BYTES.get(mention.unit)
        return size is not None and equal(mention, fact.value * _BYTES[fact.unit] / size)
    unit = _SAME.get(mention.unit, "") or unit_of(mention, _COLUMNS)
    return unit == fact.unit and equal(mention, fact.value)
