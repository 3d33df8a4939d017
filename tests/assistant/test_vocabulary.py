"""The planner's data files: the same phrases in both languages, all of them used and filled in."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from pathlib import Path

import pytest

from assistant.answer import Reason
from assistant.planner.compose.phrases import Phrases
from assistant.planner.vocabulary import DATA, table, word_index, words
from assistant.tool_registry import TOOLS
from knowledge.ec2.catalogue import Catalogue

ROOT = Path(__file__).parents[2]
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
PHRASES: dict[str, dict[str, str]] = table("phrases")


def placeholders(phrase: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}


def source_text() -> str:
    files = (ROOT / "assistant").rglob("*.py")
    return "\n".join(path.read_text("utf-8") for path in files)


def test_both_languages_have_the_same_phrases() -> None:
    assert set(PHRASES) == {"ja", "en"}
    assert set(PHRASES["ja"]) == set(PHRASES["en"])


def test_both_languages_fill_in_the_same_values() -> None:
    differing = {
        key: (placeholders(PHRASES["ja"][key]), placeholders(PHRASES["en"][key]))
        for key in PHRASES["ja"]
        if placeholders(PHRASES["ja"][key]) != placeholders(PHRASES["en"][key])
    }
    assert differing == {}


def test_phrases_are_in_their_language() -> None:
    assert [key for key, text in PHRASES["en"].items() if JAPANESE.search(text)] == []
    neutral = {"sep", "stop"}
    plain = {
        key for key, text in PHRASES["ja"].items() if re.search("[A-Za-z]{3,} [a-z]{3,} ", text)
    }
    assert {k for k in plain - neutral if not JAPANESE.search(PHRASES["ja"][k])} == set()


def test_every_phrase_is_used() -> None:
    """A key stands in the code as a string, or as the rest of one that the code puts together."""
    code = source_text()
    literal = set(re.findall(r"""["']([a-zA-Z_0-9]+)["']""", code))
    prefixes = set(re.findall(r"""f["']([a-z_]+_)\{""", code))
    used = {k for k in PHRASES["ja"] if k in literal or any(k.startswith(p) for p in prefixes)}
    assert set(PHRASES["ja"]) - used == set()


def test_every_phrase_that_the_code_names_exists() -> None:
    code = source_text()
    named = set(
        re.findall(r"""(?:say|\.phrase|\.decline|_phrase)\(\s*["']([a-z_A-Z0-9]+)["']""", code)
    )
    assert named - set(PHRASES["ja"]) == set()
    assert len(named) > 50


def test_every_tool_has_a_step() -> None:
    for name in TOOLS:
        assert f"step_{name}" in PHRASES["ja"]


def test_every_intent_that_declines_has_a_phrase() -> None:
    code = source_text()
    declines = set(re.findall(r"""["'](decline_[a-z_]+)["']""", code))
    assert declines
    assert declines <= set(PHRASES["ja"])


def test_every_phrase_can_be_filled_in(catalogue: Catalogue) -> None:
    for language in ("ja", "en"):
        say = Phrases(language, catalogue.regions)
        for key, text in PHRASES[language].items():
            said = say(key, **dict.fromkeys(placeholders(text), "値"))
            assert "{" not in said
            assert "}" not in said


def entries(name: str) -> Iterable[tuple[str, str]]:
    for key, found in table(name).items():
        yield from ((key, word) for word in found)


@pytest.mark.parametrize("name", ["attributes", "regions", "intents", "scope"])
def test_words_are_in_the_spelling_that_the_planner_reads(name: str) -> None:
    """The planner folds case and width first: an upper-case word would never be found."""
    assert [word for _, word in entries(name) if word != word.lower()] == []


@pytest.mark.parametrize("name", ["attributes", "regions"])
def test_no_word_means_two_things(name: str) -> None:
    seen: dict[str, str] = {}
    for key, word in entries(name):
        assert seen.setdefault(word, key) == key, word


def test_every_region_word_names_a_real_region(catalogue: Catalogue) -> None:
    assert set(table("regions")) <= set(catalogue.regions)


def test_every_data_file_is_toml_and_compiles() -> None:
    for path in DATA.glob("*.toml"):
        assert table(path.stem)
    for name in ("intents", "scope"):
        assert words(name)
    for name in ("attributes",):
        pattern, index = word_index(name)
        assert all(pattern.search(word) for word in index)


def test_every_reason_to_abstain_is_one_that_answers_may_carry() -> None:
    reasons = set(re.findall(r"""\.decline\([^)]*?["'](\w+)["']\s*[,)]""", source_text()))
    declared = set(Reason.__args__)
    assert reasons & declared
    assert {r for r in reasons if r in ("out_of_scope", "not_found", "not_covered")} <= declared
