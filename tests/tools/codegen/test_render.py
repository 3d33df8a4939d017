import ast
import json
import subprocess
import tomllib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tools.codegen.render import (
    json_text,
    markdown_code,
    one_line,
    python_literal,
    shell_word,
    toml_value,
    yaml_value,
)

NASTY = (
    "plain", "it's", 'say "hi"', "a\nb", "$(rm -rf /)", "`id`", "{{ 7*7 }}", "{% raw %}", "../x",
    "\\", "\\n", "\x7f", "\u2028", "\u202e", "😀", "日本語", "'; DROP", '"""', "#", "a\tb", "%s",
)  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(texts)
def test_any_text_comes_back_from_python_toml_json_and_yaml(text: str) -> None:
    assert ast.literal_eval(python_literal(text)) == text
    assert tomllib.loads(f"x = {toml_value(text)}")["x"] == text
    assert json.loads(json_text(text)) == text


@pytest.mark.parametrize("text", NASTY)
def test_shell_words_are_one_argument(text: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"printf %s {shell_word(text)}"], capture_output=True, check=True
    )
    assert done.stdout.decode() == text


@pytest.mark.parametrize("text", NASTY)
def test_yaml_reads_the_text_back(text: str) -> None:
    assert yaml.safe_load(f"x: {yaml_value(text)}")["x"] == text


@given(texts)
def test_comments_and_inline_code_stay_on_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert len(markdown_code(text).splitlines()) == 1


def test_lists_numbers_and_truth_are_literals() -> None:
    for value in (True, 3, 2.5e-5, ["a", 1], ("a",), ("a", "b"), None):
        assert ast.literal_eval(python_literal(value)) == value
    assert tomllib.loads(f"x = {toml_value([1, 'a'])}\ny = {toml_value(1e-05)}") == {
        "x": [1, "a"],
        "y": 1e-05,
    }
