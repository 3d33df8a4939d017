"""Follow-ups that describe a thing by what came before: sizes, counts, differences."""

from __future__ import annotations

import pytest

from assistant.app import Assistant
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue


def last_answer(catalogue: Catalogue, *turns: str) -> str:
    """Return the answer to the last turn of a thread of its own."""
    assistant = Assistant(Settings(log=False), catalogue=catalogue)
    return [assistant.ask(turn, thread_id="t").answer for turn in turns][-1]


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        (("c6in.8xlargeのネットワーク帯域", "もう一段上のサイズだと?"), "c6in.12xlarge"),
        (("g5.2xlargeのvCPU", "その半分のサイズは?"), "g5.xlarge"),
        (("c6i.large いくら", "xlargeは", "largeに戻って、1か月つけっぱなしだと"), "78.11 USD"),
        (("うちはg5.12xlargeを3台使っています", "1時間あたり合計いくら?"), "24.68 USD"),
        (("T4のFP16性能", "L4は?", "差は何倍?"), "1.86 倍"),
    ],
)
def test_a_follow_up_is_read_from_what_came_before(
    catalogue: Catalogue, turns: tuple[str, ...], says: str
) -> None:
    assert says in last_answer(catalogue, *turns)


def test_two_statements_with_one_check_are_judged_each_by_itself(forgetful: Assistant) -> None:
    answer = forgetful.ask("p5のCPUはAMD、p5enはIntel。これ合ってますよね").answer
    assert "いいえ" not in answer
    assert answer.count("はい") == 2


def test_a_price_that_is_only_to_be_confirmed_is_no_budget(forgetful: Assistant) -> None:
    question = "p4d.24xlargeは1時間あたり約30ドルという認識ですが、相違ないでしょうか(東京)。"
    assert forgetful.ask(question).answer.startswith("**はい")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("g4nd.xlarge 東京 料金", "g4dn.xlarge"),
        ("G6 . 12 x large の 料 金 は", "g6.12xlarge"),
        ("g6えっくすらーじ、いくら?", "g6.xlarge"),
    ],
)
def test_noisy_names_are_read(forgetful: Assistant, written: str, name: str) -> None:
    answer = forgetful.ask(written)
    assert not answer.abstained
    assert name in answer.answer


def test_a_stated_comparison_of_gpus_is_judged(forgetful: Assistant) -> None:
    answer = forgetful.ask("A10Gのメモリ帯域はL4より狭いと聞きました").answer
    assert answer.startswith("**いいえ")
    assert "600 GB/s" in answer
