"""`search_glossary` returns passages that can be cited, or says that it has none."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from knowledge.ec2.catalogue import Catalogue, load_catalogue
from knowledge.glossary_index import load_glossary
from tools.glossary import GlossaryRequest, GlossaryResult, lookup_entry, search_glossary


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def ask(catalogue: Catalogue, query: str, **filters: object) -> GlossaryResult:
    return search_glossary(catalogue, GlossaryRequest.model_validate({"query": query, **filters}))


def test_a_passage_carries_all_that_a_citation_needs(catalogue: Catalogue) -> None:
    result = ask(catalogue, "ZeRO-3は何を分割しますか")
    best = result.passages[0]
    assert (best.entry, best.title) == ("deepspeed-zero-3", "ZeRO-3")
    assert best.source.startswith("deepspeed") and best.url and best.url.startswith("https://")
    assert best.as_of == date(2026, 11, 23)
    assert "分割します" in best.quote and best.is_glossary
    assert not result.is_weak and not result.is_definition


def test_quotes_are_verbatim_text_of_the_entry(catalogue: Catalogue) -> None:
    for passage in ask(catalogue, "EFAとは?").passages:
        assert passage.quote in [chunk.text for chunk in load_glossary().chunks(passage.entry)]


def test_a_definition_brings_the_entry_with_its_one_sentence_answer(catalogue: Catalogue) -> None:
    result = ask(catalogue, "What is EFA?")
    assert result.is_definition
    assert result.entries[0].id == "efa" and "NCCL" in result.entries[0].summary_en
    assert "NCCL の環境変数" in " ".join(result.entries[0].see_also) or result.entries[0].see_also
    assert {passage.score for passage in result.passages} == {1.0}


def test_an_alias_is_looked_up_without_searching() -> None:
    result = lookup_entry("イーエフエー")
    assert result and result.entries[0].id == "efa" and result.passages
    assert lookup_entry("そんな用語はない") is None


def test_weak_evidence_is_marked(catalogue: Catalogue) -> None:
    result = ask(catalogue, "DynamoDBのキー設計")
    assert result.is_weak and result.unknown == ("DynamoDB",)


def test_a_result_survives_json(catalogue: Catalogue) -> None:
    result = ask(catalogue, "KVキャッシュ", limit=3)
    assert GlossaryResult.model_validate_json(result.model_dump_json()) == result


def test_filters_reach_the_search(catalogue: Catalogue) -> None:
    result = ask(catalogue, "料金", sections=["pricing"], series=["P"], limit=10)
    assert {entry.section for p in result.passages if (entry := load_glossary().get(p.entry))} == {
        "pricing"
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"query": ""},
        {"query": "x" * 1001},
        {"query": "x", "limit": 0},
        {"query": "x", "series": ["Z"]},
    ],
)
def test_a_bad_request_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GlossaryRequest.model_validate(fields)
