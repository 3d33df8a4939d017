"""`ask size`: does a model fit, on what, how fast, for how much. No model is asked in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ui.call import Call, common_options
from ui.command import define_command, define_group, option
from ui.commands.spec import complete_name, run_tool
from ui.language import Text

_COUNT = click.IntRange(min=1)
_POSITIVE = click.FloatRange(min=0, min_open=True)
_SCALES = {"k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}


class Tokens(click.ParamType[int]):
    """A number of tokens: 2048, 8k (8,192), 10B, 1T."""

    name = "tokens"

    def __init__(self, *, binary: bool = False) -> None:
        """With `binary`, k means 1,024, as in lengths of sequences."""
        self._binary = binary

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        word = str(value).strip().lower().replace(",", "").replace("_", "")
        scale = 1024 if word[-1:] == "k" and self._binary else _SCALES.get(word[-1:], 1)
        try:
            number = round(float(word.rstrip("kmbgt")) * scale)
        except ValueError:
            number = 0
        if number < 1:
            message = Text(
                f"{value!r} は 8192、8k、10B のような数で指定してください。",
                f"write {value!r} as a number such as 8192, 8k or 10B",
            )
            self.fail(str(message), param, ctx)
        return number


def _json(function: Callable[..., int | None]) -> Callable[..., int | None]:
    return option(
        "--json",
        "output",
        flag_value="json",
        text=Text("JSON で出力します。", "Print JSON."),
    )(function)


def _shared(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add what training and serving share."""
    for decorate in reversed(_SHARED):
        function = decorate(function)
    return function


_SHARED = (
    option(
        "--model",
        required=True,
        metavar="MODEL",
        text=Text(
            "モデルの名前(llama-3-8b)、パラメータ数(7B)、または config.json のパス。",
            "Name (llama-3-8b), size (7B), or the path of a config.json.",
        ),
    ),
    option(
        "-i",
        "--instance",
        metavar="NAME",
        shell_complete=complete_name,
        text=Text(
            "インスタンス、ファミリー、GPU。省略すると収まる最安を探します。",
            "Instance type, family or GPU. Without it the cheapest that fits is found.",
        ),
    ),
    option("--instances", type=_COUNT, metavar="N", text=Text("台数。", "Number of instances.")),
    option(
        "--gpus",
        type=_COUNT,
        metavar="N",
        text=Text("GPU の合計(台数の代わり)。", "GPUs in all, instead of instances."),
    ),
    option("--spot", is_flag=True, text=Text("スポット料金で計算します。", "Use spot prices.")),
)


@define_group(
    "size", Text("モデルが載るか、速さ、費用を見積もります。", "Size models onto instances.")
)
def command() -> None:
    """Group the commands about sizing."""


@define_command(
    "train",
    Text(
        "学習に必要なメモリ、構成、時間、費用を計算します。",
        "Plan a training run: memory, configuration, time and cost.",
    ),
    examples=(
        (
            "ask size train --model llama-3-8b --instance p4d.24xlarge --tokens 10B",
            Text("p4d.24xlarge で 10B トークン", "10B tokens on a p4d.24xlarge"),
        ),
        (
            "ask size train --model 7B --method qlora",
            Text("QLoRA が収まる最安を探す", "the cheapest for QLoRA"),
        ),
    ),
)
@_shared
@option(
    "--method",
    type=click.Choice(["full", "lora", "qlora"]),
    text=Text("学習の方法。既定は full。", "How to train. Default: full."),
)
@option(
    "--seq",
    "sequence_length",
    type=Tokens(binary=True),
    metavar="N",
    text=Text("系列長(4096、8k)。既定は 2048。", "Sequence length (4096, 8k). Default: 2048."),
)
@option(
    "--tokens",
    type=Tokens(),
    metavar="N",
    text=Text("学習する総トークン数(10B)。", "Tokens to train on in all (10B)."),
)
@option("--samples", type=Tokens(), metavar="N", text=Text("データの件数。", "Samples."))
@option("--epochs", type=_POSITIVE, metavar="N", text=Text("エポック数。", "Epochs."))
@option("--micro-batch", type=_COUNT, metavar="N", text=Text("マイクロバッチ。", "Micro-batch."))
@option(
    "--global-batch",
    type=_COUNT,
    metavar="N",
    text=Text("1 ステップの系列数(全 GPU)。", "Sequences per step over all GPUs."),
)
@option(
    "--engine",
    type=click.Choice(["trainer", "deepspeed", "fsdp"]),
    text=Text("実行エンジン。省略すると選びます。", "Engine; chosen if left out."),
)
@option(
    "--zero",
    "zero_stage",
    type=click.IntRange(0, 3),
    text=Text("ZeRO のステージ。", "ZeRO stage."),
)
@option(
    "--offload",
    type=click.Choice(
        ["none", "optimizer-cpu", "optimizer-param-cpu", "optimizer-nvme", "all-nvme"]
    ),
    metavar="KIND",
    text=Text(
        "オフロード: none, optimizer-cpu, optimizer-param-cpu, optimizer-nvme, all-nvme",
        "Offload: none, optimizer-cpu, optimizer-param-cpu, optimizer-nvme, all-nvme",
    ),
)
@option(
    "--optimizer",
    type=click.Choice(["adamw", "adamw-8bit", "adafactor", "sgd"]),
    text=Text("オプティマイザ。既定は adamw。", "Optimizer. Default: adamw."),
)
@option(
    "--precision",
    type=click.Choice(["bf16", "fp16", "fp32"]),
    text=Text("計算の精度。", "Precision."),
)
@option(
    "--attention",
    type=click.Choice(["flash_attention_2", "sdpa", "eager"]),
    metavar="KIND",
    text=Text(
        "注意機構の実装: flash_attention_2, sdpa, eager",
        "Attention: flash_attention_2, sdpa, eager",
    ),
)
@option(
    "--checkpointing/--no-checkpointing",
    default=None,
    text=Text("勾配チェックポイントの有無。", "Activation checkpointing or not."),
)
@option("--liger", is_flag=True, text=Text("Liger カーネルを使います。", "Use Liger kernels."))
@option("--lora-rank", type=_COUNT, metavar="N", text=Text("LoRA のランク。", "LoRA rank."))
@option("--budget-usd", type=_POSITIVE, metavar="USD", text=Text("予算(USD)。", "Budget in USD."))
@option(
    "--deadline-hours",
    type=_POSITIVE,
    metavar="H",
    text=Text("期限(時間)。", "Hours within which it must end."),
)
@_json
@common_options
def train(call: Call, *, output: str | None, **given: Any) -> int:
    """Print a plan for training."""
    return run_tool(call, "size_training", _request(given), output)


