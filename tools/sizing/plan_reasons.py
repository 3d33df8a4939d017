"""Why a plan is as it is: each choice with its reason, and what was rejected, with the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.sizing.models import Choice, Rejection, TrainingRequest
from tools.sizing.plan_words import OFFLOADS, chose, gib, rejected
from tools.sizing.training_search import by_token
from tools.sizing.trial import Trial


def choices_of(trial: Trial, request: TrainingRequest) -> tuple[Choice, ...]:
    """Return the decisions of a plan."""
    return (
        *_engine(trial),
        *_memory_savers(trial, request),
        *_numbers(trial, request),
        *_precision(trial, request),
    )


def placement_choice(
    trial: Trial, request: TrainingRequest, others: Sequence[Trial]
) -> Iterator[Choice]:
    """Yield why a machine that nobody named was chosen, with how far the next one is."""
    if request.instance is not None or trial.usd_per_hour is None:
        return
    priced = [other for other in others if other.usd_per_hour is not None]
    ja, en = _machines(trial)
    if not by_token(request, [trial, *others]):
        yield chose(
            ja,
            en,
            "1 台で収まる中で、1 時間の料金が最も安いものです",
            "the lowest hourly price of the single instances that fit",
        )
        return
    why_ja, why_en = "1 トークンあたりの費用が最も安い構成です", "the lowest cost of a token"
    if priced:
        next_ja, next_en = _machines(priced[0])
        more = round(100 * (priced[0].usd_per_token / trial.usd_per_token - 1))
        far_ja, far_en = (f"約 {more} % 高い", f"about {more} % higher") if more else _SAME
        why_ja += f"(次は {next_ja}で、{far_ja}推定)"
        why_en += f" (the next, {next_en}, is estimated {far_en})"
    yield chose(ja, en, why_ja, why_en)


_SAME = ("ほぼ同じ", "about the same")


def _machines(trial: Trial) -> tuple[str, str]:
    name, count = trial.machine.name, trial.count
    return (name, name) if count == 1 else (f"{name} {count} 台", f"{count} × {name}")


def rejections_of(trial: Trial, request: TrainingRequest) -> tuple[Rejection, ...]:
    """Return what was tried and does not fit, from large changes to small ones."""
    return tuple(_rejections(trial, request))


def _engine(trial: Trial) -> Iterator[Choice]:
    setup = trial.setup
    if setup.engine == "trainer" and setup.gpus == 1:
        yield chose(
            "1 GPU なので Transformers Trainer",
            "Transformers Trainer on one GPU",
            "分散の設定が要らず、通信もありません",
            "nothing to split and no communication",
        )
    elif setup.engine == "trainer":
        yield chose(
            "DDP(全 GPU に同じ重み)",
            "DDP (the same weights on every GPU)",
            "学習するのはアダプタだけで、状態を分けなくても収まります",
            "only adapters are trained, so nothing has to be split",
        )
    elif setup.zero_stage == 2:
        yield chose(
            "DeepSpeed ZeRO-2",
            "DeepSpeed ZeRO-2",
            "勾配とオプティマイザを分ければ収まり、ZeRO-3 より通信が少なくて済みます",
            "splitting gradients and optimizer is enough, with less traffic than ZeRO-3",
        )
    elif setup.zero_stage == 3:
        yield chose(
            "DeepSpeed ZeRO-3" if setup.engine == "deepspeed" else "FSDP",
            "DeepSpeed ZeRO-3" if setup.engine == "deepspeed" else "FSDP",
            "重みも GPU 間で分けないと収まりません",
            "the weights have to be split over the GPUs too",
        )


def _memory_savers(trial: Trial, request: TrainingRequest) -> Iterator[Choice]:
    setup = trial.setup
    if setup.offload != "none":
        ja, en = OFFLOADS[setup.offload]
        plain = trial.with_setup(offload="none")
        yield chose(
            ja,
            en,
            f"GPU だけでは 1 枚あたり {gib(plain.peak_gib)} GiB 必要です(そのぶん遅くなります)",
            f"without it each GPU needs {gib(plain.peak_gib)} GiB (at the price of speed)",
        )
    if setup.checkpointing and request.checkpointing is None:
        kept = trial.with_setup(checkpointing=False)
        yield chose(
            "勾配チェックポイントを使う",
            "activation checkpointing",
            f"使わないと同じバッチで {gib(kept.peak_gib)} GiB 必要です。計算は約 3 割増えます",
            f"the same batch needs {gib(kept.peak_gib)} GiB without; about 30 % more compute",
        )
    if setup.liger and not request.liger:
        plain = trial.with_setup(liger=False)
        yield chose(
            "Liger カーネル",
            "Liger kernels",
            f"ロジットを丸ごと持たずに済みます(使わないと {gib(plain.peak_gib)} GiB)",
            f"the logits are never held whole ({gib(plain.peak_gib)} GiB without)",
        )


def _numbers(trial: Trial, request: TrainingRequest) -> Iterator[Choice]:
    setup = trial.setup
    if trial.count > 1 and request.instances is None:
        yield chose(
            f"{trial.count} 台",
            f"{trial.count} instances",
            "オフロードなしで収まる最小の台数です",
            "the fewest that fit without offload",
        )
    if request.micro_batch is None:
        yield chose(
            f"マイクロバッチ {setup.micro_batch}",
            f"micro-batch {setup.micro_batch}",
            "余裕を残して収まる最大の値です",
            "the largest that fits with room to spare",
        )


def _precision(trial: Trial, request: TrainingRequest) -> Iterator[Choice]:
    gpu, setup = trial.machine.gpu, trial.setup
    if request.precision is None and setup.precision == "bf16":
        yield chose(
            "bf16",
            "bf16",
            f"{gpu.key} が対応し、損失のスケーリングが要りません",
            f"the {gpu.key} has it, and no loss scaling is needed",
        )
    elif request.precision is None:
        yield chose(
            "fp16",
            "fp16",
            f"{gpu.key}({gpu.architecture})は bf16 に対応していません",
            f"the {gpu.key} ({gpu.architecture}) has no bf16",
        )
    if request.attention is None and "sdpa" not in trial.spec.attention:
        yield chose(
            "eager",
            "eager",
            f"{trial.spec.name} は Transformers で SDPA に対応していません",
            f"Transformers has no SDPA for {trial.spec.name}",
        )
    if request.attention is None and setup.attention == "sdpa" and not gpu.flash_attention_2:
        yield chose(
            "SDPA",
            "SDPA",
            f"{gpu.key} では FlashAttention-2 が動きません",
            f"FlashAttention-2 does not run on the {gpu.key}",
        )


def _rejections(trial: Trial, request: TrainingRequest) -> Iterator[Rejection]:
    setup, limit = trial.setup, gib(trial.memory.budget_gib)
    fewer = _fewer(trial)
    if fewer and request.instances is None and not fewer.fits_gpu:
        yield rejected(
            f"{fewer.count} 台",
            f"{fewer.count} instances",
            f"1 枚あたり {gib(fewer.peak_gib)} GiB で、上限の {limit} GiB を超えます",
            f"{gib(fewer.peak_gib)} GiB on each GPU, more than the limit of {limit} GiB",
        )
    if setup.engine == "deepspeed" and setup.zero_stage == 3 and request.zero_stage is None:
        lower = trial.with_setup(zero_stage=2, micro_batch=1, checkpointing=True)
        if setup.offload == "none" and not lower.fits_gpu:
            yield rejected(
                "ZeRO-2",
                "ZeRO-2",
                f"重みを分けないと 1 枚あたり {gib(lower.peak_gib)} GiB です",
                f"with whole weights each GPU needs {gib(lower.peak_gib)} GiB",
            )
    larger = trial.with_setup(micro_batch=setup.micro_batch * 2)
    if request.micro_batch is None and not larger.fits_gpu:
        yield rejected(
            f"マイクロバッチ {setup.micro_batch * 2}",
            f"micro-batch {setup.micro_batch * 2}",
            f"{gib(larger.peak_gib)} GiB で、上限の {limit} GiB を超えます",
            f"{gib(larger.peak_gib)} GiB, more than the limit of {limit} GiB",
        )


def _fewer(trial: Trial) -> Trial | None:
    """Return the trial on the next smaller number of instances, as frugal as can be."""
    from dataclasses import replace

    from tools.sizing.placements import COUNTS

    smaller = [count for count in COUNTS if count < trial.count]
    if not smaller:
        return None
    count = smaller[-1]
    setup = trial.setup.model_copy(
        update={
            "gpus": trial.machine.devices * count,
            "micro_batch": 1,
            "checkpointing": True,
            "zero_stage": 3 if trial.setup.engine == "deepspeed" else trial.setup.zero_stage,
        }
    )
    return replace(trial, setup=setup, count=count)
