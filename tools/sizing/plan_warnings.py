"""What a training plan warns of: the GPU, the method, the network, prices that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.charts import Text
from tools.sizing.hardware import HALF_OVER_FP32, half_peak_tflops, sustained
from tools.sizing.limits import gpu_note
from tools.sizing.models import TrainingRequest
from tools.sizing.plan_words import EXPERTS_STAY, text
from tools.sizing.trial import Trial

MAX_NAMED = 5


def warnings_of(
    trial: Trial, request: TrainingRequest, others: Sequence[Trial]
) -> tuple[Text, ...]:
    """Return what a reader of the plan has to know before starting it."""
    return (
        *_targets(request),
        *_gpu(trial),
        *_method(trial),
        *_network(trial),
        *_unpriced(others),
    )


def _gpu(trial: Trial) -> Iterator[Text]:
    note = gpu_note(trial.machine.gpu)
    if note and not trial.machine.gpu.bf16:
        yield note
    yield from _unmeasured(trial)


def _method(trial: Trial) -> Iterator[Text]:
    setup = trial.setup
    if setup.engine == "trainer" and setup.method == "full" and setup.precision == "bf16":
        yield text(
            "Trainer は bf16 のチェックポイントを bf16 のまま更新します(fp32 "
            "マスター重みなし、"
            "1 パラメータ 8 バイト)。長い学習では fp32 読み込み(16 "
            "バイト)も検討してください。",
            "Trainer updates a bf16 checkpoint in bf16 (no fp32 master weights, 8 bytes a "
            "parameter); for long runs consider loading in fp32 (16 bytes).",
        )
    if setup.method == "qlora" and trial.spec.experts:
        yield text(f"{EXPERTS_STAY.ja}。", f"{EXPERTS_STAY.en}.")


def _network(trial: Trial) -> Iterator[Text]:
    name = trial.machine.name
    if trial.run.bound == "communication":
        yield text(
            "計算より GPU 間の通信に時間がかかる見込みで、速度はネットワークで決まります。"
            if trial.count > 1
            else "計算より GPU 間の通信に時間がかかる見込みで、速度は PCIe で決まります。",
            "Communication between GPUs takes longer than computing: it decides about the speed.",
        )
    if trial.count > 1 and trial.machine.efa:
        yield text(
            "複数台は同じプレイスメントグループに置き、EFA のセキュリティグループで"
            "自分自身との通信を許可してください。",
            "Put the instances in one placement group, and let the EFA security group allow "
            "traffic with itself.",
        )
    elif trial.count > 1:
        yield text(
            f"{name} には EFA がなく、台数間の通信は TCP で遅くなります。"
            "EFA のあるサイズを勧めます。",
            f"{name} has no EFA: traffic between instances is TCP and slow. "
            "Prefer a size that has it.",
        )


def _unpriced(others: Sequence[Trial]) -> Iterator[Text]:
    names = [t.machine.name for t in others if t.usd_per_hour is None][:MAX_NAMED]
    if names:
        yield text(
            f"料金が未収録で順位に入れていないもの: {'、'.join(names)}。",
            f"Without a price, so not ranked: {', '.join(names)}.",
        )


def _targets(request: TrainingRequest) -> Iterator[Text]:
    """Yield what was asked for and could not be checked."""
    if request.budget_jpy and request.budget_usd is None:
        yield text(
            "円の予算は、為替レートの指定がないため確かめていません(「1ドル150円」のように添えてください)。",
            "The budget in yen was not checked: give a rate, such as 150 yen to the dollar.",
        )
    if (request.budget_usd or request.deadline_hours) and request.tokens is None:
        yield text(
            "予算・期限は、学習するトークン数の指定がないため確かめていません(「1Bトークン」のように添えてください)。",
            "Budget and deadline were not checked: say how many tokens to train on.",
        )


def _unmeasured(trial: Trial) -> Iterator[Text]:
    """Yield that no published run backs the speed, and what the peak stands on."""
    gpu = trial.machine.gpu
    if sustained(gpu).measured:
        return
    yield text(
        f"{gpu.key} での学習には公開された実測がなく、速度と費用は幅の大きい推定です。",
        f"No published training run backs the {gpu.key}: speed and cost are wide estimates.",
    )
    if not gpu.tflops:
        yield text(
            f"{gpu.key} の演算性能とメモリ帯域は公表値がなく、速度は控えめな仮の値です。",
            f"Compute and bandwidth of the {gpu.key} are not published; the speed is a low guess.",
        )
    elif not (gpu.tflops.get("bf16") or gpu.tflops.get("fp16")):
        peak = f"{half_peak_tflops(gpu):,.0f}"
        yield text(
            f"MFU の分母は {peak} TFLOPS(16 ビットの公表値がないため fp32 の "
            f"{HALF_OVER_FP32} 倍と仮定)です。",
            f"MFU is of {peak} TFLOPS: {HALF_OVER_FP32} times fp32, as no 16-bit figure is "
            "published.",
        )
