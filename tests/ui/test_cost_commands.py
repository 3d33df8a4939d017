"""`ask cost` over the real assistant: estimates, formats, reports, and price ages."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.settings import Settings
from tools.cost import CostRequest, estimate
from ui.call import Session
from ui.cli import run
from ui.commands.cost_usage import too_old

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command line with the real assistant."""

    def call(*argv: str) -> tuple[int, str, str]:
        code = run(argv, Session(lambda settings: Assistant(settings)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_example_of_the_manual_is_exact(ask: Run) -> None:
    code, out, _ = ask(
        "cost",
        "estimate",
        "--instance",
        "g5.xlarge",
        "--hours",
        "160",
        "--region",
        "us-east-1",
        "--jpy",
        "150",
    )
    assert code == 0
    assert "160.96 USD(24,144 円)" in out
    assert "1.006 USD/時 × 160 時間" in out


def test_json_is_the_result_itself(ask: Run) -> None:
    _, out, _ = ask("cost", "estimate", "-i", "g5.xlarge", "--hours", "160", "--json")
    result = json.loads(out)
    assert (result["kind"], result["total"]["period"]) == ("cost", "233.440")


def test_csv_has_a_row_a_line_and_a_formula_that_evaluates(ask: Run) -> None:
    _, out, _ = ask(
        "cost",
        "estimate",
        "-i",
        "g5.xlarge*2",
        "-i",
        "c8a.large",
        "--months",
        "1",
        "--csv",
        "--jpy",
        "150@2026-11-20",
    )
    first, second = csv.DictReader(io.StringIO(out))
    assert (first["amount_usd"], first["amount_jpy"]) == ("2130.14", "319521")
    assert first["formula"] == "1.459 * 730 * 1 * 2"
    assert (second["amount_usd"], second["missing"]) == ("", "unknown")


def test_several_terms_are_compared(ask: Run) -> None:
    _, out, _ = ask(
        "cost",
        "estimate",
        "-i",
        "g5.xlarge",
        "--months",
        "1",
        "--term",
        "on-demand",
        "--term",
        "spot",
    )
    assert "安いのは g5.xlarge(スポット)" in out
    assert "| 推定" not in out


def test_a_budget_is_answered_in_hours(ask: Run) -> None:
    assert (
        "68.54 時間使えます" in ask("cost", "estimate", "-i", "g5.xlarge", "--budget-usd", "100")[1]
    )


def test_the_rate_of_the_settings_is_used_and_dated(
    ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASK_JPY_PER_USD", "150@2026-11-20")
    out = ask("cost", "estimate", "-i", "g5.xlarge", "--hours", "1")[1]
    assert "1 USD = 150 円(2026-11-20 のレート)" in out


def test_english_on_request(ask: Run) -> None:
    out = ask("cost", "estimate", "-i", "g5.xlarge", "--hours", "160", "--lang", "en")[1]
    assert "g5.xlarge for 160 hours: 233.44 USD" in out


@pytest.mark.parametrize(
    "argv",
    [
        ("cost", "estimate"),
        ("cost", "estimate", "-i", "g9.xlarge"),
        ("cost", "estimate", "-i", "g5.xlarge", "--term", "free"),
        ("cost", "estimate", "-i", "g5.xlarge", "--hours", "many"),
        ("cost", "estimate", "-i", "g5.xlarge", "--hours", "-1"),
        ("cost", "estimate", "-i", "g5.xlarge", "--hours", "1", "--months", "1"),
        ("cost", "estimate", "-i", "g5.xlarge", "--months", "1", "--years", "1"),
        ("cost", "estimate", "-i", "g5.xlarge", "--budget-jpy", "100"),
        ("cost", "estimate", "-i", "g5.xlarge", "--jpy", "cheap"),
        ("cost", "estimate", "-i", "g5.xlarge", "--max-price-age", "soon"),
        ("cost", "estimate", "-i", "G", "--hours", "1"),
        ("cost", "report", "-i", "g5", "-i", "g6", "-i", "g4dn", "-i", "p5"),
        ("cost", "report", "-i", "g5.xlarge", "-o", "report.pdf"),
    ],
)
def test_misuse_is_code_2_with_a_message(ask: Run, argv: tuple[str, ...]) -> None:
    code, out, err = ask(*argv)
    assert (code, out) == (2, "")
    assert err.strip()
    assert "Traceback" not in err


def test_an_old_price_is_code_11_and_still_answered(ask: Run) -> None:
    argv = ("cost", "estimate", "-i", "g5.xlarge", "--hours", "10")
    code, out, err = ask(*argv, "--max-price-age", "1d")
    assert code == 11
    assert "14.59 USD" in out
    assert "ask catalog refresh prices --region ap-northeast-1" in err
    assert ask(*argv, "--max-price-age", "36500")[0] == 0


def test_the_age_of_a_price_is_counted_from_its_source() -> None:
    assistant = Assistant(Settings(log=False))
    request = {"region": "ap-northeast-1", "lines": [{"name": "g5.xlarge", "hours": 1}]}
    result = estimate(assistant.catalogue, CostRequest.model_validate(request))
    assert too_old(result, 30, date(2026, 3, 3)) is None
    assert too_old(result, 29, date(2026, 3, 3)) is not None
    assert too_old(result, None) is None


def test_a_report_is_one_page_with_everything_that_an_approval_needs(ask: Run) -> None:
    _, out, _ = ask(
        "cost",
        "report",
        "-i",
        "g5.xlarge",
        "-i",
        "g6.xlarge",
        "-i",
        "c6i.4xlarge",
        "--months",
        "3",
        "--jpy",
        "150@2026-11-20",
        "--valid-until",
        "2027-01-31",
    )
    for part in (
        "有効期限: 2027-01-31",
        "回答 ID: ",
        "税別",
        "3,195.21",
        "479,282",
        "1 USD = 150 円(2026-11-20",
        "1.459 USD/時 × 730 時間/月 × 3 か月",
        "1 か月は 730 時間",
        "消費税",
        "【推定】",
        "2026-02-01 時点",
        "最も安いのは案 3(c6i.4xlarge)",
    ):
        assert part in out, part


def test_a_report_is_written_once_and_found_by_its_id(ask: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    argv = ("cost", "report", "-i", "g5.xlarge", "--months", "1", "-o", str(path))
    code, out, _ = ask(*argv)
    assert (code, out) == (0, "")
    page = path.read_text("utf-8")
    found = re.search(r"回答 ID: (\w+)", page)
    assert found
    assert Assistant(Settings(data_dir=tmp_path / "data")).history.get(found[1])
    assert ask(*argv)[0] == 2
    assert path.read_text("utf-8") == page
    assert ask(*argv, "--force")[0] == 0


def test_a_csv_report_opens_in_a_spreadsheet(ask: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    assert ask("cost", "report", "-i", "g5.xlarge", "--months", "1", "-o", str(path))[0] == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))
    assert row["amount_usd"] == "1065.07"


def test_a_report_that_cannot_be_written_says_why(ask: Run, tmp_path: Path) -> None:
    code, _, err = ask(
        "cost", "report", "-i", "g5.xlarge", "-o", str(tmp_path / "no" / "report.md")
    )
    assert code == 2
    assert "見つかりません" in err
