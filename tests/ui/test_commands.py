"""Commands beside the question, help, completion, and commands of other packages."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from fake_assistant import FakeAssistant

from ui.cli import COMMANDS

Cli = Any


def test_spec_show_prints_what_the_assistant_says(cli: Cli, fake: FakeAssistant) -> None:
    """The same text as in a conversation, without a model."""
    assert cli("spec", "show", "g5.xlarge").out == "**g5.xlarge** は vCPU 4 です。\n"
    assert fake.requests == [
        ("describe_instances", {"names": ["g5.xlarge"], "region": "ap-northeast-1"})
    ]
    assert fake.asked == []


@pytest.mark.parametrize(
    "argv",
    [
        ("--lang", "en", "spec", "show", "g5.xlarge"),
        ("spec", "--lang", "en", "show", "g5.xlarge"),
        ("spec", "show", "g5.xlarge", "--lang=en"),
    ],
)
def test_common_options_may_stand_anywhere(cli: Cli, argv: tuple[str, ...]) -> None:
    """Before the noun, before the verb, at the end."""
    assert cli(*argv).out == "**g5.xlarge** has 4 vCPUs.\n"


def test_spec_compare_uses_the_region(cli: Cli, fake: FakeAssistant) -> None:
    """`--region` reaches the tool."""
    cli("spec", "compare", "g5", "g6", "--region", "us-east-1")
    assert fake.requests == [("compare_instances", {"names": ["g5", "g6"], "region": "us-east-1"})]


def test_spec_find_turns_options_into_conditions(cli: Cli, fake: FakeAssistant) -> None:
    """Only what was given is sent."""
    cli(
        "spec",
        "find",
        "--gpu",
        "A100",
        "--min-gpu-count",
        "4",
        "--gpu-memory-gb",
        "40",
        "--efa",
        "--bf16",
        "--max-price",
        "30.5",
        "--series",
        "p",
        "--sort",
        "vcpus",
        "--desc",
        "--limit",
        "3",
    )
    ((tool, request),) = fake.requests
    assert tool == "find_instances"
    assert request == {
        "series": ["P"],
        "gpu": "A100",
        "sort": "vcpus",
        "descending": True,
        "limit": 3,
        "offered_only": True,
        "region": "ap-northeast-1",
        "conditions": [
            {"attribute": "gpu_count", "op": ">=", "value": "4.0"},
            {"attribute": "gpu_memory_gb", "op": ">=", "value": "40.0"},
            {"attribute": "usd_per_hour", "op": "<=", "value": "30.5"},
            {"attribute": "efa_interfaces", "op": ">=", "value": "1"},
            {"attribute": "bf16", "op": "=", "value": True},
        ],
    }


def test_spec_as_json_and_csv(cli: Cli) -> None:
    """Results for programs and for spreadsheets."""
    assert json.loads(cli("spec", "show", "g5.xlarge", "--json").out)["kind"] == "description"
    (row,) = csv.DictReader(io.StringIO(cli("spec", "show", "g5.xlarge", "--csv").out))
    assert row["type.name"] == "g5.xlarge"
    assert row["usd_per_hour.on-demand.us-east-1"] == "1.006"


def test_catalog_show_and_refresh(cli: Cli, fake: FakeAssistant) -> None:
    """Dates, and the regions to refresh."""
    assert "2026-10-27" in cli("catalog", "show").out
    assert json.loads(cli("catalog", "show", "--json").out)["specs_as_of"] == "2026-10-27"
    cli("catalog", "refresh", "specs", "--region", "us-east-1", "--region", "us-west-2")
    assert fake.requests[0][1]["regions"] == ("us-east-1", "us-west-2")


def test_config_masks_secrets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords in addresses are not shown."""
    monkeypatch.setenv("ASK_STATE_URL", "postgresql://user:geheim@db/ask")
    for argv in (("config",), ("config", "--show"), ("config", "--json")):
        out = cli(*argv).out
        assert "geheim" not in out
        assert "postgresql://user:***@db/ask" in out


def test_help_is_japanese_and_english_on_request(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--lang en` and ASK_LANG change the help."""
    assert "使い方: ask" in cli("--help").out
    assert "Usage: ask" in cli("--lang", "en", "--help").out
    assert "Usage: ask" in cli("--help", "--lang", "en").out
    monkeypatch.setenv("ASK_LANG", "en")
    assert "Usage: ask spec find" in cli("spec", "find", "--help").out


@pytest.mark.parametrize(
    "name", [*COMMANDS, "spec show", "spec compare", "spec find", "catalog show", "catalog refresh"]
)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_option_of_every_command_is_explained(cli: Cli, name: str, language: str) -> None:
    """Help pages have no option without a meaning, and no line in the other language's words."""
    page = cli(*name.split(), "--help", "--lang", language).out
    assert ("オプション:" in page) == (language == "ja")
    assert not [
        line
        for line in page.splitlines()
        if line.startswith("  --") and "  " not in line.strip() and len(line) < 30
    ]


def test_short_help_flag(cli: Cli) -> None:
    """`-h` works everywhere."""
    assert cli("-h").out == cli("--help").out
    assert cli("spec", "show", "-h").code == 0


def complete(words: str, place: int) -> list[str]:
    """Return what bash would offer."""
    program = str(Path(__file__).with_name("fake_ask.py"))
    env = {
        "_ASK_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(place),
        "PYTHONPATH": ":".join([str(Path(__file__).parents[2]), *sys.path]),
        "PATH": "",
    }
    found = subprocess.run([sys.executable, program], env=env, capture_output=True, check=False)
    return [line.split(",")[1] for line in found.stdout.decode().splitlines() if "," in line]


def test_completion_offers_commands_and_options() -> None:
    """The first word is a command, or an option of a question."""
    assert set(COMMANDS) <= set(complete("ask ", 1))
    assert complete("ask sp", 1) == ["spec"]
    assert complete("ask --js", 1) == ["--json", "--jsonl"]
    assert complete("ask spec ", 2) == ["show", "compare", "find"]
    assert "--gpu-count" in complete("ask spec find --gpu", 3)


def test_completion_offers_instance_names() -> None:
    """Names come from the catalogue."""
    assert complete("ask spec show g5", 3) == ["g5.xlarge", "g5.2xlarge"]
    assert complete("ask spec compare g5.xlarge p5", 4) == ["p5.48xlarge"]
    assert complete("ask spec find --gpu A1", 4) == ["A100"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_ask(cli: Cli, shell: str) -> None:
    """Each shell gets its own script."""
    assert f"_ASK_COMPLETE={shell}_complete" in cli("completion", shell).out


@click.command("hello")
def hello() -> int:
    """Stand for a command of another package."""
    click.echo("hello from elsewhere")
    return 0


def test_other_packages_add_commands(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are listed without being imported, and load when they are named."""
    entries = [
        EntryPoint("hello", "hello_package:command", "ask.commands"),
        EntryPoint("broken", "no_such_package:command", "ask.commands"),
    ]

    def installed(group: str, name: str | None = None) -> list[EntryPoint]:
        return [e for e in entries if e.group == group and name in (None, e.name)]

    monkeypatch.setitem(sys.modules, "hello_package", SimpleNamespace(command=hello))
    monkeypatch.setattr("importlib.metadata.entry_points", installed)
    assert {"hello", "broken"} <= set(cli("--help").out.split())
    assert cli("hello").out == "hello from elsewhere\n"
    assert cli("broken").code == 3
    assert "no_such_package" in cli("broken").err
