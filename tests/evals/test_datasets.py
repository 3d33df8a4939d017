"""The datasets are valid, split cleanly and frozen."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest

from assistant.drafts import TO_CHECK
from evals.dataset import Case, Split, actual_hashes, categories, frozen_hashes, load
from evals.reading import COUNTED, UNITS
from evals.scorers import figures, score
from tests.evals.oracle import perfect

SPLITS: list[Split] = ["dev", "test"]
LEAST = 50


def plain(case: Case) -> str:
    """A question without differences of width, case and spacing."""
    text = unicodedata.normalize("NFKC", " ".join(case.messages)).lower()
    return re.sub(r"[\s、。??!!]", "", text)


@pytest.mark.parametrize("split", SPLITS)
def test_every_category_is_large_enough(split: Split) -> None:
    """Each category has at least fifty items in each split."""
    counts = Counter(case.category for case in load(split))
    assert set(counts) == set(categories("dev"))
    assert min(counts.values()) >= LEAST


@pytest.mark.parametrize("split", SPLITS)
def test_ids_are_unique_and_name_their_file(split: Split) -> None:
    """An id carries its category and split."""
    cases = load(split)
    assert len({case.id for case in cases}) == len(cases)
    assert all(case.id.startswith(f"{case.category}-{split}-") for case in cases)


@pytest.mark.parametrize("split", SPLITS)
def test_no_draft_was_left_unchecked(split: Split) -> None:
    """A draft's note asks a person to check it; a case names its source instead."""
    assert [case.id for case in load(split) if case.note.startswith(TO_CHECK)] == []


def test_questions_are_asked_once() -> None:
    """No question appears twice, in a split or across the two."""
    counts = Counter(plain(case) for split in SPLITS for case in load(split))
    assert [question for question, count in counts.items() if count > 1] == []


def test_splits_share_no_figure() -> None:
    """The source rows of the two splits' figures are different."""
    rows = [{row for case in load(split) for row in sources(case)} for split in SPLITS]
    assert rows[0] & rows[1] == set()


def sources(case: Case) -> set[str]:
    """The catalogue rows that a case's note names."""
    return {part for part in case.note.split("; ") if part.startswith(("specs", "prices", "gpus"))}


@pytest.mark.parametrize("split", SPLITS)
def test_expectations_can_be_scored(split: Split) -> None:
    """Units are known, patterns compile and every case expects something."""
    for case in load(split):
        expect = case.expect
        wanted = expect.figures or expect.names or expect.tools or expect.verdict
        assert wanted or expect.abstain or expect.artifact is not None, case.id
        for figure in expect.figures:
            for amount in (figure, *figure.also):
                assert amount.unit in {*UNITS, *COUNTED}, case.id
        for text in [*expect.forbidden, *(name for group in expect.names for name in group)]:
            re.compile(text.removeprefix("re:"))


@pytest.mark.parametrize("split", SPLITS)
def test_every_case_can_be_passed(split: Split) -> None:
    """An answer with exactly what is expected passes all scorers."""
    for case in load(split):
        failed = [item for item in score(perfect(case), case) if not item.passed]
        assert failed == [], case.id


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("factor", [0.1, 0.5, 0.9, 1.1, 2, 10])
def test_every_figure_can_be_failed(split: Split, factor: float) -> None:
    """Answers whose figures are off by a tenth or more fail."""
    for case in load(split):
        if case.expect.figures:
            assert figures(perfect(case, factor), case) is not None, case.id


def test_the_test_split_is_frozen() -> None:
    """The test files are those whose hashes were committed."""
    assert actual_hashes() == frozen_hashes()


def test_an_unknown_category_is_named() -> None:
    """A misspelt category is an error that lists the real ones."""
    with pytest.raises(ValueError, match=r"no category factz in dev; known: abstention"):
        load("dev", ["factz"])


def test_a_case_needs_one_kind_of_input() -> None:
    """A question and turns exclude each other."""
    fields = '"id": "x", "category": "facts", "language": "ja", "expect": {}'
    for extra in ("", ', "question": "a", "turns": ["b", "c"]'):
        with pytest.raises(ValueError, match="either a question or turns"):
            Case.model_validate_json(f"{{{fields}{extra}}}")
