"""Questions that say what a machine is for, and name none."""

from __future__ import annotations

import pytest

from assistant.app import Assistant


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("予算月10万円で画像分類の学習をするなら?", "g6.xlarge"),
        ("whisperの文字起こしを安くやりたい", "g4dn.xlarge"),
        ("お試しでGPUをちょっとだけ触りたい。最安は?", "g6f.large"),
        ("学生です。月5千円くらいでGPUを使いたい", "g6f.large"),
        ("LLMの事前学習を本格的にやるなら何を選ぶべきでしょうか", "p5"),
        ("what's the cheapest instance with 4 L4 GPUs?", "g6.12xlarge"),
        ("192vCPUが1台で欲しい、最安の型は?", "c6a.48xlarge"),
    ],
)
def test_a_use_case_gets_a_shortlist_with_prices_and_sources(
    forgetful: Assistant, question: str, name: str
) -> None:
    answer = forgetful.ask(question)
    assert not answer.abstained
    assert name in answer.answer
    assert answer.citations


def test_a_monthly_budget_with_a_rate_caps_the_hourly_price(forgetful: Assistant) -> None:
    answer = forgetful.ask("月20万円で画像分類の学習をするなら?1ドル150円")
    (call,) = [call for call in answer.tool_calls if call.name == "find_instances"]
    ceilings = [c for c in call.args["conditions"] if c["attribute"] == "usd_per_hour"]
    assert ceilings == [{"attribute": "usd_per_hour", "op": "<=", "value": "1.8264"}]
    assert "1.1672 USD/時" in answer.answer


def test_the_glossary_says_why(forgetful: Assistant) -> None:
    answer = forgetful.ask("画像分類の学習をするならどれがおすすめ?")
    assert any("G シリーズ" in citation.title for citation in answer.citations)
    assert {call.name for call in answer.tool_calls} == {"find_instances", "search_glossary"}


@pytest.mark.parametrize("question", ["画像生成とは?", "前処理って何?"])
def test_a_definition_is_no_recommendation(forgetful: Assistant, question: str) -> None:
    assert "find_instances" not in {call.name for call in forgetful.ask(question).tool_calls}
