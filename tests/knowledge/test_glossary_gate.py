"""The glossary says what the catalogue says, and its entries do not collide."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from knowledge.ec2.catalogue import Catalogue
from knowledge.glossary_entries import Entry, GlossaryError, conflicts, load_entries, parse_entry
from tests.knowledge.body_gate import BodyGate
from tests.knowledge.fact_gate import fact_problems

SECTIONS_PER_SERIES = {
    "C": {
        "overview",
        "characteristics",
        "generations",
        "workflow",
        "sizes",
        "cost",
        "best-practice",
    },
    "P": {
        "overview",
        "characteristics",
        "generations",
        "workflow",
        "sizes",
        "cost",
        "best-practice",
    },
    "G": {
        "overview",
        "characteristics",
        "generations",
        "workflow",
        "sizes",
        "cost",
        "best-practice",
    },
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture(scope="module")
def entries() -> tuple[Entry, ...]:
    return load_entries()


@pytest.fixture(scope="module")
def gate(catalogue: Catalogue) -> BodyGate:
    return BodyGate(catalogue)


@pytest.fixture(scope="module")
def by_id(entries: tuple[Entry, ...]) -> Callable[[str], Entry]:
    found = {entry.id: entry for entry in entries}
    return found.__getitem__


def test_every_sourced_fact_equals_the_catalogue(
    entries: tuple[Entry, ...], catalogue: Catalogue
) -> None:
    problems = [line for entry in entries for line in fact_problems(entry, catalogue)]
    checked = sum(fact.subject is not None for entry in entries for fact in entry.facts)
    assert not problems, "\n".join(problems)
    assert checked > 1500


def test_no_figure_in_a_body_contradicts_the_catalogue(
    entries: tuple[Entry, ...], gate: BodyGate
) -> None:
    problems = [line for entry in entries for line in gate.problems(entry)]
    assert not problems, "\n".join(problems)


def test_ids_names_and_questions_are_unique_and_see_also_resolves(
    entries: tuple[Entry, ...],
) -> None:
    assert not list(conflicts(entries))


def test_the_glossary_covers_every_section_of_every_series(entries: tuple[Entry, ...]) -> None:
    for series, sections in SECTIONS_PER_SERIES.items():
        own = {entry.section for entry in entries if entry.series == (series,)}
        assert sections <= own, f"{series}: {sections - own}"
    assert len(entries) >= 150


@pytest.mark.parametrize(
    ("entry_id", "right", "wrong", "quoted"),
    [
        ("g-gen-g5", "帯域は A10G が 600 GB/s", "帯域は A10G が 300 GB/s", "300 GB/s"),
        ("g-gen-g5", "g5.xlarge が 1.459 USD/時", "g5.xlarge が 1.1672 USD/時", "1.1672 USD"),
        ("efa", "| p5en.48xlarge | 3,200 Gbps |", "| p5en.48xlarge | 6,400 Gbps |", "6400 Gbps"),
        (
            "p-sizes",
            "96 / 1,152 GiB | 400 Gbps | 8 TB | 8B",
            "96 / 1,512 GiB | 400 Gbps | 8 TB | 8B",
            "1512 GiB",
        ),
        ("gpu-t4", "帯域 320 GB/s", "帯域 230 GB/s", "230 GB/s"),
    ],
)
def test_the_gate_quotes_both_values_of_a_wrong_figure(
    gate: BodyGate,
    by_id: Callable[[str], Entry],
    entry_id: str,
    right: str,
    wrong: str,
    quoted: str,
) -> None:
    entry = by_id(entry_id)
    assert right in entry.body
    spoilt = entry.model_copy(update={"body": entry.body.replace(right, wrong)})
    problems = list(gate.problems(spoilt))
    assert len(problems) == 1
    assert f"says {quoted}" in problems[0] and "the catalogue says" in problems[0]


def test_the_gate_quotes_both_values_of_a_wrong_fact(
    by_id: Callable[[str], Entry], catalogue: Catalogue
) -> None:
    entry = by_id("efa")
    fact = entry.facts[0].model_copy(update={"value": 800})
    spoilt = entry.model_copy(update={"facts": (fact, *entry.facts[1:])})
    assert list(fact_problems(spoilt, catalogue)) == [
        "efa: p4d.24xlarge network_gbps: the glossary says 800, the catalogue says 400.0"
    ]


def test_a_subject_that_the_catalogue_does_not_know_is_reported(
    by_id: Callable[[str], Entry], catalogue: Catalogue
) -> None:
    entry = by_id("efa")
    fact = entry.facts[0].model_copy(update={"subject": "p9.48xlarge"})
    spoilt = entry.model_copy(update={"facts": (fact,)})
    assert ["p9.48xlarge" in line for line in fact_problems(spoilt, catalogue)] == [True]


def test_shared_names_and_dangling_references_are_reported(by_id: Callable[[str], Entry]) -> None:
    entry = by_id("efa")
    twin = entry.model_copy(update={"id": "efa-2", "aliases": (), "see_also": ("nowhere",)})
    found = list(conflicts((entry.model_copy(update={"see_also": ()}), twin)))
    assert any("share the name" in line for line in found)
    assert any("share the question" in line for line in found)
    assert any("'nowhere'" in line for line in found)


def _file(**changes: str) -> str:
    fields = {
        "id": "x",
        "term": "{ja: 用語, en: term}",
        "aliases": "[]",
        "series": "[G]",
        "section": "gpu",
        "summary": "用語は説明のための例であり、二十文字より長い一文です。",
        "summary_en": "A term is an example for the tests.",
        "questions": "[一つ目ですか?, 二つ目ですか?]",
        "sources": "{s: {title: T, url: 'https://example.com/', as_of: 2026-11-23}}",
        "facts": "["
        + ", ".join(f"{{name: n{i}, value: {i}, unit: '', source: s}}" for i in range(3))
        + "]",
        "see_also": "[]",
    } | changes
    head = "\n".join(f"{key}: {value}" for key, value in fields.items())
    return f"---\n{head}\n---\n{'本文。' * 60}"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"id": "Bad_Id"}, "id"),
        ({"section": "misc"}, "section"),
        ({"questions": "[一つ?]"}, "questions"),
        ({"facts": "[{name: n, value: 1, unit: '', source: s}]"}, "facts"),
        (
            {
                "facts": "[{name: n, value: 1, unit: '', source: q}, "
                "{name: m, value: 1, unit: '', source: s}, "
                "{name: o, value: 1, unit: '', source: s}]"
            },
            "'q'",
        ),
        ({"mistakes": "[{wrong: a, right: b, source: s}]"}, "よくある誤り"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_malformed_entry_names_the_file_and_the_field(
    changes: dict[str, str], named: str
) -> None:
    assert parse_entry(_file(), "x.md").id == "x"
    with pytest.raises(GlossaryError, match=r"x\.md") as caught:
        parse_entry(_file(**changes), "x.md")
    assert named in str(caught.value)


def test_an_entry_under_another_file_name_is_refused() -> None:
    with pytest.raises(GlossaryError, match="differs from the file's name"):
        parse_entry(_file(), "y.md")
