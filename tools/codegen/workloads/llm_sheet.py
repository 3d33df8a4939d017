"""The sheet of a training plan: values with reasons, memory, expected speed and cost."""

from __future__ import annotations

from collections.abc import Iterator

from tools.charts import Text
from tools.codegen.spec import Setting, Sheet
from tools.codegen.wheels import TorchWheel
from tools.sizing.models import Range, TrainingPlan

VARIABLES = {
    "PYTORCH_ALLOC_CONF": "断片化を減らす",
    "NCCL_SOCKET_IFNAME": "NCCL の制御通信に使うネットワーク(docker0 や lo を避ける)",
    "NCCL_SHM_USE_CUDA_MEMCPY": "NVLink のない GPU 間の転送を速くする(g5・g6 で約 2 倍)",
    "NCCL_DEBUG": "起動時に EFA が使われているか確かめられる",
    "FI_EFA_USE_HUGE_PAGE": "fork したプロセスがメモリを確保できないときのため",
    "OMP_NUM_THREADS": "プロセスごとの CPU スレッド数",
}
"""Why the launch script sets a variable."""
_METHODS = {"full": "フルファインチューニング", "lora": "LoRA", "qlora": "QLoRA(NF4)"}
_METHODS_EN = {"full": "full fine-tuning", "lora": "LoRA", "qlora": "QLoRA (NF4)"}
_OFFLOAD = {
    "none": "なし",
    "optimizer-cpu": "オプティマイザ → CPU",
    "optimizer-param-cpu": "オプティマイザと重み → CPU",
    "optimizer-nvme": "オプティマイザ → NVMe",
    "all-nvme": "オプティマイザと重み → NVMe",
}


def sheet_of(plan: TrainingPlan, wheel: TorchWheel) -> Sheet:
    """Return the sheet of a plan."""
    place = plan.placement
    return Sheet(
        title=title_of(plan),
        instance=place.instance,
        gpu=place.gpu,
        instances=place.instances,
        quote=place.quote,
        settings=tuple(_settings(plan, wheel)),
        memory=plan.memory,
        expected=tuple(_expected(plan)),
        warnings=plan.warnings,
        choices=plan.choices,
        rejected=plan.rejected,
    )


def title_of(plan: TrainingPlan) -> Text:
    """Return the headline: what is trained how, on what."""
    engine = f"DeepSpeed ZeRO-{plan.zero_stage}" if plan.engine == "deepspeed" else "Trainer"
    place = plan.placement
    count = f" × {place.instances} 台" if place.instances > 1 else ""
    count_en = f" x {place.instances}" if place.instances > 1 else ""
    return Text(
        ja=f"{plan.model.name} の{_METHODS[plan.method]}({engine}、{place.instance.name}{count})",
        en=f"{_METHODS_EN[plan.method]} of {plan.model.name} "
        f"({engine}, {place.instance.name}{count_en})",
    )


def _setting(key: str, value: str | float | bool, ja: str, en: str, unit: str = "") -> Setting:
    return Setting(key=key, value=value, why=Text(ja=ja, en=en), unit=unit)


def _settings(plan: TrainingPlan, wheel: TorchWheel) -> Iterator[Setting]:
    gpu = plan.placement.gpu
    name = gpu.model if gpu else "GPU"
    yield _setting("method", plan.method, _METHODS[plan.method], _METHODS_EN[plan.method])
    yield from _engine(plan)
    yield _setting("precision", plan.precision, *_precision(plan, name))
    yield _setting(
        "micro_batch",
        plan.micro_batch,
        "1 GPU が 1 回に処理する系列数。メモリに収まる大きさ",
        "Sequences of one GPU at a time; what fits into memory",
    )
    yield _setting(
        "global_batch",
        plan.global_batch,
        f"{plan.micro_batch} × 勾配累積 {plan.accumulation} × {plan.placement.gpus} GPU",
        f"{plan.micro_batch} x accumulation {plan.accumulation} x {plan.placement.gpus} GPUs",
    )
    yield _setting(
        "sequence_length", plan.sequence_length, "1 系列のトークン数", "Tokens of one sequence"
    )
    yield _setting(
        "checkpointing",
        plan.checkpointing,
        "活性を捨てて再計算する。メモリが減り、計算は約 1/3 増える"
        if plan.checkpointing
        else "メモリに余裕があるので再計算しない",
        "Recompute activations: less memory, about a third more compute"
        if plan.checkpointing
        else "Memory suffices without recomputing activations",
    )
    yield from _libraries(plan, wheel, name)


