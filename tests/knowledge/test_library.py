"""The library answers from the glossary and from ingested documents together."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.ec2.catalogue import load_catalogue
from knowledge.embedder import load_embedder
from knowledge.library import Library
from knowledge.search import Filters, glossary_search
from tests.knowledge.stores import put
from tools.glossary import GlossaryRequest, search_glossary


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library(tmp_path_factory.mktemp("library"), load_embedder())
    assert library.store
    put(
        library.store,
        kitei=(
            "# 社内 GPU 規程\n\n研究部門の GPU 利用は情報システム部の窓口に申請します。\n\n"
            "## 単価\n\ng5.xlarge は 1 時間 9 ドルです。"
        ),
        shokudo="社員食堂の営業時間は十一時から十四時までです。",
    )
    return library


def documents(library: Library, question: str, **filters: tuple[str, ...]) -> list[str]:
    """Return the documents of the passages found."""
    return [hit.chunk.document for hit in library.search(question, Filters(**filters)).hits]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("社員食堂は何時から開いていますか", "shokudo"),
        ("GPU 利用の申請窓口", "kitei"),
        ("ZeRO-3は何を分割しますか", "deepspeed-zero-3"),
        ("EFAとは?", "efa"),
    ],
)
def test_the_best_passage_comes_first_wherever_it_is(
    library: Library, question: str, first: str
) -> None:
    found = library.search(question)
    assert found.hits[0].chunk.document == first
    assert not found.is_weak


def test_a_question_in_other_words_is_answered_with_vectors(library: Library) -> None:
    question = "オプティマイザの状態だけを分けるやつ"
    assert "deepspeed-zero-1" in documents(library, question)
    by_words = [hit.chunk.document for hit in glossary_search().search(question, limit=1).hits]
    assert by_words != ["deepspeed-zero-1"]


def test_sources_restrict_the_search_to_one_document(library: Library) -> None:
    assert set(documents(library, "GPU", sources=("kitei",))) == {"kitei"}
    assert set(documents(library, "GPU", sections=("deepspeed",))).isdisjoint({"kitei", "shokudo"})
    assert set(documents(library, "営業時間", sections=("document",))) <= {"kitei", "shokudo"}


def test_a_filter_reaches_entries_that_are_far_from_the_question(library: Library) -> None:
    found = library.search("EFA の設定", Filters(sections=("container",)), limit=3).hits
    assert {hit.chunk.category for hit in found} == {"container"}


def test_a_question_that_neither_part_answers_is_weak(library: Library) -> None:
    assert library.search("サッカーの試合結果").is_weak


@pytest.mark.parametrize(
    ("query", "entry", "is_glossary"),
    [("GPU 利用の申請窓口", "kitei", False), ("NVLinkの帯域は?", "nvlink", True)],
)
def test_a_passage_says_whether_it_is_the_glossarys_or_the_users(
    library: Library, query: str, entry: str, is_glossary: bool
) -> None:
    result = search_glossary(load_catalogue(), GlossaryRequest(query=query), library)
    marks = {passage.entry: passage.is_glossary for passage in result.passages}
    assert marks[entry] is is_glossary


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Library(None, load_embedder()).search("余っているGPUを安く").hits
    assert not list(tmp_path.iterdir())
