"""What `ask feedback draft` writes: eval cases that load and score, entries that want finishing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.drafts import TO_CHECK, case_draft, entry_draft, wants_entry
from assistant.feedback import new_vote
from assistant.settings import Settings
from evals.dataset import Case
from evals.scorers import score
from knowledge.ec2.catalogue import Catalogue
from knowledge.glossary_entries import GlossaryError, parse_entry

QUESTIONS = (
    "g5.xlargeの料金は?",
    "g5.xlargeとg4dn.xlargeの違いは?",
    "p5.48xlargeのGPUは何枚?",
    "g5.xlargeを1日8時間、月20日使うといくら?",
    "7Bをg5.xlargeでQLoRAできる?",
    "H100を1枚だけ使えるインスタンスは?",
    "AWQとは?",
    "How much is g6.xlarge in Tokyo?",
    "今日の天気は?",
    "g5.24xlargeのネットワーク帯域とvCPU数は?",
)


@pytest.fixture
def assistant(tmp_path: Path, catalogue: Catalogue) -> Assistant:
    return Assistant(Settings(data_dir=tmp_path), catalogue=catalogue)


def drafted(assistant: Assistant, question: str, *votes: str) -> Case:
    """The case drafted from the answer to a question, read as `ask eval` reads it."""
    answer = assistant.ask(question)
    given = [new_vote(answer.answer_id, vote, "", "", "cli") for vote in votes]  # type: ignore[arg-type]
    draft = case_draft(answer, assistant.questions(answer), given, "ja")
    return Case.model_validate_json(json.dumps(draft, ensure_ascii=False))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_draft_is_a_case_that_its_own_answer_passes(assistant: Assistant, question: str) -> None:
    case = drafted(assistant, question)
    answer = assistant.ask(question).model_dump(mode="json")
    assert [found for found in score(answer, case) if not found.passed] == []
    assert case.note.startswith(TO_CHECK)
    assert case.id.startswith(f"{case.category}-dev-")


def test_the_figures_of_the_lead_are_expected(assistant: Assistant) -> None:
    case = drafted(assistant, "g5.xlargeの料金は?")
    assert [(figure.value, figure.unit) for figure in case.expect.figures] == [(1.459, "USD")]
    assert case.expect.names == (("g5.xlarge",),)


def test_a_follow_up_becomes_the_turns_of_its_conversation(assistant: Assistant) -> None:
    assistant.ask("g4dn.xlargeの料金は?", "t")
    answer = assistant.ask("大阪だと?", "t")
    case = Case.model_validate(case_draft(answer, assistant.questions(answer), [], "ja"))
    assert case.turns == ("g4dn.xlargeの料金は?", "大阪だと?")
    assert case.category == "multi_turn"


def test_abstaining_is_expected_out_of_scope_unless_someone_minds(assistant: Assistant) -> None:
    assert drafted(assistant, "今日の天気は?").expect.abstain is True
    assert drafted(assistant, "今日の天気は?", "down").expect.abstain is False
    assert drafted(assistant, "Rubinの料金は?").expect.abstain is False
    assert drafted(assistant, "Rubinの料金は?", "up").expect.abstain is True


def test_an_unfinished_entry_is_no_entry_and_a_finished_one_is(assistant: Assistant) -> None:
    answer = assistant.ask('"AWQ": #とは?')
    assert wants_entry(answer)
    draft = entry_draft(answer, "ja")
    with pytest.raises(GlossaryError):
        parse_entry(draft, "awq-draft.md")
    blanks = {
        "id: ": "id: awq-draft",
        'term: {ja: "", en: ""}': "term: {ja: 量子化, en: Quantization}",
        "section: ": "section: inference",
        'summary: ""': f"summary: {'要約' * 15}",
        'summary_en: ""': f"summary_en: {'summary ' * 5}",
        "sources: {}": "sources: {a: {title: t, url: 'https://example.com', as_of: 2026-11-23}}",
        "facts: []": "facts: [" + ", ".join(["{name: n, value: 1, unit: '', source: a}"] * 3) + "]",
        "questions:": "questions:\n  - AWQ の仕組みは?",
    }
    for blank, filled in blanks.items():
        assert draft.count(f"\n{blank}") == 1
        draft = draft.replace(f"\n{blank}", f"\n{filled}")
    entry = parse_entry(draft + "本文" * 100, "awq-draft.md")
    assert entry.questions == ("AWQ の仕組みは?", answer.question)
    assert entry.see_also == ("awq",)


def test_prices_ask_for_no_entry(assistant: Assistant) -> None:
    assert not wants_entry(assistant.ask("g5.xlargeの料金は?"))