def _libraries(plan: TrainingPlan, wheel: TorchWheel, name: str) -> Iterator[Setting]:
    if "sdpa" not in plan.model.attention:
        yield _setting(
            "attention",
            "eager",
            f"{plan.model.name} は Transformers で SDPA に対応していない",
            f"Transformers has no SDPA for {plan.model.name}",
        )
    else:
        yield _setting(
            "attention",
            "sdpa",
            "PyTorch 標準。対応 GPU では FlashAttention のカーネルを使い、"
            "flash-attn の導入は要らない",
            "PyTorch's own; it uses FlashAttention kernels where the GPU has them",
        )
    if plan.liger:
        yield _setting(
            "liger",
            True,
            "ほかの方法では収まらないため、融合カーネルでメモリを減らす(liger-kernel、未実行)",
            "Fused kernels save the memory that nothing else does (liger-kernel, not run here)",
        )
    if plan.lora_rank:
        yield _setting(
            "lora_rank",
            plan.lora_rank,
            f"学習するパラメータは {plan.trainable_parameters:,} 個",
            f"{plan.trainable_parameters:,} trainable parameters",
        )
    tested = "テストで実行した版" if wheel.tested else f"{name} のカーネルを含む最後の版。未実行"
    tested_en = (
        "the version the tests run" if wheel.tested else f"last with {name} kernels, untested"
    )
    yield _setting("torch", wheel.version, tested, tested_en)


def _engine(plan: TrainingPlan) -> Iterator[Setting]:
    if plan.engine != "deepspeed":
        several = plan.placement.gpus > 1
        yield _setting(
            "engine",
            "trainer",
            "各 GPU がモデル全体を持つ(DDP)" if several else "1 GPU なので分割は要らない",
            "Every GPU holds the whole model (DDP)" if several else "One GPU: nothing to split",
        )
        return
    yield _setting("zero_stage", plan.zero_stage, *_STAGES[plan.zero_stage])
    yield _setting(
        "offload",
        plan.offload,
        _OFFLOAD[plan.offload],
        "what leaves the GPU" if plan.offload != "none" else "everything stays on the GPU",
    )


_STAGES = {
    0: ("分割なし(DDP と同じ)", "Nothing is split"),
    1: ("オプティマイザの状態を GPU 間で分割", "Optimizer states are split over the GPUs"),
    2: ("オプティマイザの状態と勾配を分割", "Optimizer states and gradients are split"),
    3: ("重みも分割。通信は増える", "Weights are split too, at the price of communication"),
}


def _precision(plan: TrainingPlan, name: str) -> tuple[str, str]:
    if plan.precision == "bf16":
        return f"{name} は bf16 に対応。損失スケールが要らない", f"{name} has bf16; no loss scaling"
    if plan.precision == "fp16":
        return f"{name} は bf16 に対応しない", f"{name} has no native bf16"
    return "混合精度を使わない", "No mixed precision"


def _expected(plan: TrainingPlan) -> Iterator[Setting]:
    run = plan.run
    why = run.assumption
    speed = Text(ja="速度", en="speed")
    yield Setting(
        key="speed", value=_range(run.tokens_per_second), unit="tokens/s", why=why, label=speed
    )
    if run.hours:
        text = Text(ja=f"{run.tokens or 0:,} トークン", en=f"{run.tokens or 0:,} tokens")
        label = Text(ja="時間", en="hours")
        yield Setting(key="hours", value=_range(run.hours), unit="h", why=text, label=label)
    if run.usd:
        text = Text(ja="時間 × 台数 × 料金", en="hours x instances x price")
        label = Text(ja="費用", en="cost")
        yield Setting(key="cost", value=_range(run.usd), unit="USD", why=text, label=label)


def _range(found: Range) -> str:
    def shown(value: float) -> str:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    return f"{shown(found.expected)}({shown(found.low)}〜{shown(found.high)})"
