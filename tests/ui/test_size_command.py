"""`ask size`: plans and diagnoses from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ui.cli import run


def text(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return what a command prints; it must succeed."""
    assert run(argv) == 0
    return capsys.readouterr().out


def test_train_prints_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    out = text(
        capsys,
        *"size train --model llama-3-8b --instance p4d.24xlarge --tokens 10B --lang ja".split(),
    )
    assert "p4d.24xlarge" in out
    assert "100 億トークン" in out


def test_train_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    argv = "size train --model 7B --method qlora --seq 4k -i g5.xlarge --json".split()
    found = json.loads(text(capsys, *argv))
    assert found["kind"] == "training_plan"
    assert found["sequence_length"] == 4096
    assert found["charts"][0]["id"] == "memory"


def test_infer_prints_a_plan_in_english(capsys: pytest.CaptureFixture[str]) -> None:
    argv = "size infer --model qwen2.5-7b -i g6.xlarge --context 8k --lang en".split()
    assert "8,192 tokens at once" in text(capsys, *argv)


def test_a_config_file_is_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    shape = {
        "model_type": "llama",
        "hidden_size": 2048,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 8192,
        "vocab_size": 128256,
    }
    path.write_text(json.dumps(shape))
    argv = ["size", "infer", "--model", str(path), "-i", "g6.xlarge", "--json"]
    assert json.loads(text(capsys, *argv))["kind"] == "inference_plan"


def test_diagnose_reads_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("step\n" * 50_000 + "CUDA out of memory. Tried to allocate 2.00 GiB.\nError\n")
    assert "2.00 GiB" in text(capsys, "size", "diagnose", str(path), "--lang", "ja")


@pytest.mark.parametrize(
    "argv",
    [
        "size train --model 7B --tokens many",
        "size train",
        "size train --model 7B -i g9.xlarge",
        "size infer --model no-such-model-9",
        "size diagnose /no/such/file",
    ],
)
def test_bad_input_is_a_usage_error(capsys: pytest.CaptureFixture[str], argv: str) -> None:
    assert run(argv.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
