"""The packaged glossary answers questions by BM25, and says when it has nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.bm25 import Bm25
from knowledge.search import Filters, GlossarySearch, glossary_search, names_in
from knowledge.text import tokens

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def search() -> GlossarySearch:
    return glossary_search()


@pytest.mark.parametrize(
    ("question", "entry_id"),
    [
        ("ZeRO-3は何を分割しますか", "deepspeed-zero-3"),
        ("マルチモデルエンドポイントの利点は?", "sagemaker-multi-model-endpoint"),
        ("Savings Plansの72%はどの種類?", "pricing-savings-plans"),
        ("What is EFA?", "efa"),
        ("ＥＦＡを使うには", "efa"),
    ],
)
def test_the_first_passage_answers(search: GlossarySearch, question: str, entry_id: str) -> None:
    found = search.search(question)
    assert found.hits[0].chunk.document == entry_id
    assert not found.is_weak


@pytest.mark.parametrize(
    "question",
    [
        "DynamoDBのキー設計",
        "量子コンピュータとは",
        "サッカーの試合結果",
        "RTX 5090は買いですか",
        "how to cook rice",
        "?",
    ],
)
def test_a_question_from_elsewhere_is_weak(search: GlossarySearch, question: str) -> None:
    assert search.search(question).is_weak


def test_names_that_no_passage_has_are_reported(search: GlossarySearch) -> None:
    assert search.search("DynamoDBのキー設計").unknown == ("DynamoDB",)
    assert search.search("EFAのキー設計").unknown == ()


def test_filters_restrict_section_series_and_source(search: GlossarySearch) -> None:
    question = "GPU メモリ"
    by_section = search.search(question, Filters(sections=("deepspeed",)), 10).hits
    by_series = search.search(question, Filters(series=("C",)), 10).hits
    by_source = search.search(question, Filters(sources=("NVIDIA L4",)), 10).hits
    assert {hit.chunk.category for hit in by_section} == {"deepspeed"}
    assert all("C" in hit.chunk.series or not hit.chunk.series for hit in by_series)
    assert by_source and all("NVIDIA L4" in hit.chunk.source for hit in by_source)


def test_a_filter_holds_for_a_definition_too(search: GlossarySearch) -> None:
    hits = search.search("EFAとは?", Filters(sections=("pricing",))).hits
    assert all(hit.chunk.category == "pricing" for hit in hits)


def test_one_document_does_not_crowd_out_the_others(search: GlossarySearch) -> None:
    documents = [
        hit.chunk.document
        for hit in search.search("EFA の設定とセキュリティグループ", limit=5).hits
    ]
    assert len(set(documents)) >= 3


def test_scores_fall_and_lie_between_0_and_1(search: GlossarySearch) -> None:
    scores = [hit.score for hit in search.search("スポットの中断", limit=8).hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1


def test_importing_search_loads_no_heavy_package() -> None:
    code = (
        "import sys, knowledge.search as s; s.glossary_search().search('EFAの設定');"
        "print({'numpy', 'chromadb', 'torch', 'tokenizers', 'yaml', 'boto3'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


def test_japanese_is_cut_into_bigrams_and_ascii_words_stay_whole() -> None:
    assert tokens("ＥＦＡの帯域 G5.xlarge 32GB") == ["efa", "の帯", "帯域", "g5.xlarge", "32gb"]
    assert tokens("") == []


def test_rare_words_outweigh_common_ones() -> None:
    index = Bm25([[(["a", "b"], 1.0)], [(["a", "c"], 1.0)], [(["a", "a"], 1.0)]])
    assert index.search(["a", "c"], 3)[0].number == 1
    assert index.search(["zzz"], 3) == []
    assert [item.number for item in index.search(["a"], 3, allowed={0})] == [0]


def test_names_are_latin_words_in_japanese_and_capitalised_words_in_english() -> None:
    assert names_in("RDSのバックアップ") == ["RDS", "バックアップ"]
    assert names_in("How does Redshift compare with spot?") == ["Redshift"]
