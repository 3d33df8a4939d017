"""The shipped index is in step with the entries and answers look-ups at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.errors import KnowledgeError
from knowledge.glossary_entries import load_entries
from knowledge.glossary_index import FOLDER, INDEX, GlossaryIndex, load_glossary, render_index

LOOKUP = """
import sys
from knowledge.glossary_index import load_glossary
assert load_glossary().find("イーエフエー").id == "efa"
assert not {"yaml", "numpy", "chromadb", "pydantic"} & set(sys.modules)
"""


def test_the_index_is_in_step_with_the_entries() -> None:
    rendered = render_index(load_entries())
    assert (FOLDER / INDEX).read_text("utf-8") == rendered, (
        "run: python -m knowledge.glossary_index"
    )


@pytest.mark.parametrize(
    ("name", "entry_id"),
    [
        ("efa", "efa"),
        ("EFA", "efa"),
        ("イーエフエー", "efa"),
        ("ZeRO 3", "deepspeed-zero-3"),
        ("zero-3", "deepspeed-zero-3"),
        ("KVキャッシュ", "kv-cache"),
        ("KV cache", "kv-cache"),
    ],
)
def test_an_entry_is_found_by_any_of_its_names(name: str, entry_id: str) -> None:
    head = load_glossary().find(name)
    assert head is not None and head.id == entry_id


@pytest.mark.parametrize(
    ("question", "entry_id"),
    [
        ("EFAとは?", "efa"),
        ("EFAって何ですか?", "efa"),
        ("What is EFA?", "efa"),
        ("EFAについて教えてください", "efa"),
        ("define NVLink", "nvlink"),
        ("EFAとEBSの違いは?", None),
        ("とは?", None),
        ("", None),
    ],
)
def test_only_questions_for_a_definition_are_read_as_one(
    question: str, entry_id: str | None
) -> None:
    head = load_glossary().defined(question)
    assert (head.id if head else None) == entry_id


def test_every_passage_names_its_source_and_date() -> None:
    glossary = load_glossary()
    chunks = [chunk for entry_id in glossary.ids for chunk in glossary.chunks(entry_id)]
    assert len(chunks) > len(glossary.ids)
    assert all(
        chunk.source and chunk.url.startswith("https://") and chunk.as_of for chunk in chunks
    )


def test_a_cold_lookup_needs_no_library() -> None:
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", LOOKUP], cwd=root, check=True)


def test_a_damaged_index_says_how_to_rebuild_it(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text("{")
    with pytest.raises(KnowledgeError, match=r"python -m knowledge\.glossary_index"):
        GlossaryIndex(tmp_path)
