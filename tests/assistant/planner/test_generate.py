"""Requests for code: which workload, with which options, and what a follow-up changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.app import Assistant
from assistant.planner.brain import Planner
from assistant.settings import Settings
from knowledge.ec2.catalogue import load_catalogue

FIRST = "p4d.24xlargeでgpt2-xlをDeepSpeedで学習するコードを作って"


@pytest.fixture(scope="module")
def planner() -> Planner:
    """The planner over the packaged catalogue."""
    return Planner(load_catalogue())


def calls(planner: Planner, *turns: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the tool calls of the last turn."""
    plan = planner.plan(turns[-1], turns[:-1])
    return [(call.name, call.args) for call in plan.calls.values()]


@pytest.mark.parametrize(
    ("question", "workload", "options"),
    [
        (FIRST, "llm-train", {"model": "gpt2-xl", "engine": "deepspeed"}),
        ("p4d用のDeepSpeed設定を作って", "llm-train", {"engine": "deepspeed", "instance": "p4d"}),
        ("70BをフルFTするコード、g4dn.xlargeで", "llm-train", {"model": "70B", "method": "full"}),
        ("7BのQLoRA学習コード、g5.xlarge用でください", "llm-train", {"method": "qlora"}),
        ("c7i.8xlargeのDaskの前処理スクリプトを書いて", "dask-preprocess", {}),
        ("write code for xgboost training on c7i.8xlarge", "xgboost", {"instance": "c7i.8xlarge"}),
        ("マルチモデルエンドポイントのコードください", "sagemaker-multimodel", {}),
        ("SageMakerのリアルタイムエンドポイントのコードください", "sagemaker-realtime", {}),
        ("g6.xlargeでONNXをTensorRTにして推論するコード", "tensorrt", {"instance": "g6.xlarge"}),
        ("スポットで再開できるLoRA学習コードをg5.12xlargeで", "llm-train", {"spot": True}),
    ],
)  # fmt: skip
def test_a_request_names_a_workload_and_its_options(
    planner: Planner, question: str, workload: str, options: dict[str, Any]
) -> None:
    ((name, args),) = calls(planner, question)
    assert name == "generate_bundle"
    assert args["workload"] == workload
    assert options.items() <= args["options"].items()


@pytest.mark.parametrize(
    "question",
    [
        "リージョンコードを教えて",
        "g5.xlargeで7BをQLoRAできる?",
        "DeepSpeedとは?",
        "G5とG4dnの違いは?",
        "CUDAのエラーコードが出ました",
        "p4dの構成は?",
    ],
)
def test_other_questions_get_no_code(planner: Planner, question: str) -> None:
    assert "generate_bundle" not in [name for name, _ in calls(planner, question)]


@pytest.mark.parametrize(
    "question", ["Reactでログイン画面のコードを書いて", "EC2を立てるTerraformを書いてください"]
)
def test_code_that_is_not_made_here_is_declined(planner: Planner, question: str) -> None:
    assert calls(planner, question) == []


def test_follow_ups_edit_the_plan(planner: Planner) -> None:
    turns = [FIRST]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("バッチを倍に", {"batch_factor": 2}),
        ("ZeRO-2で", {"zero_stage": 2, "batch_factor": 2}),
        ("2台に", {"instances": 2, "zero_stage": 2}),
        ("スポットで", {"spot": True, "instances": 2}),
        ("s3://my-bucket/runs に保存して", {"checkpoint_s3": "s3://my-bucket/runs"}),
        ("LoRAにして", {"method": "lora", "spot": True}),
    ]
    for question, expected in steps:
        turns.append(question)
        ((name, args),) = calls(planner, *turns)
        assert name == "generate_bundle", question
        assert expected.items() <= args["options"].items(), question
        assert args["options"]["model"] == "gpt2-xl"


def test_code_for_the_plan_before_it(planner: Planner) -> None:
    asked = "7Bをg5.xlargeでQLoRAできる?"
    ((name, args),) = calls(planner, asked, "じゃあそのコードを作って")
    assert name == "generate_bundle"
    wanted = {"model": "7B", "instance": "g5.xlarge", "method": "qlora"}
    assert wanted.items() <= args["options"].items()


def test_a_question_about_money_after_code_is_answered_by_sizing(planner: Planner) -> None:
    ((name, _),) = calls(planner, FIRST, "いくら?")
    assert name == "size_training"


def test_an_answer_brings_its_files(tmp_path: Path) -> None:
    assistant = Assistant(Settings(log=False, data_dir=tmp_path))
    answer = assistant.ask(FIRST)
    assert not answer.warnings
    assert "train_micro_batch_size_per_gpu" in answer.answer
    assert "ds_config.json" in answer.answer
    paths = [Path(item.path) for item in answer.artifacts]
    assert [path.name for path in paths][1:] == ["README.md", "ds_config.json"]
    assert paths[0].suffix == ".zip"
    assert paths[0].parent == tmp_path / "artifacts" / answer.answer_id
    for path in paths:
        assert path.is_file()
    assert (paths[1].parent / "train.py").is_file()


def test_a_refusal_says_why_and_what_fits(forgetful: Assistant) -> None:
    answer = forgetful.ask("70BをフルFTするコード、g4dn.xlargeで")
    assert "お渡しできません" in answer.answer
    assert "GiB" in answer.answer
    assert "p5" in answer.answer or "p6" in answer.answer
    assert answer.artifacts == []


def test_a_doubled_batch_is_doubled(tmp_path: Path) -> None:
    assistant = Assistant(Settings(log=False, data_dir=tmp_path))
    before = assistant.ask(FIRST, thread_id="t").answer
    after = assistant.ask("バッチを倍に", thread_id="t").answer
    assert '"train_batch_size": 32' in before
    assert '"train_batch_size": 64' in after


def test_accumulation_gives_the_batch(tmp_path: Path) -> None:
    assistant = Assistant(Settings(log=False, data_dir=tmp_path))
    asked = "micro batch 2、累積16のDeepSpeed設定を生成して。p4d、gpt2-xl"
    assert '"train_batch_size": 256' in assistant.ask(asked).answer


def test_a_machine_that_does_not_exist_gets_no_code(planner: Planner) -> None:
    asked = "p5.16xlargeでLlama 3 8Bを学習するコードを作って"
    assert [name for name, _ in calls(planner, asked)] == ["describe_instances"]