@define_command(
    "infer",
    Text(
        "推論に必要なメモリ、同時実行数、速度、費用を計算します。",
        "Plan serving a model: memory, concurrency, speed and cost.",
    ),
    examples=(
        (
            "ask size infer --model qwen2.5-7b --instance g6.xlarge --context 8k",
            Text("g6.xlarge で文脈長 8k", "8k of context on a g6.xlarge"),
        ),
        (
            "ask size infer --model 70B --weights int4",
            Text("4 ビットで動く最安を探す", "the cheapest in 4 bits"),
        ),
    ),
)
@_shared
@option(
    "--weights",
    type=click.Choice(["fp32", "fp16", "bf16", "fp8", "int8", "int4", "awq", "gptq", "nf4"]),
    metavar="FORMAT",
    text=Text("重みの形式(bf16、fp8、int4 など)。", "Format of the weights (bf16, fp8, int4 …)."),
)
@option(
    "--kv",
    "kv_format",
    type=click.Choice(["bf16", "fp16", "fp8", "int8"]),
    text=Text("KV キャッシュの形式。", "Format of the KV cache."),
)
@option(
    "--context",
    type=Tokens(binary=True),
    metavar="N",
    text=Text("1 リクエストのトークン数(8k)。", "Tokens of a request (8k)."),
)
@option(
    "--prompt-tokens",
    type=Tokens(binary=True),
    metavar="N",
    text=Text("そのうち入力のトークン数。", "Tokens of the prompt among them."),
)
@option(
    "--concurrency",
    type=_COUNT,
    metavar="N",
    text=Text("同時リクエスト数。", "Requests at the same time."),
)
@option(
    "--tensor-parallel",
    type=_COUNT,
    metavar="N",
    text=Text("テンソル並列の数。", "Tensor parallel degree."),
)
@_json
@common_options
def infer(call: Call, *, output: str | None, **given: Any) -> int:
    """Print a plan for serving."""
    return run_tool(call, "size_inference", _request(given), output)


@define_command(
    "diagnose",
    Text(
        "OOM のトレースバック、nvidia-smi の出力、DeepSpeed の JSON を読みます。\n"
        "FILE は - で標準入力。",
        "Read an OOM traceback, the output of nvidia-smi or a DeepSpeed JSON.\n"
        "FILE may be - for standard input.",
    ),
    examples=(
        ("ask size diagnose train.log", Text("ログから原因を探す", "find the cause in a log")),
        ("nvidia-smi | ask size diagnose -", Text("今の状態を読む", "read the state now")),
    ),
)
@click.argument("file")
@_json
@common_options
def diagnose(call: Call, *, file: str, output: str | None) -> int:
    """Print a diagnosis."""
    from tools.sizing.doctor import MAX_TEXT
    from tools.sizing.doctor_log import relevant_part
    from ui.question import read_attached

    text = read_attached(file, call.console)
    if len(text) > MAX_TEXT:
        text = relevant_part(text, MAX_TEXT) or text[:MAX_TEXT]
    return run_tool(call, "diagnose", {"text": text}, output, regional=False)


def _request(given: dict[str, Any]) -> dict[str, Any]:
    """Return the request of the options that were given; a path is read as a config.json."""
    from pathlib import Path

    from ui.question import read_file

    request = {key: value for key, value in given.items() if value not in (None, False)}
    request |= {key: False for key in ("checkpointing",) if given.get(key) is False}
    model = str(given["model"])
    if model.endswith(".json") or Path(model).is_file():
        request["model"] = read_file(model)
    return request


for member in (train, infer, diagnose):
    command.add_command(member)
