"""README, both languages: commands run, the output shown is the output, names and files exist."""

from __future__ import annotations

import io
import re
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue
from ui.call import Session, build_real_assistant
from ui.cli import run

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.ja.md")
ELSEWHERE = {
    "chat",
    "batch",
    "eval",
    "catalog",
}  # tested where they live: they wait, write or take long
Ask = Callable[..., tuple[int, str, str]]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def fences(name: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", read(name), re.M | re.S)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command line in process and return exit code, stdout and stderr."""

    def call(*argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b""), "utf-8"))
        code = run(argv, Session(build=build_real_assistant))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.mark.parametrize("name", READMES)
def test_the_output_shown_is_the_output(name: str, forgetful: Assistant) -> None:
    """Every quoted block under a question is what the assistant says to it, to the letter."""
    shown = re.findall(r"`ask \"([^\"]+)\"`[^\n]*\n\n((?:>[^\n]*\n)+)", read(name))
    assert shown
    for question, block in shown:
        text = "\n".join(line.removeprefix(">").removeprefix(" ") for line in block.splitlines())
        assert text.strip() == forgetful.ask(question).answer.strip()


@pytest.mark.parametrize("name", READMES)
def test_the_questions_in_the_table_are_answered_as_promised(name: str, ask: Ask) -> None:
    questions = re.findall(r"\| `ask (-c )?\"([^\"]+)\"` \| ([^|]+) \|", read(name))
    assert len(questions) >= 5
    for follows_up, question, promise in questions:
        code, out, _ = ask(*(["-c"] if follows_up else []), question)
        assert code == 0
        for figure in re.findall(r"\d+ GiB|[a-z]\d\w*\.\d*xlarge|A100|H100", promise):
            assert figure in out, (question, figure)


@pytest.mark.parametrize("name", READMES)
def test_every_command_exists(name: str, ask: Ask) -> None:
    """The commands of the overview run, or at least have help."""
    (overview, *_) = [fence for fence in fences(name, "text") if "ask spec" in fence]
    commands = re.findall(r"(?:^|  )(ask (?:[^ \n]| (?! ))+)", overview, re.M)
    assert len(commands) >= 8
    for command in commands:
        first = command.partition("|")[0].strip()
        argv = shlex.split(first)[1:]
        if argv[0] in ELSEWHERE:
            assert ask(argv[0], "--help")[0] == 0
        elif argv[0] not in ("-c",):
            assert ask(*argv)[0] == 0, command


def test_the_two_commands_are_the_same_in_both_languages() -> None:
    assert fences("README.md", "sh") == fences("README.ja.md", "sh")


def test_the_first_command_installs_what_it_runs() -> None:
    first, second = fences("README.md", "sh")[:2]
    assert "pip install -c constraints.txt ." in first
    assert 'ask "' in first
    assert "'.[test]'" in second
    assert "pytest" in second
    config = tomllib.loads(read("pyproject.toml"))["project"]
    assert config["scripts"]["ask"] == "ui.cli:main"
    assert "test" in config["optional-dependencies"]
    assert (ROOT / "constraints.txt").is_file()


@pytest.mark.parametrize("name", READMES)
def test_every_file_that_is_named_exists(name: str) -> None:
    text = read(name)
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    paths = re.findall(r"`((?:assistant|tools|knowledge|ui|evals|tests)/[\w/.*]+)`", text)
    assert links
    for path in {*links, *paths}:
        assert list(ROOT.glob(path.rstrip("/"))), path


@pytest.mark.parametrize("name", READMES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    named = {found.lower() for found in re.findall(r"`ASK_([A-Z_]+)`", read(name))}
    known = {item.name for item in fields(Settings)} | {"config"}
    assert named <= known
    assert {"region", "data_dir", "lang", "model", "log"} <= named


@pytest.mark.parametrize("name", READMES)
def test_the_counts_are_those_of_the_catalogue(name: str, catalogue: Catalogue) -> None:
    text = read(name)
    types = re.search(r"(\d+) (?:instance types|インスタンスタイプ)", text)
    gpus = re.search(r"(\d+) (?:GPUs|種の GPU)", text)
    assert types is not None
    assert gpus is not None
    assert int(types[1]) == len(catalogue.types)
    assert int(gpus[1]) == len(catalogue.gpus)
    assert str(catalogue.specs_as_of) in text


@pytest.mark.parametrize("name", ["README.md", "README.ja.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z\-]+):", read("Makefile"), re.M))
    assert set(re.findall(r"make ([a-z\-]+)", read(name))) - {"sure"} <= targets


def test_the_exit_codes_are_those_of_the_errors() -> None:
    from assistant import errors

    told = dict(re.findall(r"(\d+) (not configured|authentication|unreachable|throttled|timeout)",
                           read("README.md")))  # fmt: skip
    assert told == {
        str(errors.NotConfiguredError.exit_code): "not configured",
        str(errors.AuthenticationError.exit_code): "authentication",
        str(errors.UnreachableError.exit_code): "unreachable",
        str(errors.ThrottledError.exit_code): "throttled",
        str(errors.ModelTimeoutError.exit_code): "timeout",
    }
