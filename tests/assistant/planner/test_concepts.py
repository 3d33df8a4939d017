"""Questions about terms: definitions in spoken forms, differences, details, and what is outside."""

from __future__ import annotations

import pytest

from assistant.app import Assistant


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("EFAって結局なに？", "Elastic Fabric Adapter"),
        ("LoRAってどういう仕組みなんですか？", "LoRA"),
        ("MFUってなんの略？", "MFU"),
        ("continuous batchingを一言で", "連続バッチ処理"),
        ("Explain what FlashAttention does", "FlashAttention"),
    ],
)
def test_spoken_ways_to_ask_for_a_definition(
    forgetful: Assistant, question: str, entry: str
) -> None:
    answer = forgetful.ask(question)
    assert not answer.abstained
    assert entry in answer.citations[0].title


def test_a_difference_sets_both_terms_side_by_side(forgetful: Assistant) -> None:
    answer = forgetful.ask("QLoRAとLoRAの違いは？")
    assert {citation.title for citation in answer.citations} == {"QLoRA", "LoRA"}
    first, second = answer.answer.split("\n")[:2]
    assert first.startswith("- **QLoRA**")
    assert second.startswith("- **LoRA**")


def test_a_detail_is_answered_before_the_term_is_explained(forgetful: Assistant) -> None:
    answer = forgetful.ask("Savings Plansの72%はどの種類?")
    assert answer.answer.startswith("**EC2 Instance")
    assert "72 %" in answer.answer.split("\n")[0]


def test_a_question_in_words_that_no_rule_knows_is_searched_in_the_glossary(
    forgetful: Assistant,
) -> None:
    answer = forgetful.ask("ノードをまたぐ学習で低遅延の通信を使いたい")
    assert "Elastic Fabric Adapter" in answer.citations[0].title


@pytest.mark.parametrize(
    "question",
    ["おすすめのラーメン屋", "AWSのサポートの電話番号", "東京から大阪まで新幹線でいくら?"],
)
def test_what_is_outside_is_still_declined(forgetful: Assistant, question: str) -> None:
    assert forgetful.ask(question).abstained


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("NCCLの環境変数って何を設定すればいい?", "NCCL"),
        ("GPU使用率をCloudWatchで見るにはどうすればいいですか", "CloudWatch"),
        ("zero_to_fp32.pyはいつ使うの", "zero_to_fp32.py"),
        ("インスタンスストアに置いたデータ、停止したらどうなる", "インスタンスストア"),
        ("XGBoostはC系とGPUどっちで回すべき?", "XGBoost"),
        ("ml.g5.xlargeとg5.xlargeは同じもの?", "SageMaker"),
    ],
)
def test_how_something_works_is_no_question_about_the_account_or_a_machine(
    forgetful: Assistant, question: str, entry: str
) -> None:
    answer = forgetful.ask(question)
    assert not answer.abstained
    assert any(entry in citation.title for citation in answer.citations)


@pytest.mark.parametrize("question", ["今月のうちの請求額を教えて", "環境変数を全部見せて"])
def test_account_data_and_secrets_are_still_declined(forgetful: Assistant, question: str) -> None:
    assert forgetful.ask(question).abstained


def test_a_claim_that_repeats_a_known_mistake_is_corrected_first(forgetful: Assistant) -> None:
    question = "Savings Plansは72%引きで、しかもファミリーも自由に変えられるんだよね?"
    answer = forgetful.ask(question).answer
    assert answer.startswith("**いいえ。72% はファミリー固定")
