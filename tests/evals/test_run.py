"""The runner, the command and the report, on an assistant that knows a few answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evals import cli, report, run
from evals.dataset import Case
from tests.evals.fakes import FakeAssistant


def make_case(name: str = "a", category: str = "facts", **fields: Any) -> Case:
    """A case that the fake assistant passes."""
    expect = {"names": [["A10G"]]}
    base = {"id": name, "category": category, "language": "ja", "expect": expect}
    return Case.model_validate({"question": "GPUは?", **base, **fields})


def test_turns_share_a_thread_of_their_own() -> None:
    """Each multi-turn case has a new thread; single questions have none."""
    assistant = FakeAssistant()
    cases = [make_case(question=None, turns=("一", "二")) for _ in range(2)]
    run.run_cases(assistant, [*cases, make_case()])
    threads = [thread for _, thread in assistant.asked]
    assert threads[0] == threads[1] != threads[2] == threads[3]
    assert threads[4] is None


def test_a_crash_is_a_failed_case() -> None:
    """The run goes on after an exception and names it."""
    results = run.run_cases(FakeAssistant(), [make_case(question="crash"), make_case()])
    assert [result.passed for result in results] == [False, True]
    assert results[0].failures[0].detail == "RuntimeError: no such luck"


def test_questions_worded_by_hand_are_reported_on_their_own() -> None:
    """Only the marked cases count."""
    marked = make_case(question="crash").model_copy(update={"hand": True})
    results = run.run_cases(FakeAssistant(), [marked, make_case()])
    assert run.by_hand(results) == run.Row("by hand", 1, 0)


def test_wilson_interval() -> None:
    """The interval matches published values and never leaves 0 to 1."""
    low, high = run.wilson(19, 20)
    assert (round(low, 3), round(high, 3)) == (0.764, 0.991)
    assert run.wilson(20, 20).high == 1.0
    assert run.wilson(0, 0) == (0.0, 1.0)


def test_thresholds_by_category_and_overall() -> None:
    """Each bar is checked, the overall one only for a whole split."""
    bars = run.read_thresholds()
    assert bars.of("abstention") == 0.98
    results = run.run_cases(FakeAssistant("分かりません。"), [make_case()])
    assert run.below(results, bars) == ["facts: 0.0% < 90%", "overall: 0.0% < 95%"]
    assert run.below(results, bars, whole=False) == ["facts: 0.0% < 90%"]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAssistant:
    """Let the command use the fake assistant."""
    assistant = FakeAssistant()

    def load(model: str | None = None) -> FakeAssistant:
        return assistant

    monkeypatch.setattr(run, "load_assistant", load)
    return assistant


@pytest.mark.usefixtures("fake")
def test_command_prints_a_table_and_fails_below_the_bar(tmp_path: Path) -> None:
    """The exit code, the table and the report say the same."""
    page = tmp_path / "report.html"
    args = ["--category", "facts", "--failures", "1", "--html", str(page)]
    outcome = CliRunner().invoke(cli.command, args)
    assert outcome.exit_code == 1
    assert "facts" in outcome.stdout
    assert "facts-dev-0" in outcome.stdout
    assert "カテゴリー別" in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("fake")
def test_test_split_hides_its_failures(tmp_path: Path) -> None:
    """Neither the terminal nor the report shows a test question unless asked to."""
    page = tmp_path / "report.html"
    args = ["--split", "test", "--category", "facts", "--html", str(page)]
    outcome = CliRunner().invoke(cli.command, [*args, "--failures", "5"])
    assert "facts-test-" not in outcome.stdout + page.read_text(encoding="utf-8")
    outcome = CliRunner().invoke(cli.command, [*args, "--show-failures"])
    assert "facts-test-" in outcome.stdout


@pytest.mark.usefixtures("fake")
def test_an_unknown_category_is_a_usage_error() -> None:
    """The message lists what there is."""
    outcome = CliRunner().invoke(cli.command, ["--category", "factz"])
    assert outcome.exit_code == 2
    assert "known: abstention" in outcome.stderr


def test_report_escapes_what_was_said() -> None:
    """An answer with markup cannot change the page."""
    results = run.run_cases(FakeAssistant("<script>x</script>"), [make_case()])
    page = report.render(results, split="dev", model="planner", details=True)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
