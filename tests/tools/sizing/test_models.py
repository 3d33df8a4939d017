"""Which model a text means, and how many parameters it has."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from tools.errors import ToolInputError
from tools.sizing.architectures import (
    UnknownModelError,
    find_models,
    named_models,
    resolve_model,
)
from tools.sizing.parameters import Dimensions, count
from tools.sizing.sizes import parse_size


@cache
def rows() -> list[dict[str, Any]]:
    return json.loads(files("tools.sizing").joinpath("data/models.json").read_text("utf-8"))


def test_every_named_model_counts_to_its_published_total() -> None:
    wrong = {
        row["name"]: (count(Dimensions(**row["dims"])).total, row["total"])
        for row in rows()
        if count(Dimensions(**row["dims"])).total != row["total"]
    }
    assert not wrong
    assert len(rows()) >= 100


def test_every_name_and_repository_leads_to_its_own_model() -> None:
    for row in rows():
        assert resolve_model(row["name"]).name == row["name"]
        assert resolve_model(row["hf_id"]).name == row["name"]
        for alias in row["aliases"]:
            assert resolve_model(alias).parameters > 0, alias


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("llama-3-8b", "Llama 3 8B"),
        ("Llama3 8B", "Llama 3 8B"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "Llama 3 8B"),
        ("ラマ3 8B", "Llama 3 8B"),
        ("Ｌｌａｍａ　３　７０Ｂ", "Llama 3 70B"),
        ("gpt2", "GPT-2"),
        ("gpt2-xl", "GPT-2 XL"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "Mixtral 8x7B"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5 7B"),
        ("vit-b/16", "ViT-B/16"),
        ("deepseek-r1", "DeepSeek-V3 671B"),
        ("bert-base-uncased", "BERT base"),
        ("gpt-oss-120b", "gpt-oss-120b"),
    ],
)
def test_usual_spellings_are_read(text: str, name: str) -> None:
    assert resolve_model(text).name == name


@pytest.mark.parametrize("text", ["Llama 3 9B", "GPT-5", "llama38b", "foo", "", "Qwen9 7B", "8"])
def test_unknown_names_are_refused_not_guessed(text: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        resolve_model(text)
    assert "config.json" in caught.value.message_ja and "config.json" in caught.value.message_en


def test_a_near_name_is_offered() -> None:
    with pytest.raises(UnknownModelError) as caught:
        resolve_model("Lama 3 8B")
    assert "Llama 3 8B" in caught.value.suggestions


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("7B", 7_000_000_000),
        ("7.5B", 7_500_000_000),
        ("700億パラメータ", 70_000_000_000),
        ("13Bモデル", 13_000_000_000),
        ("1.3 billion parameters", 1_300_000_000),
        ("350M", 350_000_000),
        ("3億5千万", None),
        ("1兆パラメータ", 1_000_000_000_000),
        ("70B級", 70_000_000_000),
        ("llama 7B", None),
        ("0B", None),
    ],
)
def test_sizes(text: str, parameters: int | None) -> None:
    assert parse_size(text) == parameters


@pytest.mark.parametrize("size", ["125M", "350M", "1.3B", "3B", "7B", "13B", "34B", "70B", "405B"])
def test_a_bare_size_becomes_a_decoder_of_that_size(size: str) -> None:
    spec = resolve_model(size)
    assert spec.estimated
    assert spec.parameters == parse_size(size)
    shape = spec.layers * (spec.hidden * spec.intermediate * spec.mlp_matrices)
    assert 0.4 < shape / spec.parameters < 1.0


def test_names_inside_a_sentence_are_found_longest_first() -> None:
    text = "Llama 3 70BとQwen2.5-7B-InstructをQLoRAで学習、g5.xlargeで"
    assert [spec.name for _, spec in find_models(text)] == ["Llama 3 70B", "Qwen2.5 7B"]
    assert not find_models("g5.xlargeとp4d.24xlargeの違いは?")


def test_a_config_json_gives_the_same_model_as_its_name() -> None:
    config = {
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_attention_heads": 32,
        "num_hidden_layers": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "torch_dtype": "bfloat16",
        "tie_word_embeddings": False,
        "max_position_embeddings": 8192,
    }
    assert resolve_model(json.dumps(config)).parameters == resolve_model("llama-3-8b").parameters


@pytest.mark.parametrize("text", ["{", "{}", '{"hidden_size": -1}', '{"hidden_size": "x"}'])
def test_a_broken_config_json_gets_a_message(text: str) -> None:
    with pytest.raises(ToolInputError) as caught:
        resolve_model(text)
    assert "config.json" in caught.value.message_ja


def test_named_models_are_listed_once() -> None:
    names = [spec.name for spec in named_models()]
    assert len(names) == len(set(names)) == len(rows())


def test_active_parameters_of_mixtures_are_near_their_published_figures() -> None:
    published = {"mixtral-8x7b": 12.9e9, "deepseek-v3": 37e9, "qwen3-30b-a3b": 3.3e9}
    for name, active in published.items():
        assert resolve_model(name).active_parameters == pytest.approx(active, rel=0.03)
