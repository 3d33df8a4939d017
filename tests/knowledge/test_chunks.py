"""Chunks follow a document's structure and keep their ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunks import Chunk, cut, passages

TEMPLATE = Chunk(id="", document="doc", title="題", section="", text="")
TABLE = "| a | b |\n|---|---|\n" + "\n".join(f"| {i} | {'値' * 20} |" for i in range(80))
CODE = "```python\n# comment, no heading\n\nx = 1\n```"


def test_headings_bound_passages_and_form_their_path() -> None:
    found = list(passages("前文\n\n# 一\n\n本文\n\n## 二\n\n続き\n\n# 三\n\n終わり"))
    assert found == [((), "前文"), (("一",), "本文"), (("一", "二"), "続き"), (("三",), "終わり")]


def test_a_table_stays_whole_however_long_it_is() -> None:
    found = [text for _, text in passages(f"導入\n\n{TABLE}\n\n結び")]
    assert len(TABLE) > 1500
    assert [TABLE in text for text in found].count(True) == 1


def test_a_code_block_stays_whole_and_its_comments_are_no_headings() -> None:
    found = list(passages(f"# 見出し\n\n{CODE}\n\n後"))
    assert [path for path, _ in found] == [("見出し",)]
    assert CODE in found[0][1]


def test_a_longer_fence_contains_a_shorter_one() -> None:
    nested = "````\n```\n# inside\n```\n````"
    assert list(passages(nested)) == [((), nested)]


def test_a_long_paragraph_is_cut_after_sentences() -> None:
    found = [text for _, text in passages("これは文です。" * 300, max_chars=100)]
    assert all(len(text) <= 100 and text.endswith("。") for text in found)
    assert "".join(found) == "これは文です。" * 300


def test_text_without_sentence_ends_is_cut_by_length() -> None:
    assert [len(text) for _, text in passages("x" * 250, max_chars=100)] == [100, 100, 50]


def test_an_unclosed_fence_loses_nothing() -> None:
    assert list(passages("```\nx = 1\n\ny = 2")) == [((), "```\nx = 1\n\ny = 2")]


def test_a_changed_section_leaves_the_ids_of_the_others() -> None:
    before = {chunk.section: chunk.id for chunk in cut(TEMPLATE, "# 甲\n\n一\n\n# 乙\n\n二")}
    after = {chunk.section: chunk.id for chunk in cut(TEMPLATE, "# 甲\n\n変更\n\n# 乙\n\n二")}
    assert before["乙"] == after["乙"]
    assert before["甲"] != after["甲"]


def test_equal_passages_of_a_document_get_different_ids() -> None:
    ids = [chunk.id for chunk in cut(TEMPLATE, "# 甲\n\n同文\n\n# 甲\n\n同文")]
    assert len(set(ids)) == len(ids) == 2


@given(st.text(alphabet="あa#|`-\n。 1", max_size=400))
def test_no_character_of_any_document_is_lost(text: str) -> None:
    chunks = cut(TEMPLATE, text, max_chars=30)
    kept = "".join(chunk.text + chunk.section for chunk in chunks)
    lost = {letter for letter in "あa1。" if letter in text and letter not in kept}
    headings = [line for line in text.split("\n") if line.startswith("#")]
    assert not lost or any(letter in line for letter in lost for line in headings)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
