"""Workloads read from questions, in Japanese and English, and carried through follow-ups."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.planner.brain import Planner
from assistant.planner.normalise import normalise
from assistant.planner.workload_reader import read_workload
from knowledge.ec2.catalogue import load_catalogue

READINGS: list[tuple[str, dict[str, Any]]] = [
    ("Llama 3 70Bをフルファインチューニング", {"model": "llama 3 70b", "method": "full"}),
    ("7BをQLoRA", {"model": "7B", "method": "qlora"}),
    ("700億パラメータのモデルをLoRA", {"model": "70B", "method": "lora"}),
    ("1.3Bを8kで学習", {"model": "1.3B", "length": 8192}),
    ("Qwen2.5-7B-Instructで推論", {"model": "qwen2.5-7b-instruct"}),
    ("meta-llama/Llama-3.1-8Bをint4で", {"model": "meta-llama/llama-3.1-8b", "weights": "int4"}),
    ("mixtral 8x7bは何枚?", {"model": "mixtral 8x7b"}),
    ("gpt-2 xlを10Bトークン学習", {"model": "gpt-2 xl", "tokens": 10**10}),
    ("1Tトークン学習の日数と費用は?", {"tokens": 10**12}),
    ("1兆トークンの事前学習", {"tokens": 10**12, "method": "full"}),
    ("シーケンス長は4096", {"length": 4096}),
    ("コンテキスト32kだと?", {"length": 32768}),
    ("4096トークンで学習", {"length": 4096}),
    ("ZeRO-3で7.5Bを64GPUなら", {"model": "7.5B", "zero_stage": 3, "gpus": 64}),
    ("7Bをバッチサイズ8で学習", {"model": "7B", "micro_batch": 8}),
    ("グローバルバッチ256", {"global_batch": 256}),
    ("13Bを10万件、3エポック", {"model": "13B", "samples": 100_000, "epochs": 3.0}),
    ("7Bを3日以内に学習", {"model": "7B", "deadline_hours": 72.0}),
    ("7Bをランク64のLoRAで", {"model": "7B", "method": "lora", "lora_rank": 64}),
    ("7BをCPUオフロードで学習", {"model": "7B", "offload": "optimizer-cpu"}),
    ("7Bをオフロードなしで学習", {"model": "7B", "offload": "none"}),
    ("7Bを8bit Adamで学習", {"model": "7B", "optimizer": "adamw-8bit"}),
    ("8Bを同時16リクエストで推論", {"model": "8B", "concurrency": 16}),
    (
        "Can I fine-tune Llama-3.1-8B with LoRA, batch size 4, 4096 tokens?",
        {"model": "llama-3.1-8b", "method": "lora", "length": 4096, "micro_batch": 4},
    ),
    ("train 7B on 10B tokens within 3 days", {"model": "7B", "tokens": 10**10}),
]


@pytest.mark.parametrize(("question", "expected"), READINGS)
def test_a_question_says_what_it_says(question: str, expected: dict[str, Any]) -> None:
    workload, _ = read_workload(normalise(question))
    assert expected.items() <= workload.said.items()


@pytest.mark.parametrize(
    "question",
    ["G5とG4dnの違いは?", "p4d.24xlargeの料金は?", "GPU 8枚のインスタンスは?", "H100のメモリは?"],
)
def test_questions_about_machines_name_no_model(question: str) -> None:
    workload, rest = read_workload(normalise(question))
    assert workload.model is None
    assert workload.task is None
    assert rest == normalise(question)


@pytest.fixture(scope="module")
def planner() -> Planner:
    """The planner over the packaged catalogue."""
    return Planner(load_catalogue())


def calls(planner: Planner, *turns: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the tool calls of the last turn."""
    plan = planner.plan(turns[-1], turns[:-1])
    return [(call.name, call.args) for call in plan.calls.values()]


def test_follow_ups_keep_the_workload(planner: Planner) -> None:
    turns = ["7Bをg5.xlargeでQLoRAできる?"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("じゃあg6e.12xlargeだと?", {"instance": "g6e.12xlarge", "method": "qlora"}),
        ("LoRAなら?", {"instance": "g6e.12xlarge", "method": "lora"}),
        ("シーケンス長8kだと?", {"sequence_length": 8192, "method": "lora"}),
        ("2台なら?", {"instances": 2, "sequence_length": 8192}),
        ("いくら?", {"instances": 2, "method": "lora"}),
        ("スポットなら?", {"spot": True, "instances": 2}),
        ("バージニアだと?", {"region": "us-east-1", "spot": True}),
    ]
    for question, expected in steps:
        turns.append(question)
        ((name, args),) = calls(planner, *turns)
        assert name == "size_training"
        assert args["model"] == "7B"
        assert expected.items() <= args.items()


def test_serving_goes_on_from_training(planner: Planner) -> None:
    ((name, args),) = calls(planner, "7Bをg5.xlargeでQLoRAできる?", "推論なら?")
    assert name == "size_inference"
    assert args == {"model": "7B", "instance": "g5.xlarge"}


def test_a_plain_question_after_a_plan_is_plain(planner: Planner) -> None:
    ((name, args),) = calls(planner, "7Bをg5.xlargeでQLoRAできる?", "g6.xlargeのvCPUは?")
    assert (name, args) == ("describe_instances", {"names": ["g6.xlarge"]})


def test_a_missing_model_is_asked_for_and_then_used(planner: Planner) -> None:
    assert calls(planner, "g5.xlargeでQLoRAできる?") == []
    ((name, args),) = calls(planner, "g5.xlargeでQLoRAできる?", "7Bなら?")
    assert name == "size_training"
    assert args == {"model": "7B", "method": "qlora", "instance": "g5.xlarge"}


def test_two_questions_about_one_workload_are_one_call(planner: Planner) -> None:
    assert len(calls(planner, "Llama 3 70Bを学習するなら何台? いくら?")) == 1


def test_states_are_asked_for_without_a_plan(planner: Planner) -> None:
    ((name, args),) = calls(planner, "ZeRO-3で7.5Bを64GPUなら1枚あたり何GB?")
    assert name == "size_training"
    assert args["states_only"] is True


@pytest.mark.parametrize(
    "question", ["QLoRAとは?", "ZeRO-3の仕組みは?", "LoRAとQLoRAの違いは?", "what is LoRA?"]
)
def test_terms_are_explained_not_sized(planner: Planner, question: str) -> None:
    assert [name for name, _ in calls(planner, question)] == ["search_glossary"]


def test_a_pasted_log_goes_to_the_doctor_as_it_is(planner: Planner) -> None:
    log = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB\n\nこれは何が原因?"
    ((name, args),) = calls(planner, log)
    assert (name, args) == ("diagnose", {"text": log})


CONFIG = (
    '{"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, '
    '"num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 8192, '
    '"vocab_size": 128256}'
)


def test_a_pasted_config_is_the_model_of_the_question(planner: Planner) -> None:
    ((name, args),) = calls(planner, f"{CONFIG}\nこれをg5.xlargeでQLoRAできる?")
    assert name == "size_training"
    assert (args["instance"], args["method"]) == ("g5.xlarge", "qlora")
    assert args["model"] == CONFIG


def test_a_pasted_config_alone_is_read(planner: Planner) -> None:
    assert [name for name, _ in calls(planner, CONFIG)] == ["diagnose"]
