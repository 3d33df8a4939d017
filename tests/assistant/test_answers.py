"""Whole answers through the public API: examples, languages, hard inputs, damaged data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant import build_assistant
from assistant.answer import Answer
from assistant.app import MAX_QUESTION, Assistant
from assistant.errors import UsageError
from assistant.events import Step, TextDelta
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue, load_catalogue
from tests.assistant.cases import QUESTIONS

FORGETFUL = Assistant(Settings(log=False), catalogue=load_catalogue())
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")


def words(*names: str) -> Sequence[str]:
    return names


@pytest.mark.parametrize(
    ("question", "said", "abstained"),
    [
        (
            "G5とG4dnの違いは?",
            words("A10G", "T4", "24 GB", "16 GB", "1.459 USD", "0.71 USD"),
            False,
        ),
        ("g6f.largeについて", words("1/8", "L4", "2.79 GiB"), False),
        ("H100を1枚だけ使えるインスタンスは?", words("p5.4xlarge"), False),
        ("c6i.4xlagreのメモリ", words("c6i.4xlarge", "32 GiB", "c6i.4xlagre"), False),
        ("p5.24xlargeの料金は?", words("存在しません", "p5.4xlarge", "p5.48xlarge"), True),
        ("P4dはH100だよね?", words("いいえ", "A100"), False),
        ("g5.xlargeのメモリは16GBですよね?", words("はい"), False),
        ("今日の東京の天気は?", words("C・P・G"), True),
        ("ｇ５．ｘｌａｒｇｅのメモリは?", words("16 GiB"), False),
        ("G4DN XLARGEのGPUは?", words("T4"), False),
        ("p4d 24xl のGPUメモリは?", words("40 GB"), False),
        ("エヌビディアのピー5は?", words("H100"), False),
        ("m7i.largeのメモリは?", words("C・P・G シリーズの外"), True),
        ("g5.9xlargeは?", words("存在しません", "g5.8xlarge"), True),
    ],
)
def test_the_examples(question: str, said: Sequence[str], abstained: bool) -> None:
    answer = FORGETFUL.ask(question)
    for word in said:
        assert word in answer.answer
    assert answer.abstained == abstained
    assert (answer.reason is None) == (not abstained)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_is_complete(question: str) -> None:
    """Sources for whoever answers, numbered as they are listed; nothing cut; whole Markdown."""
    answer = FORGETFUL.ask(question)
    assert answer.question == question
    assert answer.answer.count("**") % 2 == 0
    assert "None" not in answer.answer
    assert "{" not in answer.answer
    if not answer.abstained:
        assert answer.citations
        marks = set(re.findall(r"\[(\d+)\]", answer.answer))
        assert marks == {str(n) for n in range(1, len(answer.citations) + 1)}
        assert all(citation.as_of for citation in answer.citations)
    rows = [line for line in answer.answer.split("\n") if line.startswith("|")]
    assert len({row.count("|") for row in rows}) <= 1 or len(rows) > 0
    assert json.loads(answer.model_dump_json())["schema_version"] == 1
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


@pytest.mark.parametrize("question", [q for q in QUESTIONS if "料金" in q or "いくら" in q])
def test_every_price_has_a_region_and_a_date(question: str) -> None:
    answer = FORGETFUL.ask(question).answer
    assert re.search(r"USD/時", answer)
    assert re.search(r"\d{4}-\d{2}-\d{2}", answer)
    assert re.search("東京|大阪|バージニア北部", answer)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_language_of_the_question_is_the_language_of_the_answer(question: str) -> None:
    answer = FORGETFUL.ask(question)
    english = not JAPANESE.search(question)
    assert answer.language == ("en" if english else "ja")
    assert bool(JAPANESE.search(answer.answer)) != english


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("question", QUESTIONS[::5])
def test_a_language_asked_for_wins(question: str, language: str) -> None:
    answer = FORGETFUL.ask(question, language=language)
    assert answer.language == language
    assert bool(JAPANESE.search(answer.answer)) == (language == "ja" or "Æ" in answer.answer)


def test_an_unknown_language_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        FORGETFUL.ask("g5は?", language="fr")


# -- hard inputs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", ["", " ", "\n\n", "　", "\x00", "\x1b[2J", "?", "。。。", "\ufeff"]
)
def test_an_empty_question_gets_an_example(question: str) -> None:
    answer = FORGETFUL.ask(question)
    assert answer.abstained
    assert answer.reason in ("empty", "unclear")
    assert "G5とG4dn" in answer.answer


@pytest.mark.parametrize("size", [MAX_QUESTION + 1, 100_000, 1_000_000])
def test_a_question_that_is_too_long_is_refused(size: int) -> None:
    answer = FORGETFUL.ask("あ" * size)
    assert answer.abstained
    assert answer.reason == "too_long"
    assert f"{MAX_QUESTION:,}" in answer.answer
    assert len(answer.question) <= 500


def test_the_longest_question_is_answered() -> None:
    log = "INFO step 1 loss 2.3\n" * 800
    answer = FORGETFUL.ask(("g5.xlargeのメモリは?\n" + log)[:MAX_QUESTION])
    assert answer.answer


@pytest.mark.parametrize(
    "question",
    [
        "g5.xlarge\x00のメモリは?",
        "g5.xlarge\x1b[31mのメモリは?",
        "g5.xlarge\u200bのメモリは?",
        "g5.xlarge\r\nのメモリは?",
        "\ufeffg5.xlargeのメモリは?",
        "g5.xlarge のメモリは?\x07\x08",
    ],
)
def test_control_characters_neither_disturb_nor_come_back(question: str) -> None:
    answer = FORGETFUL.ask(question)
    assert "16 GiB" in answer.answer
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", answer.answer)


@pytest.mark.parametrize(
    "question",
    ["\ud800", "g5 \udcff", "💥" * 500, "𠮷野家", "ﷺ" * 100, "%s%s%n", "{0.__class__}",
     "'; DROP TABLE", "<script>alert(1)</script>", "|||---|||", "**" * 200, "`" * 100, "[1]" * 50,
     "(" * 3000, "g5" * 5000, "a" * MAX_QUESTION, "1" * 5000, "9" * 20 + "GB以上のGPU", "１" * 300,
     "9" * 400 + "GB以上のGPU"],
)  # fmt: skip
def test_junk_is_answered_without_a_crash(question: str) -> None:
    answer = FORGETFUL.ask(question)
    assert answer.answer.strip()
    json.dumps(answer.model_dump(mode="json"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
def test_any_text_gets_an_answer(question: str) -> None:
    assert FORGETFUL.ask(question).answer.strip()


PIECES = st.sampled_from(
    ["G5", "g4dn.xlarge", "H100", "p5.24xlarge", "Cシリーズ", "と", "の", "は", "違い", "料金",
     "メモリ", "80GB以上", "一番安い", "東京", "大阪", "?", "。", "、", "じゃない", "vs", "8枚",
     "2ドル以下", "bf16", "サイズ", "いくら", " ", "\n", "だよね", "m7i", "A100", "全部", "0枚",
     "-1GB", "1e9GB"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=12))
def test_any_order_of_the_words_gets_a_whole_answer(pieces: list[str]) -> None:
    answer = FORGETFUL.ask("".join(pieces))
    assert answer.answer.strip()
    assert "None" not in answer.answer
    assert "Decimal" not in answer.answer


@pytest.mark.parametrize("question", ["料金?違い", "bf16?違い"])
def test_a_question_about_nothing_is_answered_without_a_crash(question: str) -> None:
    assert FORGETFUL.ask(question).answer.strip()


# -- events, data, state -------------------------------------------------------------------------


def test_a_stream_tells_steps_then_text_then_the_answer() -> None:
    events = list(FORGETFUL.stream("G5とG4dnの違いは?"))
    kinds = [type(event) for event in events]
    assert kinds[0] is Step
    assert kinds[-1] is Answer
    assert kinds.index(TextDelta) > max(i for i, kind in enumerate(kinds) if kind is Step)
    answer = events[-1]
    assert isinstance(answer, Answer)
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert text.strip() == answer.answer.strip()
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.status for step in steps] == ["started", "done"]
    assert "比較" in steps[0].label


def test_the_same_question_gets_the_same_answer() -> None:
    varying = {"answer_id", "elapsed_ms", "thread_id"}
    first, second = (FORGETFUL.ask(QUESTIONS[0]).model_dump(exclude=varying) for _ in range(2))
    assert first == second


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    fresh = Assistant(Settings(log=False), catalogue=load_catalogue())
    for question in ("P5は?", "G5は?", "東京で一番安いGPUは?"):
        FORGETFUL.ask(question)
    assert fresh.ask("G6は?").answer == FORGETFUL.ask("G6は?").answer


def damaged(directory: Path, name: str, content: bytes) -> None:
    """A refreshed catalogue whose file is not what its manifest says."""
    directory.mkdir(parents=True)
    manifest: dict[str, Any] = {
        "schema_version": 1, "created": str(Catalogue().specs_as_of + timedelta(days=30)),
        "counts": {}, "sha256": {name: "0" * 64},
    }  # fmt: skip
    (directory / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (directory / name).write_bytes(content)


@pytest.mark.parametrize("name", ["instance_types.json", "prices.json", "gpus.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\x00" * 50, b"{}"])
def test_a_damaged_refresh_falls_back_to_the_packaged_catalogue(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """The answer is the packaged one, and says so in its warnings."""
    own = Settings(data_dir=tmp_path, log=False)
    damaged(own.catalogue_dir, name, content)
    answer = build_assistant(own).ask("g5.xlargeについて教えて")
    assert answer.answer == FORGETFUL.ask("g5.xlargeについて教えて").answer
    assert any(name in warning for warning in answer.warnings)


def test_a_region_of_the_settings_prices_the_answer() -> None:
    virginia = Assistant(Settings(region="us-east-1", log=False), catalogue=load_catalogue())
    answer = virginia.ask("g5.xlargeの料金は?").answer
    assert "1.006" in answer
    assert "バージニア北部" in answer


def test_an_unknown_region_in_the_settings_is_told_and_not_guessed() -> None:
    nowhere = Assistant(Settings(region="mars-1", log=False), catalogue=load_catalogue())
    answer = nowhere.ask("g5.xlargeの料金は?")
    assert "mars-1" in answer.answer
    assert answer.figures == []
