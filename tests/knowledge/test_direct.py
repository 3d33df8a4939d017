"""The sentence that answers a question most directly."""

from __future__ import annotations

import pytest

from knowledge.direct import find_correction, find_direct_sentence

SUMMARY = "Savings Plans は 1 時間あたりの利用額を約束する割引です。"
TABLE = (
    "| 種類 | 対象 | 上限 |\n|---|---|---|\n"
    "| EC2 Instance | 1 ファミリー | 72 % |\n| Compute | 全部 | 66 % |"
)
BODY = (
    "約束した分は割引料金で充当されます。使わなかった分は**繰り越せません**。\n\n"
    "**よくある誤り**: 未使用分は翌月に回せる。\n\n```\n使わなかった分を計算する。\n```"
)


def direct(question: str, *texts: str) -> str:
    return find_direct_sentence(question, SUMMARY, texts, lambda word: 1.0)


def test_a_figure_of_the_question_picks_the_table_row_that_has_it() -> None:
    assert direct("72%はどの種類?", TABLE) == "EC2 Instance: 対象 1 ファミリー、上限 72 %"
    assert direct("66%はどれ?", TABLE).startswith("Compute: ")


def test_a_detail_that_the_summary_lacks_is_answered_by_its_sentence_without_emphasis() -> None:
    assert direct("使わなかった分は?", BODY) == "使わなかった分は繰り越せません。"


@pytest.mark.parametrize("question", ["Savings Plansとは", "利用額を約束する割引?", "", "天気"])
def test_what_the_summary_answers_needs_no_other_sentence(question: str) -> None:
    assert direct(question, BODY) == ""


def test_notes_on_mistakes_and_code_are_never_the_answer() -> None:
    assert direct("未使用分は翌月に回せる?", BODY) == ""
    assert "計算" not in direct("計算する", BODY)


def test_rows_answer_only_questions_that_choose() -> None:
    assert direct("72", TABLE) == ""


MISTAKES = (
    "**よくある誤り**: 「Savings Plans は最大 72% 引きで、ファミリーも自由」は誤りです。"
    "72% はファミリー固定の契約です。 "
    "「未使用分は翌月に回せる」→ 毎時消えます"
)


def correction(claim: str) -> str:
    return find_correction(claim, [MISTAKES], lambda word: 1.0)


def test_a_claim_that_repeats_a_known_mistake_gets_its_correction() -> None:
    assert correction("Savings Plansは72%引きでファミリーも自由だよね") == (
        "72% はファミリー固定の契約です。"
    )
    assert correction("未使用分は翌月に回せるはず") == "毎時消えます。"


def test_a_claim_with_another_figure_is_no_known_mistake() -> None:
    assert correction("Savings Plansは最大66%引きでファミリーも自由だよね") == ""
    assert correction("ストレージは停止中も課金される") == ""
