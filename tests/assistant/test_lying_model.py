"""A model that lies on purpose, through the real graph: no unsupported figure is shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from langchain_core.messages import AIMessage

from assistant.answer import Answer
from assistant.app import Assistant
from assistant.events import TextDelta
from assistant.settings import Settings
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue
from tests.assistant.scripted import calling, scripted
from tests.assistant.sentences import SUBJECTS, sentences
from tests.assistant.test_number_lock import BLIND

QUESTION = "これらのインスタンスを教えて"
Liar = Callable[..., Answer]


@pytest.fixture
def liar(catalogue: Catalogue) -> Liar:
    """Ask a model that looks up SUBJECTS and then says the given text."""

    def ask(text: str, *calls: AIMessage, question: str = QUESTION) -> Answer:
        looked_up = calls or (calling("describe_instances", names=list(SUBJECTS)),)
        model = scripted(*looked_up, text)
        return Assistant(Settings(log=False), catalogue=catalogue, model=model).ask(question)

    return ask


def test_the_truth_is_shown_as_it_was_said(liar: Liar) -> None:
    text = "**g5.2xlarge のメモリは 32 GiB です。**\n\n- vCPU は 8 です。"
    answer = liar(text)
    assert answer.answer.startswith(text)
    assert answer.answer.removeprefix(text).strip().startswith("出典: [1] ")
    assert answer.warnings == []
    assert not answer.abstained
    assert {figure.source for figure in answer.figures} == {
        "g5.2xlarge:memory_gib",
        "g5.2xlarge:vcpus",
    }
    assert [(call.name, call.ok) for call in answer.tool_calls] == [("describe_instances", True)]


@pytest.mark.parametrize(
    ("text", "lie", "kept"),
    [
        ("g5.2xlarge のメモリは 32 GiB です。p5.48xlarge は 4 GPU です。", "4 GPU", "32 GiB"),
        ("g5.2xlarge のメモリは 64 GiB です。", "64", ""),
        ("**g5.2xlarge のメモリは 64 GiB です。**\n\nbf16 に対応します。", "64", "bf16"),
        ("- g5.2xlarge は 8 vCPU\n- p5.48xlarge は 96 vCPU\n- 以上です", "96", "8 vCPU"),
        ("g5.2xlarge has 32 GiB of memory. It has 16 vCPUs. Enjoy.", "16 vCPUs", "32 GiB"),
        (
            "| | メモリ |\n|---|---|\n| g5.2xlarge | 32 GiB |\n| p5.48xlarge | 1,024 GiB |",
            "1,024",
            "32 GiB",
        ),
        ("g5.2xlarge と g5.9xlarge があります。\n\nメモリは 32 GiB です。", "g5.9xlarge", ""),
        ("g5.2xlarge は 1.75776 USD/時です。月 1,283 USD です。", "1,283", "1.75776"),
        ("g5.2xlarge は約 263 円/時です。", "263", ""),
        ("p5.48xlarge は g5.2xlarge の 39 倍の料金です。", "39", ""),
        ("メモリは 512 GiB です。", "512", ""),
    ],
)
def test_a_lie_is_cut_and_the_rest_is_shown(liar: Liar, text: str, lie: str, kept: str) -> None:
    answer = liar(text)
    assert lie not in answer.answer
    assert kept in answer.answer
    assert answer.warnings


def test_a_lie_with_a_known_truth_is_replaced_by_it(liar: Liar) -> None:
    answer = liar("g5.2xlarge のメモリは 64 GiB です。")
    assert answer.answer.startswith("g5.2xlarge のメモリは 32 GiB です。")
    assert answer.warnings


def test_where_all_was_lies_the_planner_answers(liar: Liar) -> None:
    answer = liar("おすすめは g5.9xlarge です。", question="g5.2xlargeのメモリは?")
    assert "g5.9xlarge" not in answer.answer
    assert "簡易回答" in answer.answer
    assert "32 GiB" in answer.answer
    assert answer.model == "planner"


def test_figures_without_any_tool_call_are_not_shown(catalogue: Catalogue) -> None:
    """The model answered from memory."""
    model = scripted("g5.2xlarge のメモリは 32 GiB、料金は 1.75776 USD/時です。")
    answer = Assistant(Settings(log=False), catalogue=catalogue, model=model).ask("g5.2xlargeは?")
    assert answer.answer.startswith("> **簡易回答**")  # the planner looks it up
    assert [call.name for call in answer.tool_calls] == ["describe_instances"]


def test_a_failed_tool_call_supports_nothing(liar: Liar) -> None:
    answer = liar(
        "p5.24xlarge は 4 基の H100 を積み、34.4 USD/時です。",
        calling("describe_instances", names=["p5.24xlarge"]),
        question="p5.24xlargeは?",
    )
    assert "34.4" not in answer.answer
    assert "4 基の H100" not in answer.answer
    assert {call.ok for call in answer.tool_calls} == {False}
    assert answer.abstained


def test_figures_of_a_type_that_was_not_looked_up_are_not_shown(liar: Liar) -> None:
    """g6.xlarge has 16 GiB indeed, but no tool said so in this turn."""
    answer = liar("g5.2xlarge のメモリは 32 GiB です。g6.xlarge は 16 GiB です。")
    assert "16 GiB" not in answer.answer
    assert "32 GiB" in answer.answer


def test_a_quoted_passage_cannot_be_claimed_by_an_argument(catalogue: Catalogue) -> None:
    """`quoted` is for curated text; what matters is that a plain model text does not get it."""
    model = scripted(
        calling("describe_instances", names=["g5.2xlarge"]),
        "g5.2xlarge のメモリは 64 GiB です。",
    )
    answer = Assistant(Settings(log=False), catalogue=catalogue, model=model).ask(
        "「g5.2xlarge のメモリは 64 GiB です。」と答えて"
    )
    assert "64" not in answer.answer


@pytest.mark.parametrize("english", [False, True])
def test_the_notice_is_in_the_language_of_the_question(liar: Liar, english: bool) -> None:
    question = "tell me about g5.2xlarge please" if english else "g5.2xlargeについて教えて"
    answer = liar("g5.2xlarge: 64 GiB", question=question)
    assert answer.language == ("en" if english else "ja")
    assert ("left out" in answer.warnings[0]) == english


def test_a_thousand_lies_through_the_graph(catalogue: Catalogue, runner: ToolRunner) -> None:
    """One text of many lies, each on its own line, none of which survives; the truths do."""
    seen = [s for s in sentences(runner) if s.template not in BLIND and "|" not in s.text]
    seen = [s for s in seen if "\n" not in s.text and s.template != "ja two sentences"]
    lies = list(dict.fromkeys(s.text for s in seen if not s.true))
    truths = list(dict.fromkeys(s.text for s in seen if s.true))
    assert len(lies) > 1000
    text = "\n".join([*truths, *lies])
    model = scripted(calling("describe_instances", names=list(SUBJECTS)), text)
    answer = Assistant(Settings(log=False), catalogue=catalogue, model=model).ask(QUESTION)
    shown = set(answer.answer.split("\n"))
    assert [lie for lie in lies if lie in shown] == []
    assert [truth for truth in truths if truth not in shown] == []


def test_a_true_sentence_that_ends_like_a_lie_stays_whole(liar: Liar) -> None:
    truth = "g5.2xlarge のメモリは 32 GiB です。"
    answer = liar(f"p5.48xlarge を見ます。メモリは 32 GiB です。\n\n{truth}")
    assert truth in answer.answer


def test_the_streamed_text_is_the_locked_text(catalogue: Catalogue) -> None:
    model = scripted(
        calling("describe_instances", names=["g5.2xlarge"]),
        "g5.2xlarge のメモリは 32 GiB です。\n\nvCPU は 99 vCPU です。\n\n以上です。",
    )
    events = list(Assistant(Settings(log=False), catalogue=catalogue, model=model).stream("g5は?"))
    streamed = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert "99" not in streamed
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert streamed.strip() == answer.answer.strip()


def test_several_tool_calls_support_one_text(liar: Liar) -> None:
    answer = liar(
        "g6.xlarge は 16 GiB、g4dn.xlarge も 16 GiB です。",
        calling("describe_instances", "a", names=["g6.xlarge"]),
        calling("describe_instances", "b", names=["g4dn.xlarge"]),
    )
    assert len(re.findall("16 GiB", answer.answer)) == 2
    assert answer.warnings == []


@pytest.mark.parametrize(
    "call",
    [
        calling("describe_instances", names="g5"),
        calling("describe_instances", names=["g5"], colour="red"),
        calling("find_instances", sort="beauty"),
        calling("describe_instances", names=["g5"], region="mars-1"),
        calling("drop_tables"),
    ],
)
def test_a_wrong_tool_call_does_not_break_the_turn(liar: Liar, call: AIMessage) -> None:
    """The model hears what was wrong and may go on."""
    answer = liar("調べられませんでした。", call)
    assert answer.answer == "調べられませんでした。"
    assert [found.ok for found in answer.tool_calls] == [False]


def test_where_a_model_never_stops_calling_the_planner_answers(catalogue: Catalogue) -> None:
    loop = [calling("describe_instances", f"c{i}", names=["g5"]) for i in range(50)]
    assistant = Assistant(Settings(log=False), catalogue=catalogue, model=scripted(*loop))
    answer = assistant.ask("g5は?")
    assert answer.answer.startswith("> **簡易回答**")
    assert not answer.abstained


def test_where_a_model_says_nothing_the_planner_answers(catalogue: Catalogue) -> None:
    assistant = Assistant(Settings(log=False), catalogue=catalogue, model=scripted(""))
    answer = assistant.ask("g5は?")
    assert answer.answer.startswith("> **簡易回答**")
    assert "A10G" in answer.answer
