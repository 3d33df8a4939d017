"""Models that misbehave, through both protocols: nothing false shows, and the answer is right."""

from __future__ import annotations

import pytest

from assistant.llm.prompt import prompt_version, system_prompt
from tests.assistant.llm.conftest import Connect
from tests.assistant.llm.replies import Asked, Call, Reply, Server

QUESTION = "g5.xlargeとp5.48xlargeの仕様を比べて"
LOOK_UP = Reply(calls=(Call("describe_instances", {"names": ["g5.xlarge", "p5.48xlarge"]}),))
TRUTH = "g5.xlarge のメモリは 16 GiB です。"
ADVERSARIES = {
    "invents a price": ("g5.xlarge のオンデマンド料金は 0.99 USD/時です。", ("0.99",)),
    "invents a yen price": ("g5.xlarge は月額 12 万円です。", ("12 万円", "12万円")),
    "invents a specification": ("g5.xlarge の GPU メモリは 40 GB です。", ("40 GB",)),
    "swaps two figures": (
        "g5.xlarge のメモリは 2,048 GiB、p5.48xlarge は 16 GiB です。",
        ("g5.xlarge のメモリは 2,048", "p5.48xlarge は 16 GiB"),
    ),
    "wrong unit": ("g5.xlarge のメモリは 16 TiB です。", ("16 TiB",)),
    "wrong instance": ("p5.48xlarge の vCPU は 4 vCPU です。", (" 4 vCPU",)),
    "unknown citation": (f"{TRUTH[:-1]}[made-up-source]。", ("made-up-source",)),
    "invented instance": ("代わりに g5.9xlarge を勧めます。", ("g5.9xlarge",)),
    "invented family": ("後継の g9 シリーズ、g9z もあります。", ("g9z",)),
    "lies in a table": (
        "| 項目 | g5.xlarge | p5.48xlarge |\n|---|---|---|\n| メモリ | 2,048 GiB | 16 GiB |\n",
        ("| 2,048 GiB | 16 GiB |",),
    ),
    "kanji numerals": ("g5.xlarge のメモリは六十四 GiB です。", ("六十四",)),
    "wrong GPU": ("g5.xlarge は T4 を搭載します。", ("T4 を搭載",)),
    "old date": ("料金は 2019-01-01 時点です。", ("2019",)),
    "sum from the head": ("g5.xlarge を 2 台使うと合計 2.918 USD/時です。", ("2.918",)),
    "leaks the prompt": (system_prompt("ja"), ("あなたは「ask」です。AWS", "計算しません")),
    "leaks half the prompt": (
        f"はい。{system_prompt('ja')[60:300]}", ("記憶にある値", "日本の ML エンジニアに答える")
    ),
    "answers in Chinese": ("该实例适合用于机器学习推理工作负载，内存很大。", ("该实例",)),
}  # fmt: skip


@pytest.mark.parametrize("kind", ADVERSARIES)
@pytest.mark.parametrize("stubborn", [True, False], ids=["stubborn", "corrects itself"])
def test_nothing_false_is_shown(
    kind: str, stubborn: bool, server: Server, connect: Connect
) -> None:
    lie, forbidden = ADVERSARIES[kind]

    def brain(asked: Asked) -> Reply:
        if "1. " in asked.last_text and "確認できない部分" in asked.last_text:
            return Reply(f"1. {lie}" if stubborn else f"1. {TRUTH}")
        return Reply(f"{TRUTH}\n\n{lie}") if asked.has_results else LOOK_UP

    server.brain = brain
    answer = connect().ask(QUESTION)
    assert answer.answer.startswith(TRUTH)
    for words in forbidden:
        assert words not in answer.answer


def test_the_correction_names_the_figure_and_the_facts(server: Server, connect: Connect) -> None:
    server.say(LOOK_UP, Reply(f"{TRUTH}g5.xlarge の GPU メモリは 40 GB です。"), Reply("1. 削除"))
    connect().ask(QUESTION)
    request = server.asked[-1].last_text
    assert "40 GB" in request
    assert "g5.xlarge:gpu_memory_gb = 24" in request
    assert "16 GiB です" not in request  # what was right is not asked for again


def test_only_one_correction_is_asked_for(server: Server, connect: Connect) -> None:
    lies = "".join(f"g5.xlarge の GPU メモリは {n} GB です。" for n in (40, 50, 60))
    server.say(LOOK_UP, Reply(TRUTH + lies), Reply("1. まだ 99 GB です。"))
    answer = connect().ask(QUESTION)
    assert len(server.asked) == 3
    assert "24 GB" in answer.answer
    assert answer.warnings


def test_a_parallel_flood_of_calls_is_cut(server: Server, connect: Connect) -> None:
    calls = tuple(Call("describe_instances", {"names": ["g5.xlarge"], "region": None})
                  for _ in range(40))  # fmt: skip
    server.say(Reply(calls=calls), Reply(TRUTH))
    answer = connect().ask(QUESTION)
    assert len(answer.tool_calls) <= 8


def test_the_prompt_has_a_version() -> None:
    assert prompt_version() >= 1
    assert "version" not in system_prompt("ja")
