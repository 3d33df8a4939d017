"""`ask "…"`: what goes to which stream, and in which form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_assistant import TABLE, FakeAssistant

Cli = Any


def test_piped_answer_is_the_markdown_text_and_nothing_else(cli: Cli) -> None:
    """A pipe gets the text as it is."""
    result = cli("G5とG4dnの違いは?")
    assert (result.code, result.out, result.err) == (0, TABLE + "\n", "")


def test_words_without_quotes_are_one_question(cli: Cli, fake: FakeAssistant) -> None:
    """The shell splits an unquoted question."""
    cli("what", "is", "g5")
    assert fake.asked[0][0] == "what is g5"


def test_json_is_one_answer_object(cli: Cli) -> None:
    """`--json` prints the contract's object."""
    answer = json.loads(cli("--json", "G5は?").out)
    assert answer["schema_version"] == 1
    assert answer["answer"] == TABLE
    assert answer["abstained"] is False


def test_jsonl_events_end_with_the_answer(cli: Cli) -> None:
    """`--jsonl` prints steps and text as they come."""
    events = [json.loads(line) for line in cli("--jsonl", "G5は?").out.splitlines()]
    assert [event["event"] for event in events][:2] == ["step", "step"]
    assert "".join(event.get("text", "") for event in events) == TABLE
    assert events[-1]["event"] == "answer"
    assert events[-1]["answer_id"] == "a1"


def test_standard_input_stands_before_the_question(cli: Cli, fake: FakeAssistant) -> None:
    """A log is piped in front of what is asked about it."""
    cli("原因は?", stdin=b"CUDA out of memory\n")
    assert fake.asked[0][0] == "CUDA out of memory\n\n原因は?"


@pytest.mark.parametrize("argv", [("-",), ()])
def test_question_from_standard_input_alone(cli: Cli, fake: FakeAssistant, argv: Any) -> None:
    """`ask -` and a bare `ask` with a pipe read the question."""
    assert cli(*argv, stdin="G5は?".encode()).code == 0
    assert fake.asked[0][0] == "G5は?"


def test_attached_files_stand_before_the_question(
    cli: Cli, fake: FakeAssistant, tmp_path: Path
) -> None:
    """`-f` may be given several times."""
    (tmp_path / "a.txt").write_text("甲", "utf-8")
    (tmp_path / "b.txt").write_text("乙", "utf-8")
    cli("-f", str(tmp_path / "a.txt"), "-f", str(tmp_path / "b.txt"), "どう?")
    assert fake.asked[0][0] == "甲\n\n乙\n\nどう?"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_japanese_input_in_any_usual_encoding(cli: Cli, fake: FakeAssistant, encoding: str) -> None:
    """Logs of Japanese Windows are CP932."""
    cli("-", stdin="メモリ不足です".encode(encoding))
    assert fake.asked[0][0] == "メモリ不足です"


def test_binary_input_is_answered_not_fatal(cli: Cli, fake: FakeAssistant) -> None:
    """Bytes of no encoding are replaced."""
    assert cli("何?", stdin=bytes(range(256))).code == 0
    assert "\x00" not in fake.asked[0][0]


def test_without_a_question_usage_is_shown_with_code_2(cli: Cli) -> None:
    """No terminal and no input is a mistake."""
    result = cli()
    assert (result.code, result.out) == (2, "")
    assert "ask --help" in result.err


def test_continue_uses_the_thread_used_last(cli: Cli, fake: FakeAssistant) -> None:
    """`-c` continues, `--thread` chooses."""
    cli("--thread", "mine", "G5は?")
    cli("-c", "料金は?")
    assert [thread for _, thread, _ in fake.asked] == ["mine", "mine"]


def test_continue_without_a_conversation_says_so(cli: Cli) -> None:
    """There is nothing to continue at first."""
    result = cli("-c", "料金は?")
    assert result.code == 2
    assert "続ける会話" in result.err


def test_flags_override_settings(cli: Cli, fake: FakeAssistant) -> None:
    """Flags win over the environment."""
    cli("--region", "us-west-2", "--model", "bedrock_converse:x", "--lang", "en", "G5は?")
    assert (fake.settings.region, fake.settings.model) == ("us-west-2", "bedrock_converse:x")
    assert fake.asked[0][2] == "en"


def test_fail_on_abstain_exits_with_10(cli: Cli) -> None:
    """Abstaining is an answer unless asked otherwise."""
    assert cli("weather").code == 0
    assert cli("--fail-on-abstain", "weather").code == 10
    assert cli("--fail-on-abstain", "G5は?").code == 0


def test_warnings_go_to_stderr_unless_quiet(cli: Cli) -> None:
    """Warnings are beside the answer."""
    loud, quiet = cli("old"), cli("-q", "old")
    assert "300 日以上前" in loud.err
    assert "300 日以上前" not in loud.out
    assert quiet.err == ""


def test_verbose_tells_steps_and_ids_on_stderr(cli: Cli) -> None:
    """`-v` shows what was done."""
    result = cli("-v", "G5は?")
    assert "仕様を比較…" in result.err
    assert "compare_instances" in result.err
    assert "a1" in result.err
    assert result.out == TABLE + "\n"


def test_past_answers_can_be_listed_and_shown(cli: Cli) -> None:
    """`ask log` lists, `ask --show` repeats."""
    cli("G5は?")
    cli("G6は?")
    assert cli("log").out == "a1  G5は?\na2  G6は?\n"
    assert cli("log", "-n", "1").out == "a2  G6は?\n"
    assert cli("--show", "a1").out == TABLE + "\n"
    assert json.loads(cli("--show", "a2", "--json").out)["question"] == "G6は?"
    assert cli("--show", "a9").code == 2


def test_version_has_the_dates_of_the_data(cli: Cli) -> None:
    """Specs and prices have dates of their own."""
    out = cli("--version").out
    assert out.startswith("ask ")
    assert "2026-10-27" in out
    assert "2024-01-01" in out
    assert "2026-02-01" in out


def test_color_always_lays_out_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--color always` is for `less -R`."""
    monkeypatch.setenv("COLUMNS", "80")
    out = cli("--color", "always", "G5は?").out
    assert "\x1b[1m" in out
    assert "|---|" not in out


def test_unencodable_arguments_survive(cli: Cli, fake: FakeAssistant) -> None:
    """Bytes that are not UTF-8 reach argv as surrogates."""
    assert cli("G5\udc83は?").code == 0
    fake.asked[0][0].encode()
