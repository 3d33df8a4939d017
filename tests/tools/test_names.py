"""Names: every spelling people use resolves, every wrong one is refused with real names."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.ec2.catalogue import Catalogue, load_catalogue
from tools.errors import NameProblem, UnknownNameError, UnknownRegionError
from tools.names import Names, Subject, canonical_size, closest, edits, fold

CATALOGUE = load_catalogue()
NAMES = Names(CATALOGUE)


def resolved(name: str) -> list[tuple[str, str]]:
    return [(subject.kind, subject.key) for subject in NAMES.resolve(name)]


def refusal(name: str) -> UnknownNameError:
    with pytest.raises(UnknownNameError) as caught:
        NAMES.resolve(name)
    return caught.value


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("g5.xlarge", "g5.xlarge"),
        ("G5.XLARGE", "g5.xlarge"),
        ("ｇ５．ｘｌａｒｇｅ", "g5.xlarge"),
        ("Ｇ４ＤＮ　ＸＬＡＲＧＥ", "g4dn.xlarge"),
        ("G4DN XLARGE", "g4dn.xlarge"),
        ("g6e・xlarge", "g6e.xlarge"),
        ("g6e-xlarge", "g6e.xlarge"),
        ("g6e_2xlarge", "g6e.2xlarge"),
        ("p4d 24xl", "p4d.24xlarge"),
        ("p4d24xl", "p4d.24xlarge"),
        ("p4d.24x-large", "p4d.24xlarge"),
        ("g5.xl", "g5.xlarge"),
        ("c6i.metal", "c6i.metal"),
        ("c7i.metal-24xl", "c7i.metal-24xl"),
        ("c7i-flex.large", "c7i-flex.large"),
        ("P6-B200.48xlarge", "p6-b200.48xlarge"),
        ("  g5.xlarge ", "g5.xlarge"),
        ("g6f.large", "g6f.large"),
    ],
)
def test_spellings_of_instance_types(name: str, key: str) -> None:
    assert resolved(name) == [("instance", key)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("g5", [("family", "g5")]),
        ("G4dn", [("family", "g4dn")]),
        ("G5シリーズ", [("family", "g5")]),
        ("g5 family", [("family", "g5")]),
        ("Ｐ５ｅｎ", [("family", "p5en")]),
        ("p4", [("family", "p4d"), ("family", "p4de")]),
        ("p5", [("family", "p5")]),
        ("A10G", [("gpu", "A10G")]),
        ("NVIDIA A10G", [("gpu", "A10G")]),
        ("tesla t4", [("gpu", "T4")]),
        ("a100", [("gpu", "A100-40GB"), ("gpu", "A100-80GB")]),
        ("A100 80GB", [("gpu", "A100-80GB")]),
        ("a100-40gb", [("gpu", "A100-40GB")]),
        ("H100 GPU", [("gpu", "H100")]),
        ("rtx pro 6000", [("gpu", "RTX PRO 6000")]),
        ("RTXPRO6000", [("gpu", "RTX PRO 6000")]),
        ("C", [("series", "C")]),
        ("Gシリーズ", [("series", "G")]),
        ("P series", [("series", "P")]),
    ],
)
def test_spellings_of_families_gpus_and_series(name: str, expected: list[tuple[str, str]]) -> None:
    assert resolved(name) == expected


def test_a_generation_stands_only_where_no_family_has_its_name() -> None:
    """`p5` is the family P5, not P5 + P5e + P5en; `p4` can only mean a generation."""
    assert "p4" in NAMES.generations
    assert not set(NAMES.generations) & set(CATALOGUE.families)


@pytest.mark.parametrize(
    ("name", "problem", "first"),
    [
        ("c6i.4xlagre", "misspelt", "c6i.4xlarge"),
        ("g5.xlrage", "misspelt", "g5.xlarge"),
        ("g4dm.xlarge", "misspelt", "g4dn.xlarge"),
        ("p4d.48xlarge", "no_such_size", "p4d.24xlarge"),
        ("p5.24xlarge", "no_such_size", "p5.4xlarge"),
        ("g5.32xlarge", "no_such_size", "g5.xlarge"),
    ],
)
def test_misspellings_and_missing_sizes_name_the_real_ones(
    name: str, problem: NameProblem, first: str
) -> None:
    error = refusal(name)
    assert (error.problem, error.suggestions[0]) == (problem, first)
    assert name in error.message_ja
    assert name in error.message_en
    assert first in error.message_ja
    assert first in error.message_en


@pytest.mark.parametrize("name", ["c10g", "c6ae", "g5x"])
def test_a_bare_name_with_another_letter_is_another_family(name: str) -> None:
    """c6ae is no slip for c6a: a letter is what tells families apart."""
    assert refusal(name).problem == "no_such_family"


@pytest.mark.parametrize("name", ["c7z.large"])
def test_a_name_with_several_equally_near_ones_is_not_called_misspelt(name: str) -> None:
    """A caller repairs `misspelt` names in silence, so there must be one candidate only."""
    error = refusal(name)
    nearest = [edits(fold(name), suggestion) for suggestion in error.suggestions]
    assert nearest.count(nearest[0]) > 1
    assert error.problem != "misspelt"


def test_a_missing_size_lists_every_size_of_the_family() -> None:
    """Someone who asks for p5.24xlarge must learn both that exist."""
    assert refusal("p5.24xlarge").suggestions == ("p5.4xlarge", "p5.48xlarge")


@pytest.mark.parametrize("name", ["m7i.large", "t3.micro", "r6g.8xlarge", "m5", "x2idn.16xlarge"])
def test_other_series_are_called_outside_not_unknown(name: str) -> None:
    error = refusal(name)
    assert error.problem == "outside"
    assert error.suggestions == ()


def test_every_other_type_is_outside() -> None:
    assert {refusal(name).problem for name in CATALOGUE.other_types} == {"outside"}


@pytest.mark.parametrize("name", ["....", "a" * 5000, "。" * 300, "今日の天気"])
def test_what_is_no_name_is_refused_without_suggestions(name: str) -> None:
    assert refusal(name).suggestions == ()


@pytest.mark.parametrize("name", ["", " ", "天気", "?", "\x00\x01"])
def test_short_words_that_are_no_names_get_no_suggestions(name: str) -> None:
    assert refusal(name).suggestions == ()


@pytest.mark.parametrize("name", ["p99.xlarge", "g55", "zz9.large", "h200.xlarge", "g5.金"])
def test_names_that_look_real_never_resolve(name: str) -> None:
    error = refusal(name)
    assert error.problem in ("no_such_family", "no_such_size", "not_a_name", "misspelt")
    known = {*CATALOGUE.types, *CATALOGUE.families, *NAMES.gpu_names}
    assert set(error.suggestions) <= known


WIDE = {c: chr(ord(c) + 0xFEE0) for c in map(chr, range(0x21, 0x7F))}
types = st.sampled_from(sorted(CATALOGUE.types))
families = st.sampled_from(sorted(CATALOGUE.families))
gpus = st.sampled_from(sorted(CATALOGUE.gpus))


@st.composite
def spelled(draw: st.DrawFn, names: st.SearchStrategy[str]) -> tuple[str, str]:
    """A name, and a spelling of it: any case and width, another separator, a blank before."""
    name = draw(names)
    separator = draw(st.sampled_from([".", "・", "_", " ", "．"])) if "." in name else "."
    written = name.replace(".", separator, 1)
    letters = [
        WIDE.get(c, c) if wide else c
        for c, wide in zip(
            written, draw(st.lists(st.booleans(), min_size=len(written))), strict=False
        )
    ]
    letters = [c.upper() if draw(st.booleans()) else c for c in letters]
    return name, draw(st.sampled_from(["", " ", "　"])) + "".join(letters)


@given(spelled(types))
def test_instance_types_resolve_in_any_case_width_and_separator(pair: tuple[str, str]) -> None:
    name, written = pair
    assert resolved(written) == [("instance", name)]


@given(spelled(families))
def test_families_resolve_in_any_case_and_width(pair: tuple[str, str]) -> None:
    name, written = pair
    assert resolved(written) == [("family", name)]


@given(spelled(gpus))
def test_gpus_resolve_in_any_case_and_width(pair: tuple[str, str]) -> None:
    name, written = pair
    assert Subject("gpu", name) in NAMES.resolve(written)


@given(types, st.data())
def test_one_slip_never_resolves_to_a_wrong_type_in_silence(name: str, data: st.DataObject) -> None:
    """A name with two letters swapped is the name, another real name as written, or an error."""
    index = data.draw(st.integers(0, len(name) - 2))
    slip = name[:index] + name[index + 1] + name[index] + name[index + 2 :]
    try:
        found = NAMES.resolve(slip)
    except UnknownNameError as error:
        assert all(suggestion != slip for suggestion in error.suggestions)
    else:
        keys = [subject.key for subject in found]
        assert name in keys or re.sub(r"\W", "", slip) in [re.sub(r"\W", "", key) for key in keys]


@given(st.text(max_size=40))
def test_any_text_resolves_or_raises_the_typed_error(text: str) -> None:
    try:
        found = NAMES.resolve(text)
    except UnknownNameError as error:
        assert error.message_ja
        assert error.message_en
    else:
        assert found


@given(st.text(max_size=40))
def test_fold_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_folded_names_are_the_names() -> None:
    for name in (*CATALOGUE.types, *CATALOGUE.families):
        assert fold(name) == name


@pytest.mark.parametrize(
    ("size", "expected"),
    [("24xl", "24xlarge"), ("xl", "xlarge"), ("24x-large", "24xlarge"),
     ("metal-24xl", "metal-24xl"), ("large", "large"), ("medium", "medium"), ("metal", "metal")],
)  # fmt: skip
def test_canonical_sizes(size: str, expected: str) -> None:
    assert canonical_size(size) == expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ap-northeast-1", "ap-northeast-1"),
        ("AP-NORTHEAST-1", "ap-northeast-1"),
        ("東京", "ap-northeast-1"),
        ("大阪", "ap-northeast-3"),
        (" us-east-1 ", "us-east-1"),
        ("ａｐ－ｎｏｒｔｈｅａｓｔ－１", "ap-northeast-1"),
    ],
)
def test_regions_by_code_and_name(name: str, code: str) -> None:
    assert NAMES.region(name) == code


def test_every_region_resolves_by_all_its_names() -> None:
    for region in CATALOGUE.regions.values():
        for name in (region.code, region.name, region.name_en):
            assert NAMES.region(name) == region.code


def test_an_unknown_region_names_close_ones() -> None:
    with pytest.raises(UnknownRegionError) as caught:
        NAMES.region("ap-northeast-9")
    assert "ap-northeast-1" in caught.value.suggestions
    assert "ap-northeast-9" in caught.value.message_ja


def test_completion_offers_what_begins_with_the_prefix() -> None:
    offered = NAMES.complete("G5")
    assert "g5" in offered
    assert "g5.48xlarge" in offered
    assert all(name.startswith("g5") for name in offered)
    assert NAMES.complete("ｇ５．ｘ") == ["g5.xlarge"]
    assert NAMES.complete("A100") == ["A100-40GB", "A100-80GB"]
    assert NAMES.complete("zzz") == []


def test_completion_of_nothing_offers_everything_once(catalogue: Catalogue) -> None:
    offered = NAMES.complete("")
    assert len(offered) == len(set(offered))
    assert set(offered) == {*catalogue.families, *catalogue.types, *catalogue.gpus}


def test_closest_prefers_fewer_edits() -> None:
    assert closest("g5.xlrage", ["g5.large", "g5.xlarge"], limit=1) == ("g5.xlarge",)
    assert edits("g5.xlrage", "g5.xlarge") == 1  # a swap of neighbours is one slip


def test_no_two_names_of_the_catalogue_fold_to_the_same_word() -> None:
    names = [*CATALOGUE.types, *CATALOGUE.families]
    assert len({unicodedata.normalize("NFKC", fold(name)) for name in names}) == len(names)
