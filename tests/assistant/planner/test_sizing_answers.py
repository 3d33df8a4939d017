"""Answers about sizing: verdict first, every figure held by the number lock, lies refused."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from assistant.grounding import NumberLock
from assistant.planner.brain import Planner
from assistant.planner.compose import Composition
from assistant.planner.vocabulary import table
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue, load_catalogue
from tools.results import Result

TODAY = date(2026, 11, 23)
QUESTIONS = [
    "Llama 3 70Bをフルファインチューニングするなら何台?",
    "Llama 3 70Bを学習するなら何台? いくら?",
    "7Bをg5.xlargeでQLoRAできる?",
    "7Bをg5.xlargeでフルファインチューニングできる?",
    "Llama 3.1 8Bをg5.12xlargeでフルファインチューニングできる?",
    "12.9BをA100 80GB 1枚でフルファインチューニングできる?",
    "p5e.48xlargeでLlama 3 70BをLoRAできる?",
    "T4でFlashAttention-2を使って7BをLoRAできる?",
    "Llama 3 8Bをp5.48xlargeで10Bトークン学習する費用は?",
    "1Tトークン学習の日数と費用は?",
    "Llama 3.1 70Bをp4d.24xlarge 4台でフル学習できますか",
    "Llama 3 8Bをg7e.2xlargeでフル学習できますか",
    "Mixtral 8x7BをQLoRAで学習できる一番安いインスタンスは?",
    "Llama 3.1 405BをLoRAで学習するには何台必要?",
    "Gemma 2 9Bをg6e.xlargeでLoRA",
    "Llama 3 8BをDeepSpeedでg6f.2xlargeで学習できる?",
    "Llama 3.1 8Bをg4ad.xlargeで推論できる?",
    "ZeRO-3で7.5Bを64GPUなら1枚あたり何GB?",
    "7.5Bのモデル状態はZeRO-1、64GPUで何GB?",
    "70BをFP16で推論するには?",
    "70Bをfp16でp5.4xlargeで推論できる?",
    "Qwen2.5 7Bをg6.xlargeでvLLM、同時何人?",
    "Llama 3 8Bをg5.xlargeで推論できる?",
    "BERT baseを推論するなら?",
    "Llama 3 8Bをc7i.8xlargeで推論できる?",
    "Llama 3 8BのKVキャッシュは8kで何GB?",
    "7Bの重みはfp16で何GB?",
    "70Bの重みをfp16でH100に置くなら何枚?",
    "7BのAdamの状態だけで何GB?",
    "How many instances for full fine-tuning of Llama 3 70B?",
    "Can I fine-tune 7B with QLoRA on g5.xlarge?",
    "Can g5.xlarge serve Llama 2 13B in fp16?",
    "Which instance for serving 70B in fp16?",
    "How long and how much to train Llama 3 8B on 100B tokens on p5.48xlarge?",
    "KV cache of Llama 3 8B for 8k tokens?",
    "7.5B params, 64 GPUs, ZeRO stage 2: model state memory per GPU?",
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The packaged catalogue."""
    return load_catalogue()


@pytest.fixture(scope="module")
def lock(catalogue: Catalogue) -> NumberLock:
    """The number lock."""
    return NumberLock(catalogue)


