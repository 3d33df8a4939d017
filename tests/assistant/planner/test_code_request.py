"""Wishes for code in many words, and sizing questions in the words of people in a hurry."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.planner.brain import Planner
from assistant.planner.code_request import wants_code
from knowledge.ec2.catalogue import load_catalogue


@pytest.fixture(scope="module")
def planner() -> Planner:
    """The planner over the packaged catalogue."""
    return Planner(load_catalogue())


def calls(planner: Planner, *turns: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the tool calls of the last turn."""
    plan = planner.plan(turns[-1], turns[:-1])
    return [(call.name, call.args) for call in plan.calls.values()]


@pytest.mark.parametrize(
    "text",
    [
        "qwen2.5 7bのqloraサンプル、g6.2xlargeで",
        "学習ジョブのテンプレートちょうだい",
        "deepspeedのスクリプトかいて",
        "g5.xlargeでgpt2を学習するコードを",
        "loraやりたい、スクリプトよろ",
        "could you put together a qlora script",
    ],
)
def test_a_wish_for_code_is_heard_in_other_words(text: str) -> None:
    assert wants_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "このスクリプト、g5.xlargeで足りる?",
        "エラーコードの意味を教えてください",
        "1万サンプル、3エポックで7bを学習",
        "コードとは",
        "スクリプトが落ちる、原因を出して",
    ],
)
def test_code_that_exists_or_is_only_named_is_no_wish(text: str) -> None:
    assert not wants_code(text)


@pytest.mark.parametrize(
    ("question", "workload", "options"),
    [
        ("コードほしい。p5でllama 70b学習", "llm-train", {"model": "llama 70b", "instance": "p5"}),
        ("launchスクリプトお願い。p5.48xlarge×4ノードでllama 3 70bを学習", "llm-train",
         {"instances": 4}),
        ("H100 8枚でmixtral 8x7bのloraを回すコード", "llm-train", {"gpus": 8}),
        ("deepspeedのstage2の設定を見せてほしい(p4d、7B)", "llm-train", {"zero_stage": 2}),
        ("g6e.xlargeにLlama-3.1-8Bのエンドポイント立てたい。必要なファイルください", "vllm",
         {"model": "llama-3.1-8b"}),
        ("p5.48xlargeのvLLMで405B FP8、設定ファイルをください", "vllm", {"quantization": "fp8"}),
        ("バッチサイズ64でgpt2を学習するコード、g5.xlarge", "llm-train", {"global_batch": 64}),
        ("LoRA学習コード、データはs3://my-bkt/a.jsonl、g5.2xlarge、8B", "llm-train",
         {"dataset": "s3://my-bkt/a.jsonl"}),
        ("推論用のコードが要るんだけど。Llama 3.1 8B / g6e.xlarge", "vllm", {}),
        ("need an inference server for Qwen2.5-7B on g6.xlarge", "vllm", {}),
        ("c6i.16xlargeでテキストのトークナイズを並列で回すコード", "dask-preprocess", {}),
        ("g4dn.xlargeで動く画像分類の推論コードを一式", "tensorrt", {}),
        ("SageMakerに複数モデルを載せるコードが欲しい", "sagemaker-multimodel", {}),
    ],
)  # fmt: skip
def test_one_wish_in_any_order_is_one_call(
    planner: Planner, question: str, workload: str, options: dict[str, Any]
) -> None:
    ((name, args),) = calls(planner, question)
    assert (name, args["workload"]) == ("generate_bundle", workload)
    assert options.items() <= args["options"].items()


def test_a_question_beside_the_wish_is_still_answered(planner: Planner) -> None:
    names = [name for name, _ in calls(planner, "g5.xlargeで7BをQLoRAできる?学習コードもください")]
    assert names == ["size_training", "generate_bundle"]


def test_training_a_detector_is_declined(planner: Planner) -> None:
    assert calls(planner, "YOLOの学習コードをg4dn.2xlargeで書いて") == []


@pytest.mark.parametrize(
    ("question", "tool", "expected"),
    [
        ("三十億パラのモデル、fp16の重みは何GB?", "model_memory", {"model": "3B"}),
        ("7BってA10Gに乗る?fp16で推論", "size_inference", {"model": "7B", "weights": "fp16"}),
        ("20BをZeRO-3、16枚のGPUで。1枚のモデル状態は", "size_training",
         {"gpus": 16, "states_only": True}),
        ("p4d.24xlarge 4台で13Bを1000億トークン、何日?", "size_training", {"instances": 4}),
        ("fp8のKVキャッシュだとLlama 3 8B 8kで?", "model_memory", {"kv_format": "fp8"}),
        ("7BのAdamWオプティマイザ状態は何GB?", "model_memory", {"model": "7B"}),
        ("phi-4はL4一枚に入るのかな", "size_inference", {"gpus": 1, "instance": "L4"}),
        ("13BをA100 80GB×8でフル学習できる?", "size_training", {"gpus": 8}),
        ("ViT-L/16の学習ってT4 1枚で回る?", "size_training", {"model": "vit-l/16"}),
        ("8Bを学習したい。最低どのインスタンスが要る?", "size_training", {"model": "8B"}),
        ("40億トークンで8BをLoRA、g5.12xlarge。何日かかって何ドル?", "size_training",
         {"tokens": 4 * 10**9, "instance": "g5.12xlarge"}),
    ],
)  # fmt: skip
def test_a_sizing_question_is_read_whole(
    planner: Planner, question: str, tool: str, expected: dict[str, Any]
) -> None:
    ((name, args),) = calls(planner, question)
    assert name == tool
    assert expected.items() <= args.items()


@pytest.mark.parametrize(
    "question", ["7Bのフル学習のVRAMは何GB?", "70Bをfp16で推論するにはA100 80GB何枚要る?"]
)
def test_the_model_by_itself_is_sized_before_the_machine(planner: Planner, question: str) -> None:
    assert next(name for name, _ in calls(planner, question)) == "model_memory"


def test_that_machine_is_the_one_of_the_turn_before(planner: Planner) -> None:
    _, args = calls(planner, "p5.48xlargeのGPUメモリ合計は?", "それで405BをBF16で動かせますか?")[-1]
    assert args["instance"] == "p5.48xlarge"
