"""`ask generate`: writing, listing, verifying, and what it says when it cannot."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ui.call import Session, build_real_assistant
from ui.cli import run

ARGV = (
    "generate",
    "llm-train",
    "--model",
    "gpt2",
    "--instance",
    "g5.xlarge",
    "--region",
    "us-east-1",
)


def ask(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = run(argv, Session(build=build_real_assistant))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_it_writes_a_folder_and_a_zip(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    code, out, err = ask(capsys, *ARGV, "-o", str(folder), "--zip")
    assert code == 0
    assert "config.toml" in out
    assert str(folder) in err
    assert json.loads((folder / "bundle.json").read_text("utf-8"))["workload"] == "llm-train"
    assert (folder / "launch.sh").stat().st_mode & 0o111
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert any(name.endswith("/train.py") for name in archive.namelist())


def test_it_overwrites_only_with_force(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = ("-o", str(tmp_path))
    assert ask(capsys, *ARGV, *target)[0] == 0
    (tmp_path / "config.toml").write_text("mine = 1\n")
    code, _, err = ask(capsys, *ARGV, *target)
    assert code == 2 and "--force" in err
    assert (tmp_path / "config.toml").read_text() == "mine = 1\n"
    assert ask(capsys, *ARGV, *target, "--force")[0] == 0
    assert "mine" not in (tmp_path / "config.toml").read_text("utf-8")


def test_verify_accepts_the_folder_and_rejects_a_wrong_batch(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ask(capsys, *ARGV, "-o", str(tmp_path))
    code, out, _ = ask(capsys, "generate", "--verify", str(tmp_path))
    assert code == 0 and "合格" in out
    path = tmp_path / "config.toml"
    path.write_text(path.read_text("utf-8").replace("gpus = 1", "gpus = 8"), "utf-8")
    code, out, _ = ask(capsys, "generate", "--verify", str(tmp_path), "--json")
    failed = [row["key"] for row in json.loads(out) if row["status"] == "failed"]
    assert code == 2 and failed == ["batch"]


def test_what_does_not_fit_is_refused_with_its_reasons(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    argv = ("generate", "llm-train", "--model", "70B", "--instance", "g4dn.xlarge")
    code, out, _ = ask(capsys, *argv, "-o", str(tmp_path / "out"))
    assert code == 2
    assert "お渡しできません" in out and "GiB" in out
    assert not (tmp_path / "out").exists()


def test_the_list_says_how_each_workload_was_verified(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "generate", "--list", "--json")
    rows: list[dict[str, Any]] = json.loads(out)
    assert code == 0
    assert {"llm-train", "vit-lightning"} <= {row["workload"] for row in rows}
    for row in rows:
        assert row["level"] in ("executed", "checked")
        assert row["verified"]["ja"] and row["verified"]["en"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("generate",), "llm-train"),
        (("generate", "llm-trian"), "llm-train"),
        (("generate", "llm-train"), "model"),
        (("generate", "llm-train", "--model", "gpt2", "--set", "lr"), "--set"),
        (("generate", "llm-train", "--model", "gpt2", "--set", "nothing=1"), "nothing"),
        (("generate", "llm-train", "--model", "gpt2", "--set", "dataset=$(id)"), "dataset"),
        (("generate", "llm-train", "--model", "gpt2", "--instance", "g5.3xlarge"), "g5.3xlarge"),
        (("generate", "--verify", "/nonexistent"), "bundle.json"),
    ],
)
def test_mistakes_end_with_a_message(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], said: str
) -> None:
    code, out, err = ask(capsys, *argv)
    assert code == 2
    assert said in out + err
    assert "Traceback" not in err