def answer(catalogue: Catalogue, *turns: str) -> tuple[Composition, list[Result]]:
    """Return the text of the last turn, and the results behind it."""
    planner = Planner(catalogue)
    runner = ToolRunner(catalogue, "ap-northeast-1")
    plan = planner.plan(turns[-1], turns[:-1])
    results = {key: runner.attempt(call.name, call.args) for key, call in plan.calls.items()}
    artifacts = {key: result.model_dump(mode="json") for key, result in results.items()}
    return planner.compose(plan, artifacts, today=TODAY), list(results.values())


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_figure_of_an_answer_is_supported(
    catalogue: Catalogue, lock: NumberLock, question: str
) -> None:
    said, results = answer(catalogue, question)
    verdict = lock.check(said.text, results, quoted=said.quoted, question=question)
    assert not verdict.unsupported
    assert not verdict.unknown_names
    assert verdict.figures
    assert not said.abstained


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("7Bをg5.xlargeでQLoRAできる?", "**はい、入ります"),
        ("7Bをg5.xlargeでフルファインチューニングできる?", "**いいえ、入りません"),
        ("Llama 3.1 8Bをg5.12xlargeでフルファインチューニングできる?", "**いいえ、1 台だけでは"),
        ("12.9BをA100 80GB 1枚でフルファインチューニングできる?", "**いいえ、GPU のメモリだけでは"),
        ("p5e.48xlargeでLlama 3 70BをLoRAできる?", "**いいえ、そのままではできません"),
        ("Llama 3 8Bをg5.xlargeで推論できる?", "**はい、動きます"),
        ("Can I fine-tune 7B with QLoRA on g5.xlarge?", "**Yes, it fits"),
        ("Can g5.xlarge serve Llama 2 13B in fp16?", "**No, it does not fit"),
        ("ZeRO-3で7.5Bを64GPUなら1枚あたり何GB?", "**ZeRO-3 で 7.5B を 64 GPU に"),
        (
            "Llama 3 8BのKVキャッシュは8kで何GB?",
            "**Llama 3 8B の KV キャッシュは 8,192 トークンで 1 GiB",
        ),
    ],
)
def test_the_verdict_comes_first(catalogue: Catalogue, question: str, start: str) -> None:
    said, _ = answer(catalogue, question)
    assert said.text.startswith(start)


def test_prices_carry_region_and_day(catalogue: Catalogue) -> None:
    said, _ = answer(catalogue, "7Bをg5.xlargeでQLoRAできる?")
    assert "東京、オンデマンド" in said.text
    assert "時点です" in said.text
    assert said.citations


def test_a_follow_up_answers_for_the_other_machine(catalogue: Catalogue) -> None:
    said, _ = answer(catalogue, "7Bをg5.xlargeでQLoRAできる?", "じゃあg6e.12xlargeだと?")
    assert "g6e.12xlarge" in said.text.partition("\n")[0]


FIGURE = re.compile(
    r"(?<![\w.\-])(\d[\d,]*(?:\.\d+)?)(?= (?:GiB|GB|USD|トークン/秒|tokens/s|日|時間|台|days|"
    r"hours))"
)


@pytest.mark.parametrize("factor", [Decimal("0.5"), Decimal(2), Decimal("1.1")])
@pytest.mark.parametrize("question", QUESTIONS[:6] + QUESTIONS[12:15] + QUESTIONS[-4:])
def test_changed_figures_are_refused(
    catalogue: Catalogue, lock: NumberLock, question: str, factor: Decimal
) -> None:
    said, results = answer(catalogue, question)
    text = said.text
    for passage in sorted(said.quoted, key=len, reverse=True):
        text = text.replace(passage, " ")
    caught = total = 0
    for match in FIGURE.finditer(text):
        value = Decimal(match[1].replace(",", "")) * factor
        shown = f"{value.quantize(Decimal('0.01')).normalize():f}"
        if Decimal(shown) == Decimal(match[1].replace(",", "")):
            continue
        lie = text[: match.start(1)] + shown + text[match.end(1) :]
        total += 1
        caught += bool(lock.check(lie, results, question=question).unsupported)
    assert total
    assert caught >= 0.9 * total  # another true figure of the same kind may stand by chance


def test_phrases_have_the_same_keys_in_both_languages() -> None:
    phrases: dict[str, dict[str, str]] = table("phrases_sizing")
    assert phrases["ja"].keys() == phrases["en"].keys()


@pytest.mark.parametrize("turn", ["g5.xlargeでQLoRAできる?", "Can I run QLoRA on g5.xlarge?"])
def test_without_a_model_the_answer_asks_for_it(catalogue: Catalogue, turn: str) -> None:
    said, results = answer(catalogue, turn)
    assert not results
    assert said.abstained
    assert "7B" in said.text


def test_a_log_is_diagnosed_in_a_conversation(catalogue: Catalogue) -> None:
    log: Any = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n原因は?"
    said, _ = answer(catalogue, log)
    assert "いちばん効いている原因" in said.text
